"""Lineage edges that their view no longer has: they are in the sink until somebody removes them.

An edge that a descriptor wrote once and does not write now stays with what is known of it, marked. It
may go when the descriptor has told all its facts: that is proof, as a thing that was not found is
none. What was never recorded as written is nobody's business here.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from rayingest.state.deletions import FEW, SHARE, Rule
from rayingest.state.outcomes import Outcomes
from rayingest.state.packed import EDGE, Packed, Stored
from rayingest.state.shard import Scope, Shard

_UNPLANNED = (
    "Which edges go is known when the views have been read, and so in no plan: run without --plan."
)


class Left(msgspec.Struct, frozen=True):
    """An edge that a view wrote in an earlier run, and does not have any more.

    `again`: the run before had missed it already.
    """

    scope: Scope
    id: str
    fqn: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """Edges that stay for now; `reason` says what to do next."""

    rule: Rule
    reason: str
    edges: list[Left] = field(default_factory=list)


def left(before: Shard | None, now: Shard, outcomes: Outcomes) -> list[Left]:
    """Of a scope that was listed to its end and settled well: edges whose views told all, but not these."""
    found = []
    for identity in outcomes.whole:
        gone = _marked(now.present.get(identity, ()))
        if gone and outcomes.described(identity):
            missed = _marked(before.present.get(identity, ())) if before else set()
            found += [Left(now.key, identity, each, each in missed) for each in sorted(gone)]
    return found


def held_elsewhere(shards: Iterable[Shard], found: Collection[Left]) -> set[str]:
    """Those of the edges that some other descriptor has: what it tells is still true."""
    own = {(each.scope, each.id, each.fqn) for each in found}
    names = {each.fqn for each in found}
    return {
        each.fqn
        for shard in shards
        for identity, written in shard.present.items()
        for each in written
        if each.type == EDGE and each.fqn in names and (shard.key, identity, each.fqn) not in own
    }


def decide(
    found: Sequence[Left], known: Mapping[Scope, int], *, planned: bool
) -> tuple[list[Left], list[Kept]]:
    """Which edges go now, and which stay and why; `known` is how many edges each scope has.

    Many at once from one scope wait until a second run misses them, as entities do.
    """
    if planned:
        return [], [Kept(Rule.PLAN, _UNPLANNED, list(found))] if found else []
    fresh = Counter(each.scope for each in found if not each.again)
    many = {scope for scope, count in fresh.items() if count > FEW and count * SHARE > known[scope]}
    go: list[Left] = []
    waiting: dict[Scope, list[Left]] = defaultdict(list)
    for each in found:
        (waiting[each.scope] if each.scope in many and not each.again else go).append(each)
    kept = [
        Kept(
            Rule.MANY,
            f"{len(group)} of {known[scope]} edges in {scope[1]} would go at once. They are deleted"
            " when the next run of the whole config does not find them either.",
            group,
        )
        for scope, group in waiting.items()
    ]
    return go, kept


def number(shard: Shard) -> int:
    """How many edges the sink has out of a scope."""
    return sum(each.type == EDGE for written in shard.present.values() for each in written)


def without(shard: Shard, gone: Iterable[Left]) -> Shard:
    """The shard without edges that are not in the sink any more."""
    over = {(each.id, each.fqn) for each in gone if each.scope == shard.key}
    present = Packed(shard.present)
    for identity in {each for each, _ in over}:
        present[identity] = tuple(
            each
            for each in present.get(identity, ())
            if each.type != EDGE or (identity, each.fqn) not in over
        )
    return replace(shard, present=present)


def _marked(written: Iterable[Stored]) -> set[str]:
    return {each.fqn for each in written if each.is_left}
