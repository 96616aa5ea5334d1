"""A session with a REST API: who asks, when that is renewed, and what is no answer."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stamina

from rayingest.errors import Denied, Permanent, Unauthorised
from rayingest.kit.rest import auth as auths
from rayingest.kit.rest.api import Api, address
from rayingest.kit.rest.auth import Auth, ClientCredentials, LogIn, api_key, basic, bearer
from rayingest.kit.rest.http import Http
from rayingest.kit.rest.pages import Links
from rayingest.kit.rest.source import filled

KEY = "api-canary-55c1"


class Server:
    """Answers what it is told to; tokens are `t1`, `t2`, …, the newest alone is good."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], str]] = []
        self.answers: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.issued, self.lasts, self.guarded = 0, 3600, False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.seen.append(("POST", self.path, dict(self.headers), body))
                outer.issued += 1
                token = {"access_token": f"t{outer.issued}", "expires_in": outer.lasts}
                told = outer.answers.get(
                    self.path, (200, json.dumps(token | {"data": token}).encode(), {})
                )
                self.send(*told)

            def do_GET(self) -> None:
                outer.seen.append(("GET", self.path, dict(self.headers), ""))
                newest = f"Bearer t{outer.issued}"
                if outer.guarded and self.headers.get("Authorization") != newest:
                    self.send(401, b"{}", {})
                else:
                    self.send(*outer.answers.get(self.path, (200, b'{"id": 1}', {})))

            def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def asked(self) -> list[str]:
        return [f"{method} {urlsplit(path).path}" for method, path, _, _ in self.seen]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, args=(0.02,))
    thread.start()
    stamina.set_testing(True, attempts=1)
    yield made
    stamina.set_testing(False)
    made.http.shutdown()
    thread.join()
    made.http.server_close()


@pytest.fixture
def session(server: Server) -> Iterator[Any]:
    opened: list[Api] = []

    def made(auth: Auth) -> Api:
        opened.append(Api(server.url, Http(timeout=5, hidden=(KEY,)), auth))
        return opened[-1]

    yield made
    for each in opened:
        each.close()


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (bearer(KEY), "Authorization", f"Bearer {KEY}"),
        (
            basic("me", "pä:ss"),
            "Authorization",
            "Basic " + base64.b64encode("me:pä:ss".encode()).decode(),
        ),
        (api_key("X-Key", KEY), "X-Key", KEY),
    ],
)
def test_what_is_fixed_is_sent_and_shown_nowhere(
    server: Server, session: Any, auth: Auth, header: str, value: str
) -> None:
    assert session(auth).get("/x") == {"id": 1}
    assert server.seen[0][2][header] == value
    assert KEY not in repr(auth)


def test_a_log_in_happens_once_and_again_when_it_is_forgotten(server: Server, session: Any) -> None:
    server.guarded = True
    body = {"username": "me", "password": KEY}
    api = session(LogIn(f"{server.url}/login", body, "data.access_token"))
    assert [api.get("/a"), api.get("/b")] == [{"id": 1}] * 2
    server.issued += 1  # the server forgets its token
    api.get("/c")
    assert server.asked() == ["POST /login", "GET /a", "GET /b", "GET /c", "POST /login", "GET /c"]
    assert json.loads(server.seen[0][3]) == body
    assert api.calls == 6


def test_who_may_lose_a_log_in_to_others_gets_it_again_as_often_as_is_said(server: Server) -> None:
    server.guarded = True
    lost = 0

    class Losing(LogIn):
        def headers(self, http: Http) -> Mapping[str, str]:
            nonlocal lost
            given = super().headers(http)
            server.issued, lost = server.issued + (lost < 3), lost + 1  # somebody else logs in
            return given

    http = Http(timeout=5)
    api = Api(server.url, http, Losing(f"{server.url}/login", {}, "access_token"), renewals=3)
    assert api.get("/a") == {"id": 1}
    assert server.asked().count("GET /a") == 4
    lost = -9
    with pytest.raises(Unauthorised) as caught:
        api.get("/b")
    assert caught.value.hint == "Check the credentials of the connection."
    assert server.asked().count("GET /b") == 4
    api.close()


