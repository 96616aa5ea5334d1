"""What may be deleted: pure decisions out of what was known and what this run has seen.

When the run is over, `decide` looks at the candidates of all scopes together (see `settling`), and
`conclude` notes in each shard what became of its candidates.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import msgspec

from rayingest.core import fqn as names
from rayingest.core.filters import Filters
from rayingest.model import EntityType
from rayingest.state.census import Below, Census
from rayingest.state.settling import Candidate
from rayingest.state.shard import Key, Scope, Shard

FEW = 5  # entities of a type that may go at once from any scope
SHARE = 10  # and in a large one, the tenth part
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
    PLAN = "plan"
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
_UNPLANNED = "It is not in the plan: make another one, or run without --plan."
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
    * `planned`: the only entities that may go, where somebody has said which.
    """

    run_id: str
    mark_deleted: Mapping[EntityType, bool]
    keeps: Callable[[EntityType, str], bool]
    whole: bool
    listed: Container[Scope]
    elsewhere: Container[Key] = ()
    hides: bool = False
    allow_deletions: bool = False
    planned: Container[Key] | None = None
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


def passing(filters: Filters) -> Callable[[EntityType, str], bool]:
    """Whether an entity that is only known by its FQN surely passes these filters."""

    def keeps(entity_type: EntityType, fqn: str) -> bool:
        if entity_type not in _NAMED and (filters.projects is not None or not filters.drafts):
            return False  # which project it lay in nobody knows any more
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
    if rules.planned is not None and each.key not in rules.planned:
        yield Withheld(each, Rule.PLAN, _UNPLANNED)
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
