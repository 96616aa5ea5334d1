"""One session's calls: what a status means, who is asked again, and what is told."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stamina

from rayingest.errors import (
    Denied,
    Gone,
    Permanent,
    Retryable,
    SessionLost,
    SourceError,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.rest.http import TRIES, Answer, Http


@dataclass
class Server:
    """Answers with what is planned, then with 200."""

    url: str = ""
    planned: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    asked: int = 0
    gate: threading.Event = field(default_factory=threading.Event)

    def plan(self, status: int, body: bytes = b"{}", times: int = 1, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.planned += [(status, named, body)] * times


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    made.gate.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            made.asked += 1
            made.gate.wait(10)
            status, headers, body = made.planned.pop(0) if made.planned else (200, {}, b"good")
            if status == 0:  # half an answer
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.daemon_threads = True
        threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True).start()
        made.url = f"http://127.0.0.1:{serving.server_port}/x"
        yield made
        made.gate.set()
        serving.shutdown()


@pytest.fixture
def http() -> Iterator[Http]:
    stamina.set_testing(True, attempts=TRIES)
    made = Http(timeout=5, hidden=("s3cret",))
    yield made
    made.close()
    stamina.set_testing(False)


@pytest.mark.parametrize(
    ("status", "kind", "asked"),
    [
        (401, Unauthorised, 1),
        (403, Denied, 1),
        (404, Gone, 1),
        (410, Gone, 1),
        (400, Permanent, 1),
        (429, Throttled, 1),
        (408, Retryable, TRIES),
        (500, Retryable, TRIES),
        (503, Retryable, TRIES),
        (599, Retryable, TRIES),
    ],
)
def test_a_status_is_an_error_of_the_engine(
    server: Server, http: Http, status: int, kind: type[SourceError], asked: int
) -> None:
    server.plan(status, b'{"message": "because"}', times=TRIES)
    with pytest.raises(SourceError, match=f"{status} because") as caught:
        http.request("GET", server.url)
    assert type(caught.value) is kind
    assert (server.asked, http.calls) == (asked, asked)


@pytest.mark.parametrize(
    "body",
    [
        b'{"message": "because"}',
        b'{"error": {"code": 1}, "detail": "because"}',
        b'{"msg": "because"}',
        b'{"errors": [{"message": "because", "level": "error"}]}',
        b"  because ",
    ],
)
def test_what_a_server_says_is_told(server: Server, http: Http, body: bytes) -> None:
    server.plan(400, body)
    with pytest.raises(Permanent, match=r"^400 because$"):
        http.request("GET", server.url)


def test_some_servers_have_another_word_for_401(server: Server) -> None:
    http = Http(timeout=5, stranger=lambda status, said: status == 404 and "log in" in said)
    server.plan(404, b'{"message": "Please log in"}')
    with pytest.raises(Unauthorised, match="404 Please log in"):
        http.request("GET", server.url)
    server.plan(404, b'{"message": "No such thing"}')
    with pytest.raises(Gone):
        http.request("GET", server.url)
    http.close()


def test_who_is_told_to_wait_is_throttled(server: Server, http: Http) -> None:
    server.plan(503, Retry_After="7")
    with pytest.raises(Throttled) as caught:
        http.request("GET", server.url)
    assert caught.value.wait == 7


def test_a_patient_one_waits_here(server: Server, http: Http) -> None:
    server.plan(429, times=2, Retry_After="0")
    http.patient = True
    assert http.request("GET", server.url).content == b"good"
    assert server.asked == 3
    server.plan(429, Retry_After="3600")
    with pytest.raises(Throttled):
        http.request("GET", server.url)


def test_a_torn_answer_is_asked_for_again(server: Server, http: Http) -> None:
    server.plan(0)
    assert http.request("GET", server.url).content == b"good"
    server.plan(0, times=TRIES)
    with pytest.raises(SessionLost, match="broke off"):
        http.request("GET", server.url)


def test_who_does_not_answer_in_time_is_not_asked_again(server: Server) -> None:
    server.gate.clear()
    http = Http(timeout=0.2)
    with pytest.raises(TimedOut):
        http.request("GET", server.url)
    assert server.asked == 1
    http.close()


def test_nobody_there(http: Http) -> None:
    with pytest.raises(Unreachable, match=r"Nobody answers at 127\.0\.0\.1:9"):
        http.request("GET", "http://127.0.0.1:9/x")


def test_nobody_is_sent_elsewhere(server: Server, http: Http) -> None:
    server.plan(307, Location="https://elsewhere.example/x")
    with pytest.raises(Permanent, match=r"307: moved to https://elsewhere\.example/x") as caught:
        http.request("POST", server.url, content=b"client_secret=x")
    assert "hostPort" in str(caught.value.hint)
    assert server.asked == 1


def test_no_secret_is_told(server: Server, http: Http) -> None:
    server.plan(400, b'{"message": "bad s3cret here"}')
    with pytest.raises(Permanent, match=r"bad \*\*\* here"):
        http.request("GET", server.url)


def test_what_a_server_says_may_stand_one_deeper(server: Server, http: Http) -> None:
    server.plan(400, b'{"error": {"code": "400006", "detail": "Invalid page number"}}')
    with pytest.raises(Permanent, match="400 Invalid page number"):
        http.request("GET", server.url)


def test_a_good_status_may_hide_something_bad(server: Server, http: Http) -> None:
    """What the judge raises is met like a status that says so: asked again, and waited for."""
    seen: list[bytes] = []

    def judge(answer: Answer) -> None:
        seen.append(answer.content)
        if len(seen) < TRIES:
            raise Retryable("not yet")

    assert http.request("POST", server.url, judge=judge).content == b"good"
    assert (len(seen), server.asked) == (TRIES, TRIES)


def test_a_call_may_be_under_a_limit_of_its_own(server: Server) -> None:
    asked: list[tuple[str, str]] = []

    class Seen:
        def call(self, name: str, route: str = "") -> AbstractContextManager[object]:
            asked.append((name, route))
            return nullcontext()

    http = Http(timeout=5, limiter=Seen(), limits={"b": "questions"})
    http.request("GET", server.url, route="a")
    http.request("GET", server.url, route="b")
    http.close()
    assert asked == [("api", "a"), ("questions", "b")]