def test_a_log_in_that_is_refused_says_so_without_the_secret(server: Server, session: Any) -> None:
    server.answers["/login"] = (400, f'{{"message": "no {KEY}"}}'.encode(), {})
    auth = LogIn(f"{server.url}/login", {"p": KEY}, "id", hint="Ask the admin.")
    with pytest.raises(Unauthorised, match=r"not taken: 400 no \*\*\*") as caught:
        session(auth).get("/a")
    assert caught.value.hint == "Ask the admin."


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"id": 3}'])
def test_a_log_in_without_a_token_is_told(server: Server, session: Any, body: bytes) -> None:
    server.answers["/login"] = (200, body, {})
    with pytest.raises(Permanent, match="answers a log-in with"):
        session(LogIn(f"{server.url}/login", {}, "id")).get("/a")


@pytest.mark.parametrize("in_body", [False, True])
def test_client_credentials_are_renewed_before_their_end(
    server: Server, session: Any, monkeypatch: pytest.MonkeyPatch, in_body: bool
) -> None:
    now = [100.0]
    monkeypatch.setattr(auths.time, "monotonic", lambda: now[0])
    server.guarded = True
    auth = ClientCredentials(f"{server.url}/token", "id", KEY, "all", in_body=in_body)
    api = session(auth)
    api.get("/a")
    now[0] += server.lasts - auths.EARLY - 1
    api.get("/b")
    now[0] += 2
    api.get("/c")
    assert server.asked() == ["POST /token", "GET /a", "GET /b", "POST /token", "GET /c"]
    form = parse_qs(server.seen[0][3])
    assert (form["grant_type"], form["scope"]) == (["client_credentials"], ["all"])
    assert ("client_secret" in form) == in_body
    assert ("Authorization" in server.seen[0][2]) != in_body
    assert KEY not in repr(auth)


def test_who_is_refused_with_a_fixed_key_is_told_what_to_do(server: Server, session: Any) -> None:
    server.guarded = True
    with pytest.raises(Unauthorised) as caught:
        session(bearer("old")).get("/a")
    assert "expired" in str(caught.value.hint)
    assert server.asked() == ["GET /a"]


def test_who_is_refused_with_a_fresh_token_is_told_what_to_do(server: Server, session: Any) -> None:
    server.answers["/a"] = (401, b'{"message": "not you"}', {})
    auth = ClientCredentials(f"{server.url}/token", "me", KEY, hint="Ask the admin.")
    with pytest.raises(Unauthorised, match="401 not you") as caught:
        session(auth).get("/a")
    assert caught.value.hint == "Ask the admin."
    assert server.asked() == ["POST /token", "GET /a", "POST /token", "GET /a"]


def test_what_is_no_json_is_told_with_its_beginning(server: Server, session: Any) -> None:
    server.answers["/a"] = (200, b"<html> <title>Sign in", {})
    with pytest.raises(Permanent, match="begins with '<html> <title>Sign in'") as caught:
        session(bearer("x")).get("/a")
    assert "hostPort" in str(caught.value.hint)


def test_errors_keep_their_class(server: Server, session: Any) -> None:
    server.answers["/a"] = (403, b'{"message": "not yours"}', {})
    with pytest.raises(Denied, match="not yours"):
        session(bearer("x")).get("/a")


def test_the_next_page_is_in_the_link_header(server: Server, session: Any) -> None:
    api = session(bearer(KEY))
    link = {"Link": f'<{server.url}/list?cursor=2>; rel="next", <{server.url}/x>; rel="last"'}
    server.answers["/list?q=a&per_page=100"] = (200, b"[1]", link)
    server.answers["/list?cursor=2"] = (200, b"[2]", {})
    assert list(api.items("/list", Links(), {"q": "a"})) == [1, 2]


def test_nobody_else_learns_who_we_are(server: Server, session: Any) -> None:
    other = {"Link": '<http://127.0.0.2:9/list>; rel="next"'}
    server.answers["/list?per_page=100"] = (200, b"[1]", other)
    with pytest.raises(Permanent, match="another server"):
        list(session(bearer(KEY)).items("/list", Links()))


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("bi.example.com", "https://bi.example.com"),
        (" http://localhost:3000/ ", "http://localhost:3000"),
        ("https://x.example/grafana/api/", "https://x.example/grafana"),
    ],
)
def test_addresses_are_taken_as_people_copy_them(given: str, url: str) -> None:
    assert address(given, "/api") == url


def test_what_is_filled_into_a_path_stays_in_its_place() -> None:
    assert (
        filled("/a/{id}/b/{name}", {"id": "x/../y?z", "name": "ü"}) == "/a/x%2F..%2Fy%3Fz/b/%C3%BC"
    )
    with pytest.raises(KeyError):
        filled("/a/{id}", {})
