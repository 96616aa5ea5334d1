"""How the members of a scope ended, until it settles."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Literal

import msgspec

from rayingest.state.packed import EDGE, LEFT, Packed, Stored

End = Literal["ok", "unchanged", "skipped", "failed", "quarantined"]


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """How a listed descriptor ended; `written`: all that the sink acknowledged of it or had already.

    `unchanged` with nothing written was not described at all (a change token). `whole`: all facts
    about it that there are were written.
    """

    status: End
    written: tuple[Stored, ...] = ()
    whole: bool = False

    @property
    def described(self) -> bool:
        """Whether `written` is all that there is of it."""
        return self.status == "ok" or (self.status == "unchanged" and bool(self.written))

    def on_top_of(self, before: Iterable[Stored]) -> tuple[Stored, ...]:
        """All that is known of it now. What ended badly may have been written halfway: no hash.

        Edges that are not among all those that there are stand there as left.
        """
        now = {each.key for each in self.written}
        rest = [each for each in before if each.key not in now]
        if self.status not in ("ok", "unchanged"):
            rest = without_hashes(rest)
        elif self.whole:
            rest = [Stored(*each.key, LEFT) if each.type == EDGE else each for each in rest]
        return (*self.written, *rest)


class Outcomes(Mapping[str, Outcome]):
    """Descriptor's id -> how it ended, in little memory: a scope may have a hundred thousand."""

    def __init__(self, told: Mapping[str, Outcome] | None = None) -> None:
        self.written = Packed()
        self._others: dict[str, End] = {}  # all that are not ok
        self._whole: set[str] = set()
        for identity, outcome in (told or {}).items():
            self.add(identity, outcome)

    def add(self, identity: str, outcome: Outcome) -> None:
        """Note an end; the last one counts."""
        self.written[identity] = outcome.written
        self._others.pop(identity, None)
        if outcome.status != "ok":
            self._others[identity] = outcome.status
        if outcome.whole:
            self._whole.add(identity)
        else:
            self._whole.discard(identity)

    @property
    def failed(self) -> bool:
        """Whether anybody ended badly."""
        return not {"failed", "quarantined"}.isdisjoint(self._others.values())

    def described(self, identity: str) -> bool:
        """Whether all that there is of it is known."""
        status = self._others.get(identity)
        return status is None or (status == "unchanged" and bool(self.written[identity]))

    @property
    def whole(self) -> AbstractSet[str]:
        """Those of which all facts were written."""
        return self._whole

    def __getitem__(self, identity: str) -> Outcome:
        status = self._others.get(identity, "ok")
        return Outcome(status, self.written[identity], identity in self._whole)

    def __iter__(self) -> Iterator[str]:
        return iter(self.written)

    def __len__(self) -> int:
        return len(self.written)


def without_hashes(stored: Iterable[Stored]) -> list[Stored]:
    """The same, with whatever content."""
    return [Stored(*each.key) for each in stored]
