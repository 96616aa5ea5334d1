"""A small source that changes between runs, a sink, and an engine that does what it is told.

It is the reference of how `rayingest.state` is used: list, write what is not known, settle or merge,
commit, decide, delete, conclude. The promises of deletion are asserted here, at every decision.
"""

from collections import Counter
from dataclasses import dataclass, field

from rayingest.core.filters import Filters
from rayingest.model import EntityType
from rayingest.state.census import Census
from rayingest.state.deletions import Obstacle, Rule, Rules, conclude, decide, passing, roaming
from rayingest.state.known import KnownState
from rayingest.state.outcomes import Outcome
from rayingest.state.packed import Stored
from rayingest.state.settling import candidates, merge, settle

SCHEMA, TABLE, PROCEDURE = (
    EntityType.DATABASE_SCHEMA,
    EntityType.TABLE,
    EntityType.STORED_PROCEDURE,
)
DASHBOARD, CHART = EntityType.DASHBOARD, EntityType.CHART
DEPENDENCIES = {TABLE: SCHEMA, PROCEDURE: SCHEMA}
SCHEMAS = ("s0", "s1", "s2", "s3")
TABLES = tuple(f"t{at}" for at in range(26))
DASHBOARDS = tuple(f"d{at}" for at in range(8))
CHARTS = ("c0", "c1", "c2")
FOLDERS = ("f0", "f1")
DATABASE = SCHEMA, "svc.db"
SCOPES = (
    "schemas",
    *(f"{kind} {name}" for name in SCHEMAS for kind in ("tables", "procedures")),
    *(f"dashboards {name}" for name in FOLDERS),
)


class Shelf:
    """A store in memory."""

    url = "shelf"

    def __init__(self):
        self.objects = {}

    def put(self, name, data, *, exclusive=False):
        self.objects[name] = data

    def get(self, name):
        if name not in self.objects:
            raise FileNotFoundError(name)
        return self.objects[name]

    def delete(self, name):
        self.objects.pop(name, None)

    def names(self, prefix=""):
        return sorted(each for each in self.objects if each.startswith(prefix))


@dataclass
class Source:
    """What exists: schema -> its tables and procedures -> version; folder -> dashboard -> charts."""

    schemas: dict = field(default_factory=dict)
    folders: dict = field(default_factory=lambda: {each: {} for each in FOLDERS})
    removed: dict = field(default_factory=dict)
    clock: int = 0

    def entities(self):
        """Type and FQN of all that exists, and its version."""
        found = {}
        for schema, members in self.schemas.items():
            found[SCHEMA.value, f"svc.db.{schema}"] = 0
            for name, version in members.items():
                kind = PROCEDURE if name.startswith("p") else TABLE
                found[kind.value, f"svc.db.{schema}.{name}"] = version
        for dashboards in self.folders.values():
            for name, charts in dashboards.items():
                found[DASHBOARD.value, f"svc.{name}"] = 0
                found.update(dict.fromkeys(((CHART.value, f"svc.{each}") for each in charts), 0))
        return found

    def change(self, op, *args):
        """One thing happens."""
        self.clock += 1
        getattr(self, op)(*args)

    def create_schema(self, schema, tables):
        """What is made again is as it was the first time."""
        members = self.schemas.setdefault(schema, {})
        for name in (*TABLES[:tables], "p0"):
            members.setdefault(name, 0)

    def drop_schema(self, schema):
        self.removed.setdefault(schema, set()).update(self.schemas.pop(schema, ()))

    def create(self, schema, name):
        if schema in self.schemas:
            self.schemas[schema].setdefault(name, 0)

    def alter(self, schema, name):
        if name in self.schemas.get(schema, ()):
            self.schemas[schema][name] = self.clock

    def revert(self, schema, name):
        """Content that it had before, as after a restored backup."""
        if name in self.schemas.get(schema, ()):
            self.schemas[schema][name] = 0

    def drop(self, schema, name):
        if self.schemas.get(schema, {}).pop(name, None) is not None:
            self.removed.setdefault(schema, set()).add(name)

    def drop_many(self, schema, start, number):
        for name in TABLES[start : start + number]:
            self.drop(schema, name)

    def put_dashboard(self, folder, name, charts):
        """Make, move or change a dashboard."""
        self.drop_dashboard(name)
        self.folders[folder][name] = charts

    def drop_dashboard(self, name):
        for each in self.folders.values():
            each.pop(name, None)


