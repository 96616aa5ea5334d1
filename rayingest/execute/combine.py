"""Combine what shards found: once per scope, when all its members have ended well.

Parts are recorded in the run directory as they come; a scope with a failed member yields nothing
but a sentence, so that no sum is ever short of a shard.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rayingest.core.source import Combining, Connector, Described, Part
from rayingest.execute.events import PartOf, ScopeSettled, Why, why
from rayingest.model import EntityType

Scope = tuple[EntityType, str]


@dataclass
class Combiner:
    """Collects parts by scope; `withheld` says which scopes were not combined, and why."""

    combines: Mapping[EntityType, Callable[[str, Sequence[Part]], Described]]
    withheld: dict[str, Why] = field(default_factory=dict)
    _parts: dict[Scope, dict[str, list[Part]]] = field(default_factory=dict)

    @classmethod
    def of(cls, connector: Connector) -> "Combiner":
        """The combiner of a connector; one that combines nothing costs nothing."""
        return cls(connector.combines if isinstance(connector, Combining) else {})

    def take(self, part: PartOf) -> None:
        """Keep a shard's parts; a shard that is described again replaces what it said before."""
        if part.type in self.combines:
            self._parts.setdefault((part.type, part.scope), {})[part.id] = part.parts

    def settle(self, settled: ScopeSettled) -> Described | None:
        """What a scope's parts combine into, now that it has settled."""
        combine = self.combines.get(settled.type)
        if combine is None:
            return None
        shards = self._parts.pop((settled.type, settled.scope), {})
        name = f"{settled.type.value} in {settled.scope}"
        if settled.failed or not settled.complete:
            short = (
                f"{settled.failed} of its shards failed"
                if settled.failed
                else "it was listed in part"
            )
            self.withheld[name] = Why(
                "Withheld", f"{short}: nothing was combined", None, None, "combine"
            )
            return None
        try:
            return combine(
                settled.scope, [part for name in sorted(shards) for part in shards[name]]
            )
        except Exception as error:  # noqa: BLE001 - a connector's sum must not end the run
            self.withheld[name] = why(error, "combine")
            return None
