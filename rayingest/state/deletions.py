"""What may be deleted: pure decisions out of what was known and what this run has seen.

A scope that was listed completely goes through `settle` when all its members have ended, any other
through `merge`. When the run is over, `decide` looks at the candidates of all scopes together, and
`conclude` notes in each shard what became of its candidates.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

import msgspec

from rayingest.core import fqn as names
from rayingest.core.filters import Filters
from rayingest.model import EntityType
from rayingest.state.known import (
    ENTITIES,
    Head,
    Key,
    Missing,
    Scope,
    Shard,
    Stored,
    name_of,
)

FEW = 5  # entities of a type that may go at once from any scope
SHARE = 10  # and in a large one, the tenth part
End = Literal["ok", "unchanged", "skipped", "failed", "quarantined"]
Mode = Literal["snapshot", "changes"]

OPTIONS = {
    EntityType.DATABASE: "markDeletedDatabases",
    EntityType.DATABASE_SCHEMA: "markDeletedSchemas",
    EntityType.TABLE: "markDeletedTables",
    EntityType.STORED_PROCEDURE: "markDeletedStoredProcedures",
    EntityType.DASHBOARD: "markDeletedDashboards",
    EntityType.CHART: "markDeletedCharts",
    EntityType.DASHBOARD_DATA_MODEL: "markDeletedDataModels",
    EntityType.PIPELINE: "markDeletedPipelines",
    EntityType.TOPIC: "markDeletedTopics",
    EntityType.ML_MODEL: "markDeletedMlModels",
}
# Here an FQN ends with the name that a filter sees; elsewhere that may be a title.
_NAMED = frozenset(
    {
        EntityType.DATABASE,
        EntityType.DATABASE_SCHEMA,
        EntityType.TABLE,
        EntityType.STORED_PROCEDURE,
    }
)


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
            rest = _without_hashes(rest)
        return (*self.written, *rest)


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


# --- a scope ---


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
    failed = any(each.status in ("failed", "quarantined") for each in listed.values())
    if failed or mode == "changes":
        shard = merge(old, listed, scope=scope, run_id=run_id, context=context, removed=removed)
        shard = shard if failed else replace(shard, proof="removal")
        return shard, candidates(shard)
    past = _Past(old, context)
    present = {
        identity: each.written if each.described else each.on_top_of(past.of(identity))
        for identity, each in listed.items()
    }
    missing = _still_missing([*past.lost(present, run_id), *past.missing], present, removed)
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


def conclude(
    shard: Shard,
    *,
    run_id: str,
    gone: Iterable[Candidate] = (),
    withheld: Iterable["Withheld"] = (),
) -> Shard:
    """The shard after the decision: without what is `gone`, and with what waits for a second look marked.

    `gone` is what was deleted and what lives elsewhere. Answers the same object when nothing changes.
    """
    over = {each.key for each in gone if each.scope == shard.key}
    waiting = {
        each.candidate.key
        for each in withheld
        if each.candidate.scope == shard.key and each.rule in _SECOND_LOOK
    }
    missing = tuple(
        msgspec.structs.replace(each, withheld=run_id)
        if each.key in waiting and not each.withheld
        else each
        for each in shard.missing
        if each.key not in over
    )
    if missing == shard.missing:
        return shard
    return replace(shard, missing=missing)


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
        self.present: dict[str, tuple[Stored, ...]] = dict(old.present) if old else {}
        self.missing: tuple[Missing, ...] = old.missing if old else ()
        if old is not None and old.context != context:
            self.present = {key: tuple(_without_hashes(each)) for key, each in self.present.items()}
        self._returned: dict[str, list[Stored]] = {}
        for each in self.missing:
            self._returned.setdefault(each.id, []).append(Stored(*each.key))

    def of(self, identity: str) -> tuple[Stored, ...]:
        """All that a descriptor had written, also what was missing when it was looked at last."""
        return (*self.present.get(identity, ()), *self._returned.get(identity, ()))

    def lost(self, present: Mapping[str, Sequence[Stored]], run_id: str) -> Iterable[Missing]:
        """Entities that a descriptor had written and does not write now, or that went with it."""
        for identity, written in self.present.items():
            if present.get(identity) == written:
                continue
            now = {each.key for each in present.get(identity, ())}
            yield from _missing(identity, (each for each in written if each.key not in now), run_id)


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


def _without_hashes(stored: Iterable[Stored]) -> list[Stored]:
    return [Stored(*each.key) for each in stored]


# --- all scopes ---


class Obstacle(StrEnum):
    """What about a run forbids it to delete anything."""

    STOPPED = "stopped"
    DRY_RUN = "dryRun"
    SELECTION = "selection"
    RETRY = "retry"
    CONFIG_CHANGED = "configChanged"

    @property
    def partial(self) -> bool:
        """Whether such a run looks at a part only: its scopes are merged, never settled."""
        return self is not Obstacle.STOPPED


class Rule(StrEnum):
    """Why a candidate is withheld."""

    RUN = "run"
    OPTION = "option"
    FILTER = "filter"
    MOVED = "moved"
    BELOW = "below"
    HIDDEN = "hidden"
    EMPTIED = "emptied"
    MANY = "many"


_SECOND_LOOK = frozenset({Rule.HIDDEN, Rule.EMPTIED, Rule.MANY})
_RUNS = {
    Obstacle.STOPPED: "The run did not come to its end: the next one that does will delete it.",
    Obstacle.DRY_RUN: "A dry run deletes nothing: run it without --dry-run.",
    Obstacle.SELECTION: "A run of a selection deletes nothing: run the whole config.",
    Obstacle.RETRY: "A retry deletes nothing: run the whole config.",
    Obstacle.CONFIG_CHANGED: (
        "The run went on with a changed config: the next run of the whole config will delete it."
    ),
}
_FILTERED = (
    "Today's filters leave it out, or may: widen them, or delete it in the catalogue yourself."
)
_MOVED = "It may be where this run could not look: it is deleted by a run that sees everything."
_UNSURE = (
    "What is known of the scopes below it cannot be read: delete it in the catalogue yourself."
)
_ALIVE = "Something below it is still there: run again, the source may have been changing."
_HIDDEN = (
    "The source does not show what the account may not see: check its rights, and run with"
    " --allow-deletions if this is gone."
)
_AGAIN = "It is deleted when the next run of the whole config does not find it either."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a run may delete.

    * `mark_deleted`: the type's option; a type that is not named is off.
    * `keeps`: whether something of this type and FQN (or descriptor's id) passes today's filters.
    * `whole`: all listings of the run were complete, all members ended well, nothing was filtered
      out: what is nowhere to be seen is nowhere.
    * `listed`: scopes in which this run found something.
    * `elsewhere`: what another scope has (`KnownState.holders` of `roaming`).
    * `hides`: the source leaves out what the account may not see.
    """

    run_id: str
    mark_deleted: Mapping[EntityType, bool]
    keeps: Callable[[EntityType, str], bool]
    whole: bool
    listed: Container[Scope]
    elsewhere: Container[Key] = ()
    hides: bool = False
    allow_deletions: bool = False
    obstacle: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """Delete this; the scopes `below` go with it: doubt them before, forget them when it is done."""

    candidate: Candidate
    below: frozenset[Scope] = frozenset()