@dataclass(frozen=True)
class Run:
    """What happens in one run; the default is one that sees everything and ends well.

    `listings`: scope -> incomplete or error; `members`: name -> how it ends; `changes`: schemas whose
    listing tells changes only; `revoked`: schemas that the account may not see; `stop_at`, `crash_at`:
    number of scopes; `torn`: what is deleted without the sink's saying so; `context`: the mapping's
    version.
    """

    config: int = 0
    listings: dict = field(default_factory=dict)
    members: dict = field(default_factory=dict)
    changes: frozenset = frozenset()
    revoked: frozenset = frozenset()
    off: frozenset = frozenset()
    excluded: frozenset = frozenset()
    allow: bool = False
    obstacle: Obstacle | None = None
    stop_at: int = 3
    crash_at: int | None = None
    crash_before_decision: bool = False
    torn: frozenset = frozenset()
    context: str = "m1"

    @property
    def clean(self):
        return self == Run(self.config, allow=self.allow)


@dataclass
class World:
    """`configs` have disjoint filters; with `one_key` they share what is known."""

    configs: int = 1
    one_key: bool = False
    hides: bool = False
    source: Source = field(default_factory=Source)
    sink: dict = field(default_factory=dict)
    seen: Counter = field(default_factory=Counter)
    lost: set = field(default_factory=set)
    withheld: dict = field(default_factory=dict)
    number: int = 0

    def __post_init__(self):
        self.shelves = [Shelf() for _ in range(1 if self.one_key else self.configs)]

    def filters(self, run):
        """Today's: each config has its own schemas, and this run may leave out some more."""
        mine = SCHEMAS[run.config :: self.configs] if self.configs > 1 else (".*",)
        out = [f"{name}$" for name in sorted(run.excluded)] or ["nothing"]
        options = {
            "schemaFilterPattern": {"includes": list(mine), "excludes": out},
            "tableFilterPattern": {"excludes": out},
        }
        if run.excluded & {*DASHBOARDS}:
            options["dashboardFilterPattern"] = {"excludes": out}
        return Filters.from_options(options)

    def run(self, run):
        """One run, whole; returns its decision (None: it had none)."""
        self.number += 1
        engine = Engine(self, run, f"run-{self.number}")
        return engine.end() if engine.read() else None

    def delete(self, key):
        """As a sink does: with everything below."""
        for each in [*self.sink]:
            if each == key or each[1].startswith(f"{key[1]}."):
                del self.sink[each]

    def check(self, engine, found, decision):
        """Nothing that exists is decided for deletion; every candidate has its answer."""
        run = engine.run
        existing = {} if self.hides and run.allow else self.source.entities()
        for each in decision.delete:
            key = each.candidate.key
            assert key not in existing, f"{key} exists"
            below = {one for one in existing if one[1].startswith(f"{key[1]}.")}
            assert not below, f"{below} exist below {key}"
        assert run.obstacle is None or not decision.delete
        answered = [
            *(each.candidate for each in decision.delete),
            *(each.candidate for each in decision.withheld),
            *decision.moved,
        ]
        covered = {scope for each in decision.delete for scope in each.below}
        assert Counter(answered) == Counter(each for each in found if each.scope not in covered)
        for each in decision.withheld:
            assert each.reason.endswith("."), each
        self.check_pace(engine, decision)
        self.seen.update(each.rule for each in decision.withheld)
        self.seen.update("deleted" for each in decision.delete)
        self.seen.update("deleted with its children" for each in decision.delete if each.below)
        self.seen.update("moved" for each in decision.moved)

    def check_pace(self, engine, decision):
        """Without a second look, few go at once from one scope, and never all."""
        here = self.withheld.setdefault(engine.run.config % len(self.shelves), set())
        for scope in {each.candidate.scope for each in decision.delete}:
            going = [each.candidate for each in decision.delete if each.candidate.scope == scope]
            at_first_sight = [each for each in going if each.key not in here]
            assert not (at_first_sight and scope in engine.emptied), f"{scope} was listed empty"
            for each in at_first_sight:
                takes = Counter(kind for kind, _ in self.takes(each.key))
                for kind in takes:
                    gone = {one for other in going for one in self.takes(other.key)}
                    number = sum(one[0] == kind for one in gone)
                    known = sum(one[0] == kind for one in self.takes(("", scope[1])))
                    many = number > 5 and number * 10 > known
                    assert not many or scope[0] is DASHBOARD, f"{number} of {known} {kind} go"
        rules = (Rule.MANY, Rule.EMPTIED, Rule.HIDDEN)
        here.update(each.candidate.key for each in decision.withheld if each.rule in rules)

    def takes(self, key):
        """What the sink has of an entity and below it, as far as anybody may know of it."""
        found = (each for each in self.sink if each == key or each[1].startswith(f"{key[1]}."))
        return {each for each in found if each not in self.lost}


