"""What goes wrong between a cluster and us, and what whoever asked is told."""

import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

import pytest

from rayingest.errors import (
    ConfigError,
    Permanent,
    Retryable,
    SessionLost,
    Throttled,
    TimedOut,
    Unreachable,
)
from rayingest.kit.sql.trino.http import Http
from rayingest.kit.sql.trino.statements import Statements
from rayingest.model import EntityType
from rayingest.testing.probe import of, sort, walk
from rayingest.testing.trino import Refusal

DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE


def everything(world):
    """Descriptors and tables, through one session."""
    with world.probe.open() as source:
        found = of(walk(source))
        tables, failed = sort(source.process_entities([e for e in found if e.type is TABLE]))
    assert not failed
    return found, tables


@pytest.mark.usefixtures("hurry")
def test_a_gateway_that_is_busy_and_answers_that_are_cut_change_nothing(library):
    """Each third request gets a 503, each second page breaks off; pages are of two rows."""
    expected = everything(library)
    library.cluster.page, library.cluster.busy, library.cluster.torn = 2, 3, 2
    assert everything(library) == expected
    assert library.cluster.pages > 20


def test_what_stands_before_a_coordinator_may_call_it_by_another_name(library):
    """Addresses are followed on the server that was asked: no password goes anywhere else."""
    library.cluster.named = "https://coordinator.invalid:9"
    library.cluster.page = 2
    assert len(everything(library)[1]) == 4


def test_nobody_answers(library):
    for place in ("127.0.0.1:1", "nowhere.invalid:8080"):
        with pytest.raises(Unreachable, match="Nobody answers at http://") as raised:
            library.probe.open(hostPort=place).__enter__()
        assert "hostPort" in raised.value.hint


@contextmanager
def answering(status, body, headers=()):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in (("Content-Length", str(len(body))), *headers):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "headers", "said"),
    [
        (200, b"<html>Welcome</html>", (), "is no coordinator: 200 <html>Welcome"),
        (404, b"nothing here", (), "is no coordinator: 404"),
        (302, b"", [("Location", "https://else.where/")], "302, moved to https://else.where/"),
    ],
)
@pytest.mark.usefixtures("hurry")
def test_what_is_no_coordinator_is_told(library, status, body, headers, said):
    with (
        answering(status, body, headers) as place,
        pytest.raises(Unreachable, match=said) as raised,
    ):
        library.probe.open(hostPort=place).__enter__()
    assert "http_scheme" in raised.value.hint


@pytest.mark.usefixtures("hurry")
def test_who_is_throttled_waits_with_everybody(library):
    library.cluster.throttled, library.cluster.wait = 1, "7"
    with pytest.raises(Throttled) as raised:
        library.probe.open().__enter__()
    assert raised.value.wait == 7.0


@pytest.mark.usefixtures("hurry")
def test_a_statement_that_runs_waits_a_moment_and_is_given_up_when_told_to_wait_long(library):
    library.cluster.throttled_pages, library.cluster.wait = 3, "5"
    assert len(everything(library)[1]) == 4
    with library.probe.open() as source:
        library.cluster.throttled_pages, library.cluster.wait = 1, "60"
        with pytest.raises(Throttled) as raised:
            list(source.discover_entities(SCHEMA, "svc.shop"))
    assert raised.value.wait == 60.0
    assert any("schemata" in each for each in library.cluster.ended)


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("QUERY_QUEUE_FULL", Throttled),
        ("SERVER_STARTING_UP", Retryable),
        ("EXCEEDED_TIME_LIMIT", TimedOut),
        ("QUERY_REJECTED", Permanent),
        ("INVALID_SESSION_PROPERTY", ConfigError),
    ],
)
def test_refusals_of_the_cluster(library, name, means):
    library.cluster.refusals["show catalogs"] = Refusal(name, "Because of that")
    with pytest.raises(means, match=f"Because of that \\({name}\\)"):
        library.probe.open().__enter__()


def test_a_listing_that_fails_in_the_middle_is_no_shorter_one(library):
    refusal = Refusal("GENERIC_INTERNAL_ERROR", "oops")
    library.cluster.refusals['"shop".information_schema.tables'] = refusal
    with library.probe.open() as source:
        assert len(of(source.discover_entities(SCHEMA, "svc.shop"))) == 1
        with pytest.raises(Permanent, match="oops"):
            list(source.discover_entities(TABLE, "svc.shop.library"))


def test_a_running_statement_is_ended_at_the_cluster(library):
    with library.probe.open() as source:
        library.cluster.stuck = "schemata"
        timer = threading.Timer(0.2, source.cancel)
        timer.start()
        started = time.monotonic()
        with pytest.raises(TimedOut, match="cancelled"):
            list(source.discover_entities(SCHEMA, "svc.shop"))
        timer.join()
        assert time.monotonic() - started < 5
        assert any("schemata" in each for each in library.cluster.ended)
        library.cluster.stuck = ""
        assert of(source.discover_entities(SCHEMA, "svc.shop"))


def test_a_server_that_says_nothing_at_all_is_left():
    """There is no address to end the statement at yet: the connection is broken."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        http = Http(url, user="ada", login=dict, seconds=60, connect=10)
        http.welcome()
        statements = Statements(http, {}, 60)
        timer = threading.Timer(0.3, statements.cancel)
        timer.start()
        started = time.monotonic()
        with pytest.raises(SessionLost, match="broke off"):
            statements.rows("select 1")
        timer.join()
        assert time.monotonic() - started < 10
        http.close()


def test_a_server_that_says_nothing_more_is_left():
    """What was torn is asked for again, but not once the statement is cancelled."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b'{"id": "q", "nextUri": "http://x/v1/statement/executing/q/1"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            over.wait(20)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        http = Http(url, user="ada", login=dict, seconds=8, connect=8)
        statements = Statements(http, {}, 8)
        timer = threading.Timer(0.3, statements.cancel)
        timer.start()
        started = time.monotonic()
        with pytest.raises(SessionLost, match="broke off"):
            statements.rows("select 1")
        assert time.monotonic() - started < 5
        timer.join()
        over.set()
        http.close()
        server.shutdown()
        thread.join()


def test_a_statement_without_an_end_times_out_and_is_ended(library):
    with library.probe.open(call_timeout=1.0) as source:
        library.cluster.stuck = "schemata"
        with pytest.raises(TimedOut, match="no whole answer within 1 s"):
            list(source.discover_entities(SCHEMA, "svc.shop"))
    assert any("schemata" in each for each in library.cluster.ended)


@pytest.mark.usefixtures("hurry")
def test_a_cluster_that_forgot_the_statement_is_asked_on_a_new_session(library):
    """As after a restart of the coordinator."""
    with library.probe.open() as source:
        library.cluster.forgetful = True
        with pytest.raises(SessionLost, match="knows the statement no more"):
            list(source.discover_entities(SCHEMA, "svc.shop"))


def test_one_poisoned_table_costs_only_itself(library):
    """The engine bisects what raises: here a statement that names the table."""
    descriptors = library.probe.descriptors(TABLE)
    library.cluster.refusals["'loan'"] = Refusal("GENERIC_INTERNAL_ERROR", "poison")
    with library.probe.open() as source:
        with pytest.raises(Permanent, match="poison"):
            list(source.process_entities(descriptors))
        rest = [each for each in descriptors if each.metadata["name"] != "loan"]
        found, failed = sort(source.process_entities(rest))
    assert (len(found), failed) == (3, {})
