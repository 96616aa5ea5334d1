"""GraphQL: what errors beside data mean, pages by cursor, and fewer at once, against a real executor."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest
import stamina
from hypothesis import given, settings
from hypothesis import strategies as st

from rayingest.errors import Denied, Permanent, SourceError, Throttled, Unauthorised
from rayingest.kit.rest.api import Api
from rayingest.kit.rest.auth import Fixed
from rayingest.kit.rest.graphql import GraphQL, Meaning, Off, Partial, Reply, TooMuch
from rayingest.kit.rest.http import Http

graphql = pytest.importorskip("graphql")

SCHEMA = """
type Query {
  books(first: Int, after: String): Books
  some(keys: [ID], first: Int): Books
}
type Books { nodes: [Book!]! pageInfo: PageInfo! }
type PageInfo { hasNextPage: Boolean! endCursor: String }
type Book { id: ID! }
"""
ALL = """query All($first: Int, $after: String) {
  books(first: $first, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } }
}"""
SOME = "query Some($keys: [ID], $first: Int) { some(keys: $keys, first: $first) { nodes { id } } }"
CODES = {
    "CUT": Meaning.TOO_MUCH,
    "SLOWLY": Meaning.THROTTLED,
    "NO": Meaning.DENIED,
    "WHO": Meaning.STRANGER,
    "NOT_HERE": Meaning.OFF,
    "BY_THE_WAY": Meaning.NOTE,
}


class Library:
    """Books `0`, `1`, … of a weight each; an answer heavier than `bears` is cut."""

    def __init__(self, weights: list[int], bears: int = 1000) -> None:
        self.weights, self.bears = weights, bears
        self.asked: list[int] = []
        self.said: list[dict[str, Any]] = []  # errors, one for each answer
        self.body: bytes | None = None
        self.status = 200

    def answer(self, told: dict[str, Any]) -> bytes:
        if self.body is not None:
            return self.body
        self.asked.append(told["variables"]["first"])
        schema = graphql.build_schema(SCHEMA)
        root = {"books": self._page, "some": self._some}
        made = graphql.graphql_sync(schema, told["query"], root, variable_values=told["variables"])
        assert made.errors is None
        body: dict[str, Any] = {"data": made.data}
        (found,) = made.data.values()
        if sum(self.weights[int(each["id"])] for each in found["nodes"]) > self.bears:
            found["nodes"] = found["nodes"][:1]
            body["errors"] = [error("CUT")]
        elif self.said:
            body["errors"] = [self.said.pop(0)]
        return json.dumps(body).encode()

    def _page(self, info: Any, first: int, after: str | None = None) -> Any:
        start = int(after or 0)
        ids = range(len(self.weights))[start : start + first]
        more = start + first < len(self.weights)
        page = {"hasNextPage": more, "endCursor": str(start + first) if more else None}
        return {"nodes": [{"id": each} for each in ids], "pageInfo": page}

    def _some(self, info: Any, keys: list[str], first: int) -> Any:
        assert len(keys) == first
        return {"nodes": [{"id": each} for each in keys], "pageInfo": None}


def error(code: str | None, message: str = "so it is") -> dict[str, Any]:
    return {"message": message, **({"extensions": {"code": code}} if code else {})}


@pytest.fixture(scope="module")
def shelf() -> Iterator[tuple[list[Library], str]]:
    """A server of the library that is in the list."""
    there: list[Library] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = there[-1].answer(told)
            self.send_response(there[-1].status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.daemon_threads = True
        threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True).start()
        stamina.set_testing(True, attempts=3)
        yield there, f"http://127.0.0.1:{serving.server_port}"
        stamina.set_testing(False)
        serving.shutdown()


class Reader:
    """Asks a library."""

    def __init__(self, shelf: tuple[list[Library], str], library: Library) -> None:
        there, url = shelf
        there.append(library)
        self.library = library
        self.http = Http(timeout=5)
        self.ask = GraphQL(Api(url, self.http, Fixed()), "/graphql", CODES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def all(self, size: int = 10) -> list[str]:
        return [each["id"] for each in self.ask.pages("All", ALL, "books", size)]


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.integers(1, 8), max_size=40),
    bears=st.integers(8, 40),
    size=st.integers(1, 50),
)
def test_all_come_once_in_pages_that_the_server_bears(
    shelf: Any, weights: list[int], bears: int, size: int
) -> None:
    with Reader(shelf, Library(weights, bears)) as reader:
        assert reader.all(size) == [str(at) for at in range(len(weights))]
        asked = reader.library.asked
        assert asked == sorted(asked, reverse=True), "what is too much is not asked for again"


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.integers(1, 20), max_size=40),
    bears=st.integers(5, 60),
    size=st.integers(1, 50),
)
def test_each_key_is_answered_once_or_is_too_much_alone(
    shelf: Any, weights: list[int], bears: int, size: int
) -> None:
    keys = [str(at) for at in range(len(weights))]
    with Reader(shelf, Library(weights, bears)) as reader:
        told = list(reader.ask.batches("Some", SOME, keys, size))
    assert [key for some, _ in told for key in some] == keys
    for some, reply in told:
        if isinstance(reply, Reply):
            assert [each["id"] for each in reply.whole()["some"]["nodes"]] == list(some)
        else:
            assert isinstance(reply, TooMuch)
            assert [weights[int(each)] > bears for each in some] == [True]


def test_how_many_it_bears_is_remembered_for_each_operation(shelf: Any) -> None:
    with Reader(shelf, Library([1] * 16, bears=4)) as reader:
        reader.all(16)
        assert reader.library.asked == [16, 8, 4, 4, 4, 4]
        list(reader.ask.batches("Some", SOME, ["1", "2", "3", "4", "5"], 16))
        assert reader.library.asked[6:] == [5, 2, 2, 1]
        before = len(reader.library.asked)
        reader.all(16)
        assert reader.library.asked[before:] == [4] * 4


def test_one_that_is_too_much_alone_ends_a_listing(shelf: Any) -> None:
    with Reader(shelf, Library([1, 1, 99, 1], bears=10)) as reader, pytest.raises(TooMuch):
        reader.all()


def test_what_is_missing_is_told_behind_what_came(shelf: Any) -> None:
    library = Library([1] * 4)
    library.said = [error("STALE"), error(None, "half of it")]
    seen = []
    with Reader(shelf, library) as reader, pytest.raises(Partial) as caught:  # noqa: PT012
        for each in reader.ask.pages("All", ALL, "books", 2):
            seen.append(each["id"])  # noqa: PERF401 - what came before it is what matters
    assert seen == ["0", "1", "2", "3"]
    assert str(caught.value) == "Not all is there: STALE: so it is; half of it"


def test_a_note_changes_nothing(shelf: Any) -> None:
    library = Library([1] * 2)
    library.said = [error("BY_THE_WAY")]
    with Reader(shelf, library) as reader:
        reply = reader.ask.ask("All", ALL, {"first": 5})
    assert (reply.missing, reply.notes) == ((), ("BY_THE_WAY: so it is",))
    assert len(reply.whole()["books"]["nodes"]) == 2


@pytest.mark.parametrize(
    ("code", "kind"),
    [("NO", Denied), ("WHO", Unauthorised), ("NOT_HERE", Off), ("SLOWLY", Throttled)],
)
def test_codes_are_the_errors_that_the_engine_knows(
    shelf: Any, code: str, kind: type[SourceError]
) -> None:
    library = Library([1])
    library.said = [error(code)] * 5
    with Reader(shelf, library) as reader, pytest.raises(kind, match=f"{code}: so it is"):
        reader.ask.ask("All", ALL, {"first": 5})


def test_a_place_that_is_not_there_is_not_an_entity_that_is_gone(shelf: Any) -> None:
    library = Library([1])
    library.status = 404
    with Reader(shelf, library) as reader, pytest.raises(Off, match="no GraphQL at /graphql: 404"):
        reader.ask.ask("All", ALL, {"first": 5})


def test_a_listing_waits_when_it_is_told_to(shelf: Any) -> None:
    library = Library([1] * 4)
    library.said = [error("SLOWLY")]
    with Reader(shelf, library) as reader:
        assert len(reader.all(2)) == 4
        assert len(library.asked) == 3


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[]", "something else than a GraphQL response"),
        (b'{"data": null}', "without data: and says no reason"),
        (b'{"data": null, "errors": [{"message": "no such field"}]}', "no such field"),
        (b'{"data": null, "errors": ["odd"]}', "an error without a message"),
        (b'{"data": {"books": {"nodes": []}}}', "does not say whether there is another"),
        (b'{"data": {"books": null}}', "does not say whether there is another|no list"),
        (
            b'{"data": {"books": {"nodes": [], "pageInfo": {"hasNextPage": true}}}}',
            "no cursor to ask for them by",
        ),
        (
            b'{"data": {"books": {"nodes": [], "pageInfo": {"hasNextPage": true, "endCursor": "x"}}}}',
            "goes in circles",
        ),
    ],
)
def test_what_is_no_page_never_looks_like_an_empty_one(shelf: Any, body: bytes, said: str) -> None:
    library = Library([])
    library.body = body
    with Reader(shelf, library) as reader, pytest.raises(Permanent, match=said):
        reader.all()
