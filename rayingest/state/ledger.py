"""The two books that must balance: what became of every descriptor, and of every entity.

* descriptors: discovered = ok + unchanged + skipped + failed + quarantined, per type
* entities: emitted = acknowledged + refused + unchanged, per type
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from rayingest.model import EntityType

ENDS = ("ok", "unchanged", "skipped", "failed", "quarantined")
OUTCOMES = ("acknowledged", "refused", "unchanged")


@dataclass
class Ledger:
    """Counts per type; cheap enough to keep in memory for any number of entities."""

    discovered: Counter[str] = field(default_factory=Counter)
    ended: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    emitted: Counter[str] = field(default_factory=Counter)
    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    filtered: Counter[str] = field(default_factory=Counter)
    unresolved: int = 0
    deleted: Counter[str] = field(default_factory=Counter)

    def end(self, entity_type: EntityType, status: str, count: int = 1) -> None:
        """Descriptors of a type came to this end."""
        self.ended[entity_type.value][status] += count

    def answer(self, kind: str, outcome: str, count: int = 1) -> None:
        """Entities of a type were answered by the sink."""
        self.outcomes[kind][outcome] += count

    def open(self, kind: str) -> int:
        """Descriptors of a type that have no end yet."""
        return self.discovered[kind] - sum(self.ended.get(kind, {}).values())

    def total(self, status: str) -> int:
        """Descriptors of all types with this end."""
        return sum(each[status] for each in self.ended.values())

    @property
    def succeeded(self) -> float:
        """Rate in 0..1 for `successThreshold`: (ok + unchanged + skipped) / discovered; 1 when none."""
        found = self.discovered.total()
        good = sum(self.total(status) for status in ("ok", "unchanged", "skipped"))
        return good / found if found else 1.0

    def imbalances(self) -> list[str]:
        """A sentence for each type whose book does not balance."""
        wrong = []
        for kind in sorted({*self.discovered, *self.ended}):
            found, ended = self.discovered[kind], sum(self.ended.get(kind, {}).values())
            if found != ended:
                wrong.append(f"{kind}: {found} discovered, {ended} ended")
        for kind in sorted({*self.emitted, *self.outcomes}):
            sent, answered = self.emitted[kind], sum(self.outcomes.get(kind, {}).values())
            if sent != answered:
                wrong.append(f"{kind}: {sent} emitted, {answered} answered by the sink")
        return wrong

    def close(self) -> dict[str, int]:
        """Balance the books of a run that ended early; answers how many of each type it did not reach.

        Those count as failed, and what the sink has not answered counts as never emitted.
        """
        unreached = {
            kind: left for kind in sorted(self.discovered) if (left := self.open(kind)) > 0
        }
        for kind, left in unreached.items():
            self.ended[kind]["failed"] += left
        for kind in self.emitted:
            self.emitted[kind] = sum(self.outcomes.get(kind, {}).values())
        return unreached

    def types(self) -> dict[str, dict[str, int]]:
        """The descriptors' book, as the report prints it."""
        return {
            kind: {"discovered": self.discovered[kind]}
            | {end: self.ended.get(kind, Counter())[end] for end in ENDS}
            | {"deleted": self.deleted[kind]}
            for kind in sorted({*self.discovered, *self.ended, *self.deleted})
        }

    def entities(self) -> dict[str, dict[str, int]]:
        """The entities' book, as the report prints it."""
        return {
            kind: {"emitted": self.emitted[kind]}
            | {each: self.outcomes.get(kind, Counter())[each] for each in OUTCOMES}
            for kind in sorted({*self.emitted, *self.outcomes})
        }
