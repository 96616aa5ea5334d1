"""The append-only log of what clients wrote: the oracle of tests and benchmarks."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from rayingest.testing.strict import wire
from rayingest.testing.strict.wire import Json


class Write(NamedTuple):
    """One row a client sent, its bytes, and what became of it."""

    seq: int
    time: float
    method: str
    path: str
    collection: str
    fqn: str
    body: bytes
    outcome: str  # created, updated, unchanged, deleted, restored or refused
    status: int
    message: str = ""
    schema: str = ""

    def document(self) -> Any:
        """The body read; its text if it is not JSON."""
        try:
            return wire.decode(self.body) if self.body else None
        except ValueError:
            return self.body.decode(errors="replace")

    def as_dict(self) -> Json:
        """All of it with the body read."""
        return {**self._facts(), "body": self.document()}

    def line(self) -> bytes:
        """One line of JSON with the body's own bytes."""
        as_sent = self.body and self.outcome != "refused"
        body = self.body.replace(b"\n", b" ") if as_sent else wire.encode(self.document())
        return wire.encode(self._facts())[:-1] + b',"body":' + body + b"}\n"

    def _facts(self) -> Json:
        return {
            "seq": self.seq,
            "time": self.time,
            "method": self.method,
            "path": self.path,
            "collection": self.collection,
            "fqn": self.fqn,
            "outcome": self.outcome,
            "status": self.status,
            "message": self.message,
        }


def lines(log: list[Write]) -> Iterator[bytes]:
    """The log as JSON lines."""
    return (write.line() for write in log)
