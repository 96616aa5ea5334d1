"""Answers that are none: half of one, errors of every number, and whatever stands before a server."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from rayingest import errors
from rayingest.connectors.database.clickhouse import CONNECTOR
from rayingest.core.source import EntityDescriptor
from rayingest.kit.sql.clickhouse.errors import Said, code_of, meaning
from rayingest.kit.sql.clickhouse.tables import tables
from rayingest.kit.sql.facts import Wants
from rayingest.model import EntityType
from rayingest.testing.probe import Probe

SCHEMES = ("clickhouse+http", "clickhouse+native")
# As 18.16 and 26.9 write them.
OLD = "Code: 202, e.displayText() = DB::Exception: Too many queries, e.what() = DB::Exception"
NEW = (
    "Code: 497. DB::Exception: bob: Not enough privileges. To execute this query, it's necessary to have"
    " the grant SELECT(name) ON system.tables. (ACCESS_DENIED) (version 26.9.2.1 (official build))"
)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_statement_that_fails_after_many_rows_gives_none(whole, scheme):
    with (
        whole(scheme).open() as source,
        pytest.raises(Said) as raised,
        source._session("") as session,
    ):
        session.rows("select number, throwIf(number = 900000) from numbers(1000000)")
    assert raised.value.code == 395


@pytest.mark.parametrize("scheme", SCHEMES)
def test_texts_of_the_server_come_without_its_noise(whole, scheme):
    with (
        whole(scheme).open() as source,
        pytest.raises(errors.Gone) as raised,
        source._session("") as session,
    ):
        session.rows("select 1 from nothing.at_all")
    said = str(raised.value)
    assert said.startswith("Database nothing doesn't exist")
    assert "Exception" not in said
    assert said.endswith("(error 81)")


def test_the_number_of_an_error():
    assert code_of(OLD) == 202
    assert code_of(f"\n[1, 2],\n{NEW}") == 497
    assert code_of("<html>502</html>") is None


@pytest.mark.parametrize(
    ("number", "kind"),
    [(60, errors.Gone), (81, errors.Gone), (516, errors.Unauthorised), (193, errors.Unauthorised),
     (497, errors.Denied), (291, errors.Denied), (159, errors.TimedOut), (209, errors.TimedOut),
     (394, errors.TimedOut), (202, errors.Throttled), (201, errors.Throttled), (745, errors.Throttled),
     (241, errors.Retryable), (999, errors.Retryable), (115, errors.ConfigError), (396, Said), (62, Said)],
)  # fmt: skip
def test_error_numbers(number, kind):
    known = meaning(number, f"Code: {number}. DB::Exception: Why. (NAME)", "bob")
    assert type(known) is kind
    assert "Why. (NAME)" in str(known)


def test_the_grant_that_is_missing_is_told():
    known = meaning(497, NEW, "bob")
    assert known.hint == "GRANT SELECT(name) ON system.tables TO bob;"
    assert "official build" not in str(known)
    known = meaning(291, "Access denied to database x", "bob")
    assert known.hint == "GRANT SHOW DATABASES, SHOW TABLES, SHOW COLUMNS ON *.* TO bob;"


class Proxy(BaseHTTPRequestHandler):
    """Answers everything with what `server.told` says: a status, headers, a body."""

    def do_POST(self):
        status, headers, body = self.server.told
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def proxy():
    with HTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


HELLO = b'{"data": [["26.9", [], [], 1]], "rows": 1}'


@pytest.mark.parametrize(
    ("told", "kind", "said"),
    [
        ((404, {}, b"<html>no such page</html>"), errors.Unreachable, "is not ClickHouse's HTTP interface"),
        ((200, {}, b"<html>welcome</html>"), errors.Unreachable, "is not ClickHouse's HTTP interface"),
        ((401, {}, b"who are you"), errors.Unauthorised, "does not accept user"),
        ((429, {"Retry-After": "7"}, b"slow down"), errors.Throttled, "slow down"),
        ((502, {}, b"bad gateway"), errors.Retryable, "bad gateway"),
        ((503, {}, OLD.encode()), errors.Throttled, "Too many queries"),
        ((301, {"Location": "https://elsewhere"}, b""), errors.Unreachable, "301"),
    ],
)  # fmt: skip
def test_what_stands_before_a_server_is_told_from_it(proxy, told, kind, said):
    proxy.told = told
    probe = Probe(CONNECTOR, {"hostPort": f"127.0.0.1:{proxy.server_port}"})
    with pytest.raises(kind, match=said) as raised:
        probe.open().__enter__()
    if kind is errors.Throttled and told[0] == 429:
        assert raised.value.wait == 7


@pytest.mark.parametrize(
    ("half", "kind"),
    [
        (b'{"data": [["shop", 0', errors.SessionLost),
        (b'{"data": [["shop", 0, "shop", ""],\n' + OLD.encode(), errors.Throttled),
        (b'{"data": [["shop", 0, "shop", ""]], "rows": 2}', errors.SessionLost),
        (b'{"data": [], "rows": 0, "exception": "' + OLD.encode() + b'"}', errors.Throttled),
        (b"", errors.SessionLost),
    ],
)
def test_half_an_answer_is_no_answer(proxy, half, kind):
    proxy.told = (200, {}, HELLO)
    with Probe(CONNECTOR, {"hostPort": f"127.0.0.1:{proxy.server_port}"}).open() as source:
        proxy.told = (200, {}, half)
        with pytest.raises(kind):
            list(source.discover_entities(EntityType.DATABASE_SCHEMA))


def test_columns_that_are_hidden_are_denied_with_the_grant():
    """Rows of system.columns are missing for want of SHOW COLUMNS; no server here has grants."""

    class Hiding:
        user = "bob"

        def column(self, table, name, absent="''"):
            return absent

        def rows(self, statement):
            return [("s", "t", "Log", "", "", "", "", 0)] if "system.tables" in statement else []

    descriptor = EntityDescriptor(
        EntityType.TABLE, "v.d.s.t", "v.d.s", "d", {"schema": "s", "name": "t"}
    )
    (answer,) = tables(Hiding(), [descriptor], Wants())
    assert isinstance(answer.error, errors.Denied)
    assert answer.error.hint == "GRANT SHOW COLUMNS ON `s`.`t` TO bob;"
