# ruff: noqa: INP001 - beside programs
"""A sink that throws away where the workers are, at once or after a while."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rayingest.core.sink import ACKNOWLEDGED, UNCHANGED, Answer, Placement, Row
from rayingest.core.source import CheckResult
from rayingest.sinks.local import LocalSpelling


class NowhereSession(LocalSpelling):
    """Spells rows, and forgets them."""

    catalogue = None

    def __init__(self, seconds: float) -> None:
        self.calls, self._seconds = 0, seconds

    def write(self, entity_type: str, rows: Sequence[Row]) -> Sequence[Answer]:
        """Take everything."""
        self.calls += 1
        if self._seconds:
            time.sleep(self._seconds * len(rows))
        return [ACKNOWLEDGED] * len(rows)

    def delete(self, entity_type: str, fqns: Sequence[str], **_: object) -> Sequence[Answer]:
        """Nothing is ever there."""
        return [UNCHANGED] * len(fqns)


@dataclass(frozen=True)
class Nowhere:
    """A sink that costs nothing but `seconds` for a row, where the workers are."""

    seconds: float = 0.0
    max_rows: int = 1000
    max_bytes: int = 8_000_000
    concurrency: int = 8
    placement: Placement = Placement.WORKER
    identity: str = "nowhere"

    @contextmanager
    def open(self, *, dry_run: bool = False) -> Generator[NowhereSession]:
        """A session."""
        yield NowhereSession(self.seconds)

    def check(self) -> Iterator[CheckResult]:
        """Always fine."""
        yield CheckResult("sink", "ok")
