"""What a run makes of one scope: its new shard, and what of it may have vanished.

A scope that was listed completely goes through `settle` when all its members have ended, any other
through `merge`; one that was deleted with its container is `buried`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Literal

import msgspec

from rayingest.core import fqn as names
from rayingest.model import EntityType
from rayingest.state.outcomes import Outcome, Outcomes, without_hashes
from rayingest.state.packed import EDGE, Packed, Stored
from rayingest.state.shard import ENTITIES, Key, Missing, Scope, Shard

Mode = Literal["snapshot", "changes"]


class Candidate(msgspec.Struct, frozen=True):
    """An entity that the sink has and the source has no more.

    `listed`: its descriptor is still there, but does not yield it any more; `emptied`: nothing at all
    was listed in its scope; `withheld`: the run that first kept it for a second look.
    """

    scope: Scope
    id: str
    type: EntityType
    fqn: str
    withheld: str = ""
    listed: bool = False
    emptied: bool = False

    @property
    def key(self) -> Key:
        """What identifies the entity."""
        return self.type.value, self.fqn

    @property
    def at_home(self) -> bool:
        """Whether it can be in no other scope: it is what its scope lists, and directly below it."""
        try:
            parent = names.join(*names.split(self.fqn)[:-1])
        except ValueError:
            return False
        return self.type is self.scope[0] and parent == self.scope[1]


def settle(
    old: Shard | None,
    listed: Mapping[str, Outcome],
    *,
    scope: Scope,
    run_id: str,
    context: str,
    mode: Mode = "snapshot",
    removed: Collection[str] = (),
) -> tuple[Shard, list[Candidate]]:
    """The new shard of a scope whose listing was complete and whose members have all ended.

    `listed`: id -> how it ended; `removed`: ids that the listing said are gone. A member that failed
    leaves everything as it is known, and no candidate.
    """
    listed = listed if isinstance(listed, Outcomes) else Outcomes(listed)
    if listed.failed or mode == "changes":
        shard = merge(old, listed, scope=scope, run_id=run_id, context=context, removed=removed)
        shard = shard if listed.failed else replace(shard, proof="removal")
        return shard, candidates(shard)
    past = _Past(old, context)
    present = Packed()
    for identity in listed:
        if listed.described(identity):
            present.take(identity, listed.written)
        else:
            present[identity] = listed[identity].on_top_of(past.of(identity))
    missing = _still_missing([*past.lost(present, run_id), *past.missing], present, removed)
    past.keep_edges(present, listed.whole)
    shard = Shard(*scope, run_id, context, present, missing, "absence")
    return shard, candidates(shard)


def merge(
    old: Shard | None,
    listed: Mapping[str, Outcome],
    *,
    scope: Scope,
    run_id: str,
    context: str,
    removed: Collection[str] = (),
) -> Shard:
    """The new shard of a scope that was not listed to its end, or by a run that looks at a part only.

    What was seen is brought up to date; what was not is as it was.
    """
    past = _Past(old, context)
    present = past.present
    for identity, outcome in listed.items():
        present[identity] = outcome.on_top_of(past.of(identity))
    missing = [each for each in past.missing if each.id not in listed]
    for identity in set(removed).difference(listed):
        missing += _missing(identity, present.pop(identity, ()), run_id)
    return Shard(*scope, run_id, context, present, _still_missing(missing, present, removed))


def candidates(shard: Shard) -> list[Candidate]:
    """What the run that wrote this shard may want to delete (a resumed run asks again)."""
    if shard.proof == "nothing":
        return []
    return [
        Candidate(
            shard.key,
            each.id,
            each.type,
            each.fqn,
            each.withheld,
            listed=each.id in shard.present,
            emptied=not shard.present,
        )
        for each in shard.missing
        if shard.proof == "absence" or each.removed
    ]


def buried(shard: Shard, *, run_id: str) -> Shard:
    """The shard of a scope that was deleted with its container.

    The sink may bring all of it back when the container returns; it was looked at twice already.
    """
    lost = [each for key, of in shard.present.items() for each in _missing(key, of, run_id)]
    missing = _still_missing([*lost, *shard.missing], {}, ())
    rest = tuple(
        msgspec.structs.replace(each, withheld=each.withheld or run_id, buried=True)
        for each in missing
    )
    return Shard(*shard.key, run_id, "", {}, rest)


class _Past:
    """What was known of a scope, put so that this run can go on from it."""

    def __init__(self, old: Shard | None, context: str) -> None:
        self.present = Packed(old.present if old else None)
        self.missing: tuple[Missing, ...] = old.missing if old else ()
        if old is not None and old.context != context:
            for identity, written in self.present.items():
                self.present[identity] = tuple(without_hashes(written))
        self._returned: dict[str, list[Stored]] = {}
        for each in self.missing:
            self._returned.setdefault(each.id, []).append(Stored(*each.key))

    def of(self, identity: str) -> tuple[Stored, ...]:
        """All that a descriptor had written, also what was missing when it was looked at last."""
        return (*self.present.get(identity, ()), *self._returned.get(identity, ()))

    def lost(self, present: Packed, run_id: str) -> Iterable[Missing]:
        """Entities that a descriptor had written and does not write now, or that went with it."""
        for identity in self.present:
            if self.present.same(identity, present):
                continue
            now = {each.key for each in present.get(identity, ())}
            gone = [each for each in self.present[identity] if each.key not in now]
            yield from _missing(identity, gone, run_id)

    def keep_edges(self, present: Packed, whole: Collection[str]) -> None:
        """Edges that a descriptor had written and does not write now stay known: the sink has them."""
        for identity in present:
            if identity not in self.present or self.present.same(identity, present):
                continue
            edges = [each for each in self.present[identity] if each.type == EDGE]
            if edges:
                now = Outcome("ok", present[identity], identity in whole)
                present[identity] = now.on_top_of(edges)


def _still_missing(
    missing: Iterable[Missing],
    present: Mapping[str, Iterable[Stored]],
    removed: Collection[str],
) -> tuple[Missing, ...]:
    """One record per entity, the oldest (they come last), of what no descriptor of the scope has."""
    found = {each.key: each for each in missing}
    if found:
        for written in present.values():
            for each in written:
                found.pop(each.key, None)
    return tuple(
        msgspec.structs.replace(found[key], removed=True)
        if found[key].id in removed and found[key].id not in present
        else found[key]
        for key in sorted(found)
    )


def _missing(identity: str, stored: Iterable[Stored], run_id: str) -> list[Missing]:
    """Entities only: a fact goes with what it is about."""
    return [
        Missing(identity, EntityType(each.type), each.fqn, run_id)
        for each in stored
        if each.type in ENTITIES
    ]