@dataclass(frozen=True, slots=True)
class Withheld:
    """Do not delete this; `reason` is a sentence that says what to do next."""

    candidate: Candidate
    rule: Rule
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of all candidates; `moved` live on in another scope and are no longer missing."""

    delete: list[Deletion] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    moved: list[Candidate] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Below:
    """What lies below an entity, as far as is known; `unsure`: some of it could not be read."""

    scopes: frozenset[Scope] = frozenset()
    counts: Counter[str] = field(default_factory=Counter)
    unsure: bool = False


class Census:
    """What the whole state knows, at the end of a run and after all its commits.

    `members`: ids of the descriptors in scopes of types that are parents; a scope lies below the
    descriptor that its type depends on, and below every entity whose FQN its own name begins with.
    """

    def __init__(
        self,
        heads: Mapping[Scope, Head],
        members: Mapping[Scope, Collection[str]],
        dependencies: Mapping[EntityType, EntityType],
        unreadable: Collection[str] = (),
    ) -> None:
        self._heads, self._members, self._unreadable = heads, members, unreadable
        self._named: dict[str, list[Scope]] = defaultdict(list)
        for scope in heads:
            self._named[scope[1]].append(scope)
        self._names = sorted(self._named)
        self._children: dict[EntityType, list[EntityType]] = defaultdict(list)
        for child, parent in dependencies.items():
            self._children[parent].append(child)

    def below(self, candidate: Candidate) -> Below:
        """What goes with a candidate: of its descriptor, if it is what that stands for, and by name."""
        found = {*self._named.get(candidate.fqn, ()), *self._under(candidate.fqn)}
        starts = [(candidate.scope[0], candidate.id)]
        return self._sum(
            found, starts if candidate.type is candidate.scope[0] else (), candidate.scope
        )

    def around(self, scope: Scope) -> Counter[str]:
        """How many entities of each type are known in a scope and below it."""
        starts = [(scope[0], each) for each in self._members.get(scope, ())]
        below = self._sum(set(self._under(scope[1])), starts, scope)
        return Counter(self._heads[scope].counts if scope in self._heads else {}) + below.counts

    def _under(self, name: str) -> Iterable[Scope]:
        """Scopes whose names continue this FQN."""
        for at in range(bisect_left(self._names, f"{name}."), len(self._names)):
            if not self._names[at].startswith(f"{name}."):
                return
            yield from self._named[self._names[at]]

    def _sum(
        self, found: set[Scope], starts: Iterable[tuple[EntityType, str]], itself: Scope
    ) -> Below:
        """Add what the descriptors of the found scopes lead to, down to the last."""
        unsure = False
        todo = [*starts, *(member for scope in found for member in self._of(scope))]
        while todo:
            kind, identity = todo.pop()
            for child in self._children[kind]:
                scope = child, identity
                unsure = unsure or name_of(*scope) in self._unreadable
                if scope in self._heads and scope not in found:
                    found.add(scope)
                    todo += self._of(scope)
        found.discard(itself)
        counts: Counter[str] = Counter()
        for scope in found:
            counts.update(self._heads[scope].counts)
            unsure = unsure or name_of(*scope) in self._unreadable
        return Below(frozenset(found), counts, unsure)

    def _of(self, scope: Scope) -> Iterable[tuple[EntityType, str]]:
        return ((scope[0], each) for each in self._members.get(scope, ()))


def passing(filters: Filters) -> Callable[[EntityType, str], bool]:
    """Whether an entity that is only known by its FQN surely passes these filters."""

    def keeps(entity_type: EntityType, fqn: str) -> bool:
        if entity_type not in filters.patterns:
            return True
        try:
            name = names.split(fqn)[-1]
        except (ValueError, IndexError):
            return False
        return entity_type in _NAMED and filters.keeps(entity_type, name, fqn)

    return keeps


def roaming(found: Iterable[Candidate]) -> set[Key]:
    """Candidates that may live on in another scope: a dashboard in another folder, a shared chart."""
    return {each.key for each in found if not each.at_home}


def decide(found: Iterable[Candidate], *, rules: Rules, census: Census) -> Decision:
    """What to delete now and what to withhold, of the candidates of all scopes of a run."""
    decision = Decision()
    groups: dict[Scope, list[tuple[Candidate, Below]]] = defaultdict(list)
    for each in found:
        if rules.obstacle is not None:
            decision.withheld.append(Withheld(each, Rule.RUN, _RUNS[rules.obstacle]))
        elif each.key in rules.elsewhere:
            decision.moved.append(each)
        else:
            below = census.below(each)
            objection = next(_objections(each, below, rules), None)
            if objection is not None:
                decision.withheld.append(objection)
            else:
                groups[each.scope].append((each, below))
    for scope, group in groups.items():
        _decide_together(group, census.around(scope), rules, decision)
    return _without_covered(decision)


def _objections(each: Candidate, below: Below, rules: Rules) -> Iterator[Withheld]:
    """What speaks against a deletion, whatever else goes."""
    off = [kind for kind in (each.type, *_types(below)) if not rules.mark_deleted.get(kind, False)]
    if off:
        option = OPTIONS.get(off[0], f"Deletion of {off[0].value} entities")
        along = "" if off[0] is each.type else ", for they would go with it"
        text = f"{option} is off: switch it on to have this deleted{along}."
        yield Withheld(each, Rule.OPTION, text)
    if not _passes(each, rules):
        yield Withheld(each, Rule.FILTER, _FILTERED)
    if not (rules.whole or each.at_home):
        yield Withheld(each, Rule.MOVED, _MOVED)
    if below.unsure:
        yield Withheld(each, Rule.BELOW, _UNSURE)
    if any(scope in rules.listed for scope in below.scopes) or (each.listed and below.scopes):
        yield Withheld(each, Rule.BELOW, _ALIVE)
    if rules.hides and not rules.allow_deletions:
        yield Withheld(each, Rule.HIDDEN, _HIDDEN)


def _passes(each: Candidate, rules: Rules) -> bool:
    """A descriptor that is filtered out takes nothing with it of what it wrote."""
    return rules.keeps(each.type, each.fqn) and (each.listed or rules.keeps(each.scope[0], each.id))


def _decide_together(
    group: Sequence[tuple[Candidate, Below]],
    known: Mapping[str, int],
    rules: Rules,
    decision: Decision,
) -> None:
    """Too many at once from one scope, or all of it, are withheld until a second run misses them."""
    going: Counter[str] = Counter()
    for each, below in group:
        going.update([each.type.value])
        going.update(below.counts)
    many = {
        kind: number
        for kind, number in going.items()
        if number > FEW and number * SHARE > known.get(kind, 0)
    }
    for each, below in group:
        over = [kind for kind in (each.type.value, *below.counts) if kind in many]
        if each.withheld not in ("", rules.run_id):
            decision.delete.append(Deletion(each, below.scopes))
        elif each.emptied:
            text = (
                f"Nothing was listed in {each.scope[1]}, where there was something before. {_AGAIN}"
            )
            decision.withheld.append(Withheld(each, Rule.EMPTIED, text))
        elif over:
            share = f"{many[over[0]]} of {known.get(over[0], 0)} {over[0]} entities"
            text = f"{share} in {each.scope[1]} would go at once. {_AGAIN}"
            decision.withheld.append(Withheld(each, Rule.MANY, text))
        else:
            decision.delete.append(Deletion(each, below.scopes))


def _without_covered(decision: Decision) -> Decision:
    """Leave out what goes with a container: its scope is forgotten, whatever was said of it."""
    covered = {scope for each in decision.delete for scope in each.below}
    return Decision(
        [each for each in decision.delete if each.candidate.scope not in covered],
        [each for each in decision.withheld if each.candidate.scope not in covered],
        [each for each in decision.moved if each.scope not in covered],
    )


def _types(below: Below) -> list[EntityType]:
    return [EntityType(kind) for kind, number in below.counts.items() if number]
