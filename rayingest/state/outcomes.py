"""How the members of a scope ended, until it settles."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from rayingest.state.packed import Packed, Stored

End = Literal["ok", "unchanged", "skipped", "failed", "quarantined"]


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """How a listed descriptor ended; `written`: all that the sink acknowledged of it or had already.

    `unchanged` with nothing written was not described at all (a change token).
    """

    status: End
    written: tuple[Stored, ...] = ()

    @property
    def described(self) -> bool:
        """Whether `written` is all that there is of it."""
        return self.status == "ok" or (self.status == "unchanged" and bool(self.written))

    def on_top_of(self, before: Iterable[Stored]) -> tuple[Stored, ...]:
        """All that is known of it now. What ended badly may have been written halfway: no hash."""
        now = {each.key for each in self.written}
        rest = [each for each in before if each.key not in now]
        if self.status not in ("ok", "unchanged"):
            rest = without_hashes(rest)
        return (*self.written, *rest)


class Outcomes(Mapping[str, Outcome]):
    """Descriptor's id -> how it ended, in little memory: a scope may have a hundred thousand."""

    def __init__(self, told: Mapping[str, Outcome] | None = None) -> None:
        self.written = Packed()
        self._others: dict[str, End] = {}  # all that are not ok
        for identity, outcome in (told or {}).items():
            self.add(identity, outcome)

    def add(self, identity: str, outcome: Outcome) -> None:
        """Note an end; the last one counts."""
        self.written[identity] = outcome.written
        self._others.pop(identity, None)
        if outcome.status != "ok":
            self._others[identity] = outcome.status

    @property
    def failed(self) -> bool:
        """Whether anybody ended badly."""
        return not {"failed", "quarantined"}.isdisjoint(self._others.values())

    def described(self, identity: str) -> bool:
        """Whether all that there is of it is known."""
        status = self._others.get(identity)
        return status is None or (status == "unchanged" and bool(self.written[identity]))

    def __getitem__(self, identity: str) -> Outcome:
        return Outcome(self._others.get(identity, "ok"), self.written[identity])

    def __iter__(self) -> Iterator[str]:
        return iter(self.written)

    def __len__(self) -> int:
        return len(self.written)


def without_hashes(stored: Iterable[Stored]) -> list[Stored]:
    """The same, with whatever content."""
    return [Stored(*each.key) for each in stored]
