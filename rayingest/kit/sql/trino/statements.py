"""Statements by the protocol of Trino and Presto: posted once, fetched from one address after another.

The rows are those of all answers together; the last one names no address to go on at. Until then a
DELETE of the latest address ends the statement.
"""

import threading
import time
from typing import Any
from urllib.parse import urlsplit

import msgspec

from rayingest.errors import TimedOut
from rayingest.kit.sql.trino.errors import meaning
from rayingest.kit.sql.trino.http import Headers, Http

Row = tuple[Any, ...]
STATEMENT, INFO = "/v1/statement", "/v1/info"


class Failure(msgspec.Struct):
    """Why a statement failed."""

    message: str = ""
    name: str = msgspec.field(name="errorName", default="")


class Answer(msgspec.Struct, rename="camel"):
    """What is needed of an answer: rows, if it has any yet, and where to ask on."""

    id: str
    next_uri: str | None = None
    data: list[Row] | None = None
    error: Failure | None = None


class Info(msgspec.Struct, rename="camel"):
    """What a server says to anybody who asks."""

    node_version: dict[str, str]
    starting: bool = False


_ANSWER = msgspec.json.Decoder(Answer)
_INFO = msgspec.json.Decoder(Info)


class Statements:
    """Statements of one thread; `calls` counts them. `headers` go with each, `seconds` is for each."""

    def __init__(self, http: Http, headers: Headers, seconds: float) -> None:
        self.http = http
        self.calls = 0
        self._headers, self._seconds = headers, seconds
        self._next = ""  # where the running statement is asked for
        self._turn = 0  # which one runs, 0 for none

    def info(self) -> Info:
        """Which version answers, and whether it is ready. Raises Unreachable."""
        content = self.http.ask("GET", INFO)
        try:
            return _INFO.decode(content)
        except msgspec.DecodeError:
            raise self.http.stranger(200, content.decode(errors="replace")) from None

    def rows(self, statement: str) -> list[Row]:
        """Run one statement; its answer, whole."""
        self.calls += 1
        self._turn, self.http.leaving = self.calls, False
        ends = time.monotonic() + self._seconds
        rows: list[Row] = []
        try:
            answer = self._read(self.http.ask("POST", STATEMENT, statement.encode(), self._headers))
            self.http.welcome()
            while True:
                self._next = _path(answer.next_uri) if answer.next_uri else ""
                if answer.error is not None:
                    self._next = ""
                    text = self.http.plain(answer.error.message)
                    raise meaning(answer.error.name, text, self.http.user)
                rows += answer.data or ()
                if not self._next:
                    return rows
                self._go_on(ends)
                answer = self._read(self.http.ask("GET", self._next))
        finally:
            self._turn = 0
            if self._next:  # nobody asks for the rest
                self.http.end(self._next)
                self._next = ""

    def cancel(self) -> None:
        """End the running statement; called from another thread, returns at once."""
        if turn := self._turn:
            self.http.leaving = True
            threading.Thread(
                target=self._cancel, args=[turn], name="trino-cancel", daemon=True
            ).start()

    def _cancel(self, turn: int) -> None:
        """By DELETE; a server that does not listen, or has not taken the statement yet, is left."""
        address = self._next
        if not (address and self.http.end(address)) and self._turn == turn:
            self.http.hang_up()

    def _go_on(self, ends: float) -> None:
        if self.http.leaving:
            raise TimedOut("The statement was cancelled.")
        if time.monotonic() > ends:
            raise TimedOut(f"{self.http.url} had no whole answer within {self._seconds:g} s")

    def _read(self, content: bytes) -> Answer:
        try:
            return _ANSWER.decode(content)
        except msgspec.DecodeError:
            raise self.http.stranger(200, content.decode(errors="replace")) from None


def _path(address: str) -> str:
    """An address without its server: what stands before a coordinator it often calls by a wrong name."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