@dataclass
class Engine:
    """One run."""

    world: World
    run: Run
    run_id: str

    def __post_init__(self):
        shelves = self.world.shelves
        self.state = KnownState(shelves[self.run.config % len(shelves)], {})
        self.filters = self.world.filters(self.run)
        self.whole = True
        self.listed = set()
        self.emptied = set()
        self.settled = {}
        self.scopes = 0

    # --- what the source answers ---

    def read(self):
        """List and process every scope; False: the run was over before its end."""
        if self.run.obstacle is not Obstacle.DRY_RUN:
            self.state.begin()
        schemas = self.schemas()
        for each in [schemas, *self.below(schemas), *self.dashboards()]:
            if self.run.obstacle is Obstacle.STOPPED and self.scopes > self.run.stop_at:
                return True
            if not self.take(*each):
                return False
            self.scopes += 1
        return self.run.obstacle is not Obstacle.DRY_RUN

    def sees(self, schema):
        return schema in self.world.source.schemas and schema not in self.run.revoked

    def schemas(self):
        found = {}
        for name in sorted(filter(self.sees, SCHEMAS)):
            fqn = f"svc.db.{name}"
            if self.keeps(SCHEMA, name, fqn):
                found[fqn] = name, {(SCHEMA.value, fqn): 0}
        return DATABASE, "schemas", found, (), "snapshot"

    def below(self, schemas):
        """Scopes of the schemas that were listed."""
        if self.run.listings.get("schemas") == "error":
            return
        listed = [name for name, _ in self.cut("schemas", schemas[2]).values()]
        for schema in listed:
            for kind, label in ((TABLE, "tables"), (PROCEDURE, "procedures")):
                scope, found = (kind, f"svc.db.{schema}"), {}
                for name, version in sorted(self.world.source.schemas[schema].items()):
                    fqn = f"svc.db.{schema}.{name}"
                    mine = name.startswith("p") is (kind is PROCEDURE)
                    if mine and self.keeps(kind, name, fqn):
                        found[fqn] = name, {(kind.value, fqn): version}
                removed, mode = (), "snapshot"
                if schema in self.run.changes:
                    gone = self.world.source.removed.get(schema, ())
                    removed, mode = [f"svc.db.{schema}.{each}" for each in sorted(gone)], "changes"
                    # Made again after it was removed: then the listing says both.
                    found = {
                        key: each
                        for at, (key, each) in enumerate(found.items())
                        if at % 2 or key in removed
                    }
                yield scope, f"{label} {schema}", found, removed, mode

    def dashboards(self):
        if self.run.config:
            return
        for folder, dashboards in self.world.source.folders.items():
            found = {}
            for name, charts in dashboards.items():
                if (
                    self.keeps(DASHBOARD, f"Title of {name}", name)
                    and name not in self.run.excluded
                ):
                    rows = {(DASHBOARD.value, f"svc.{name}"): 0}
                    found[name] = name, rows | {(CHART.value, f"svc.{each}"): 0 for each in charts}
                else:
                    self.whole = False
            yield (DASHBOARD, folder), f"dashboards {folder}", found, (), "snapshot"

    def keeps(self, kind, name, fqn):
        kept = self.filters.keeps(kind, name, fqn)
        self.whole = self.whole and kept
        return kept

    def cut(self, label, found):
        """What a listing yields: all, or the first half of it."""
        if self.run.listings.get(label) != "incomplete":
            return found
        return dict(list(found.items())[: len(found) // 2])

    # --- what becomes of it ---

    def take(self, scope, label, found, removed, mode):
        """List, process, settle or merge, commit. False: the run crashed."""
        run, fate = self.run, self.run.listings.get(label)
        if fate == "error":
            self.whole = False
            return True
        found = self.cut(label, found)
        if found:
            self.listed.add(scope)
        elif mode == "snapshot":
            self.emptied.add(scope)
        if run.obstacle in (Obstacle.SELECTION, Obstacle.RETRY):
            found = {key: each for at, (key, each) in enumerate(found.items()) if at % 2}
        stopping = run.obstacle is Obstacle.STOPPED and self.scopes == run.stop_at
        if stopping:
            found = dict(list(found.items())[: len(found) // 2])
        old = self.state.load(*scope)
        listed = {key: self.process(scope, old, key, *each) for key, each in found.items()}
        bad = {"failed", "quarantined", "skipped"} & {each.status for each in listed.values()}
        self.whole = self.whole and not (bad or fate or stopping)
        if run.obstacle is Obstacle.DRY_RUN:
            return True
        if run.crash_at == self.scopes:
            for each in listed.values():
                self.world.lost.update(one.key for one in each.written)
            return False
        told = {"scope": scope, "run_id": self.run_id, "context": run.context, "removed": removed}
        if fate or stopping or (run.obstacle and run.obstacle.partial):
            shard = merge(old, listed, **told)
        else:
            shard, wanted = settle(old, listed, mode=mode, **told)
            self.settled[scope] = wanted
        self.state.commit(shard, instead_of=old)
        return True

    def process(self, scope, old, identity, name, rows):
        """Write what is not known to be there; what is skipped must be there indeed."""
        run, world = self.run, self.world
        parent = scope[1] if scope[0] in DEPENDENCIES else None
        lost_parent = parent is not None and (SCHEMA.value, parent) not in world.sink
        fate = run.members.get(parent.rpartition(".")[2]) if parent else None
        if lost_parent or fate in ("failed", "quarantined", "skipped"):
            return Outcome("failed")
        status = run.members.get(name, "ok")
        if status == "skipped":
            return Outcome("skipped")
        written = tuple(Stored(*key, f"h{version}") for key, version in rows.items())
        if status == "token":
            # It vouches for what was written under it, so all of that has to be there.
            known = {each.key for each in (old.present.get(identity, ()) if old else ())}
            there = {each: world.sink.get(each) for each in known}
            if there == {each.key: (each.hash, run.context) for each in written}:
                return Outcome("unchanged")
        if status in ("failed", "quarantined"):
            # The first half came through; the rest perhaps, but nobody knows.
            self.write(written, run.context)
            world.lost.update(each.key for each in written[len(written) // 2 :])
            return Outcome(status, written[: len(written) // 2])
        hashes = old.hashes([identity], run.context) if old else {}
        if written and all(
            hashes.get(each.type, {}).get(each.fqn) == each.hash for each in written
        ):
            for each in written:
                content = world.sink.get(each.key)
                # A shared chart may be outdated by one dashboard and is put right by the other.
                shared = each.type == CHART.value and content is not None
                assert shared or content == (each.hash, run.context), (
                    f"{each} was skipped, but is {content}"
                )
            return Outcome("unchanged", written)
        if run.obstacle is not Obstacle.DRY_RUN:
            self.write(written, run.context)
        return Outcome("ok", written)

    def write(self, written, context):
        if self.run.obstacle is not Obstacle.DRY_RUN:
            self.world.sink.update({each.key: (each.hash, context) for each in written})
            self.world.lost.difference_update(each.key for each in written)

    # --- the end ---

    def end(self):
        """Decide, delete, conclude."""
        run, world = self.run, self.world
        found = [each for wanted in self.settled.values() for each in wanted]
        for scope, wanted in self.settled.items():
            shard = self.state.load(*scope)
            assert candidates(shard) == wanted, "a resumed run must come to the same candidates"
        if run.crash_before_decision:
            return None
        rules = Rules(
            run_id=self.run_id,
            mark_deleted={each: each not in run.off for each in EntityType},
            keeps=passing(self.filters),
            whole=self.whole and run.obstacle is None,
            listed=self.listed,
            elsewhere=self.state.holders(roaming(found)),
            hides=world.hides,
            allow_deletions=run.allow,
            obstacle=run.obstacle,
        )
        members = self.state.members({*DEPENDENCIES.values()})
        census = Census(self.state.heads(), members, DEPENDENCIES, self.state.unreadable)
        decision = decide(found, rules=rules, census=census)
        world.check(self, found, decision)
        gone = [*decision.moved]
        for each in decision.delete:
            for scope in each.below:
                self.state.doubt(*scope)
            world.delete(each.candidate.key)
            if each.candidate.fqn.rpartition(".")[2] not in run.torn:
                for scope in each.below:
                    self.state.forget(*scope)
                gone.append(each.candidate)
        for scope in {each.scope for each in found}:
            shard = self.state.load(*scope)
            if shard is not None:
                after = conclude(shard, run_id=self.run_id, gone=gone, withheld=decision.withheld)
                if after is not shard:
                    self.state.commit(after)
        self.state.close()
        return decision
