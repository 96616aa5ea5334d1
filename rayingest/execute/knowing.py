"""What earlier runs know, put to use: hashes to compare with, and what has vanished since.

A scope's shard is read, and the sink asked how many entities it has there, when the scope's first
member is found; both beside the driver's loop. When the scope settles its new shard is kept. While a
run writes, a mark says so: shards that a run without an end may have made untrue are not believed,
and a run that another one has written beside, or between its attempts, trusts nothing and deletes
nothing.
"""

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from rayingest.core.filters import Filters
from rayingest.core.sink import SinkSession
from rayingest.core.source import EntityDescriptor, Removed, ScopeListed
from rayingest.errors import RayingestError, StateError
from rayingest.execute.beliefs import Beliefs
from rayingest.execute.events import Chunk, KnownOf, Result, ScopeSettled
from rayingest.execute.replay import Replay
from rayingest.model import EntityType
from rayingest.state import deletions, edges, mark, settling
from rayingest.state.census import Census
from rayingest.state.deletions import Decision, Obstacle, Rules
from rayingest.state.edges import Left
from rayingest.state.known import KnownState
from rayingest.state.outcomes import End, Outcome, Outcomes
from rayingest.state.packed import Stored
from rayingest.state.settling import Candidate
from rayingest.state.shard import Key, Scope, Shard
from rayingest.state.tokens import Window

READERS = 8


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a run is to do with what is known.

    `compare`: leave out what the sink has already. `mark_deleted`: entity types whose vanished
    entities are deleted. `obstacle`: why this run deletes nothing. `hides`: the source leaves out what
    the account may not see. `planned`: nothing else is deleted. `window`: how long a description is
    believed whose change token is the same; None: tokens say nothing. `day`: the one that uses are counted
    for; None: nobody tells any.
    """

    state: KnownState
    context: str
    run_id: str
    compare: bool = True
    obstacle: Obstacle | None = None
    mark_deleted: Mapping[EntityType, bool] = field(default_factory=dict)
    filters: Filters = field(default_factory=Filters)
    dependencies: Mapping[EntityType, EntityType] = field(default_factory=dict)
    hides: bool = False
    allow_deletions: bool = False
    planned: frozenset[Key] | None = None
    window: Window | None = None
    day: date | None = None


@dataclass
class _Open:
    """A scope that is not settled: what was known of it, and what became of its members."""

    loading: "Future[tuple[Shard | None, bool]] | None" = None
    outcomes: Outcomes = field(default_factory=Outcomes)
    removed: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)  # to be described and written, without an end yet


class Knowing:
    """Reads and keeps the state of one run; called by the driver's thread alone."""

    def __init__(self, memory: Memory, session: SinkSession | None) -> None:
        self.memory = memory
        self.state = memory.state
        self.rewritten: list[str] = []
        self.warnings: list[str] = []
        self._session = session
        self._beliefs = Beliefs(memory.window)
        self._scopes: dict[Scope, _Open] = {}
        self._listed: set[Scope] = set()
        self._candidates: list[Candidate] = []
        self.left: list[Left] = []  # edges that views do not have any more
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="state")
        self._commits: list[Future[None]] = []
        self._old: set[Scope] = set()  # listed by an earlier attempt
        self._overtaken = False
        self._clean = False
        self._before = mark.read(self.state.store)
        if self._before is not None and not self._before.clean:
            self.state.doubt_others(self._before.run)
        self._mark()

    def _mark(self, *, clean: bool = False) -> None:
        mark.write(self.state.store, mark.Mark(self.memory.run_id, clean))

    # --- during the run ---

    def go_on(self, before: Replay) -> None:
        """Take over what earlier attempts of this run have learned.

        What they listed may be days old: it proves nobody's absence any more. When another run has
        written since, what they wrote may be gone, too.
        """
        self._old.update(before.scopes)
        self._overtaken = self._before is None or self._before.run != self.memory.run_id
        for descriptor in before.open.values():
            self.found(descriptor)
            self._scopes[descriptor.type, descriptor.scope].sent.add(descriptor.id)
        for (kind, scope), results in before.results.items():
            for result in results:
                self.ended(kind, scope, result, believed=not self._overtaken)
        for gone in before.removed:
            self.removed(gone)

    def found(self, descriptor: EntityDescriptor) -> None:
        """A member of a scope was found: read what is known of it."""
        scope = descriptor.type, descriptor.scope
        self._listed.add(scope)
        here = self._scopes.setdefault(scope, _Open())
        if here.loading is None:
            here.loading = self._pool.submit(self._load, scope)

    def shard(self, scope: Scope) -> tuple[Shard | None, bool]:
        """What is known of a scope that is open, and whether the sink still has all of it."""
        return self._known(scope)

    def of(self, chunk: Chunk) -> KnownOf | None:
        """Hashes of what the sink has of a chunk's members; None when there is nothing to compare."""
        ids: dict[str, list[str]] = {}
        for each in chunk.items:
            ids.setdefault(each.scope, []).append(each.id)
        for scope, members in ids.items():
            self._scopes.setdefault((chunk.type, scope), _Open()).sent.update(members)
        self._beliefs.note(chunk)
        day = self.memory.day
        if chunk.kind == "deferred" or not (self.memory.compare or day):
            return None
        hashes: dict[str, dict[str, str]] = {}
        totals: dict[str, str] = {}
        for scope, members in ids.items():
            shard, believed = self._known((chunk.type, scope))
            if shard is not None and believed:
                for kind, found in shard.hashes(members, self.memory.context).items():
                    hashes.setdefault(kind, {}).update(found)
            if shard is not None and day:
                totals.update(shard.totals(members))
        if not hashes and not day:
            return None
        unchanged = self._beliefs.unchanged(chunk, self._believed) if hashes else {}
        return KnownOf(hashes, unchanged, day, totals)

    def _believed(self, descriptor: EntityDescriptor) -> Shard | None:
        """What is known of its scope, made by these options, while the sink still has all of it."""
        shard, believed = self._known((descriptor.type, descriptor.scope))
        if shard is None or not believed or shard.context != self.memory.context:
            return None
        return shard

    def postponed(self, entity_type: EntityType, identity: str) -> None:
        """What refers to things that may never come is read again."""
        self._beliefs.forget(entity_type, identity)

    def ended(
        self, entity_type: EntityType, scope: str, result: Result, *, believed: bool = True
    ) -> None:
        """A member came to its end; `believed`: nobody has written since."""
        written = tuple(
            Stored(each.type, each.fqn, each.hash if believed else "")
            for each in result.written
            if each.outcome != "refused"
        )
        self._listed.add((entity_type, scope))
        here = self._scopes.setdefault((entity_type, scope), _Open())
        here.sent.discard(result.id)
        token = self._beliefs.take(entity_type, result.id)
        if token is not None and believed and result.status in ("ok", "unchanged") and written:
            written = (*written, token)
        here.outcomes.add(result.id, Outcome(cast("End", result.status), written, result.whole))

    def removed(self, gone: Removed) -> None:
        """A change listing says that this is no more."""
        self._scopes.setdefault((gone.type, gone.scope), _Open()).removed.add(gone.id)

    def settled(self, settled: ScopeSettled, listed: ScopeListed) -> None:
        """Keep what became of a scope, beside the loop."""
        scope = settled.type, settled.scope
        here = self._scopes.pop(scope, None) or _Open()
        if settled.complete and not self._partial and scope not in self._old:
            self._commit(scope, here, mode=listed.mode)
        else:
            self._commit(scope, here, mode=None)

    @property
    def _partial(self) -> bool:
        obstacle = self.memory.obstacle
        return self._overtaken or (obstacle is not None and obstacle.partial)

    def _known(self, scope: Scope) -> tuple[Shard | None, bool]:
        here = self._scopes.get(scope)
        if here is None or here.loading is None:
            return None, False
        return here.loading.result()

    def _load(self, scope: Scope) -> tuple[Shard | None, bool]:
        """The shard of a scope, and whether the sink still has as many entities as it says."""
        with self._lock:
            shard = self.state.load(*scope)
        if shard is None or not shard.present or not self.memory.compare:
            return shard, False
        kinds = [EntityType(each) for each in shard.counts()]
        own = [each for each in kinds if each is scope[0]]
        # What the scope lists may be nothing that a sink has: then all that came out of it counts.
        if all(self._as_many(shard, (each, scope[1])) for each in own or kinds):
            return shard, True
        self.rewritten.append(scope[1])
        return shard, False

    def _as_many(self, shard: Shard, scope: Scope) -> bool:
        catalogue: Any = getattr(self._session, "catalogue", None)
        if catalogue is None:
            return True
        try:
            if not scope[1]:  # the services of everybody else are there, too
                own = shard.fqns(scope[0])
                return len(catalogue.get(scope[0], sorted(own))) == len(own)
            there = catalogue.count(*scope)
        except RayingestError:
            return False
        return there is None or there == shard.count(scope[0])

    def _commit(self, scope: Scope, here: _Open, *, mode: Any) -> None:
        self._commits.append(self._pool.submit(self._keep, scope, here, mode))
        self._commits = [each for each in self._commits if not each.done() or each.exception()]

    def _keep(self, scope: Scope, here: _Open, mode: Any) -> None:
        if here.loading is not None:
            old = here.loading.result()[0]
        else:
            with self._lock:
                old = self.state.load(*scope)
        about = {"scope": scope, "run_id": self.memory.run_id, "context": self.memory.context}
        found: list[Candidate] = []
        if mode is None:
            shard = settling.merge(old, here.outcomes, removed=here.removed, **about)  # type: ignore[arg-type]
        else:
            shard, found = settling.settle(
                old,
                here.outcomes,
                mode=mode,
                removed=here.removed,
                **about,  # type: ignore[arg-type]
            )
        with self._lock:
            self.state.commit(shard, instead_of=old)
            self._candidates += found
            if mode is not None and not here.outcomes.failed:
                self.left += edges.left(old, shard, here.outcomes)

    # --- the end ---

    def close(self, *, clean: bool) -> None:
        """Keep what is not settled, too; `clean`: the sink holds nothing that nobody knows of.

        What was sent and has no end may be written: of that no hash is kept. Raises StateError.
        """
        for scope, here in self._scopes.items():
            for identity in here.sent:
                if identity not in here.outcomes:
                    here.outcomes.add(identity, Outcome("failed"))
            if here.outcomes or here.removed:
                self._commit(scope, here, mode=None)
        self._scopes.clear()
        try:
            for each in self._commits:
                each.result()
        finally:
            self._pool.shutdown()
        self.warnings += self.state.warnings
        now = mark.read(self.state.store)
        if now is None or now.run != self.memory.run_id:
            self._candidates.clear()
            self.left.clear()
            self.state.doubt_others(None)
            clean = False
        self.state.close()
        self._clean = clean
        self._mark(clean=clean)

    def leave(self) -> None:
        """End the threads; nothing more is kept."""
        self._pool.shutdown(cancel_futures=True)

    def decide(self, *, whole: bool) -> Decision:
        """What may be deleted of what has vanished, and what is withheld. Raises StateError.

        Of what will go with a container no hash counts from now on, should we die before the end.
        """
        memory = self.memory
        parents = {*memory.dependencies.values()}
        found = self._candidates
        census = Census(
            self.state.heads(),
            self.state.members(parents),
            memory.dependencies,
            self.state.unreadable,
        )
        rules = Rules(
            run_id=memory.run_id,
            mark_deleted=memory.mark_deleted,
            keeps=deletions.passing(memory.filters),
            whole=whole,
            listed=self._listed,
            elsewhere=self.state.holders(deletions.roaming(found)),
            hides=memory.hides,
            allow_deletions=memory.allow_deletions,
            planned=memory.planned,
            obstacle=memory.obstacle,
        )
        decision = deletions.decide(found, rules=rules, census=census)
        if below := {scope for each in decision.delete for scope in each.below}:
            self.state.begin()
            for scope in below:
                self.state.doubt(*scope)
            self.state.close()
        return decision

    def known(self, candidate: Candidate) -> set[str] | None:
        """FQNs of the candidate's type that the sink has in its scope. Raises StateError."""
        shard = self.state.load(*candidate.scope)
        return shard.fqns(candidate.type) if shard is not None else None

    def conclude(self, decision: Decision, gone: Iterable[Candidate]) -> None:
        """Note what was deleted, and what waits for a second look. Raises StateError."""
        over = [*gone, *decision.moved]
        keys = {each.key for each in over}
        for deletion in decision.delete:
            if deletion.candidate.key in keys:
                for scope in deletion.below:
                    self._bury(scope)
        touched = {each.scope for each in over}
        touched |= {each.candidate.scope for each in decision.withheld}
        for scope in touched:
            shard = self.state.load(*scope)
            if shard is None:
                continue
            after = deletions.conclude(
                shard, run_id=self.memory.run_id, gone=over, withheld=decision.withheld
            )
            if after is not shard:
                self.state.commit(after)
        with suppress(StateError):
            self.state.close()
            if self._clean:
                mark.remove(self.state.store)

    def _bury(self, scope: Scope) -> None:
        """What went with its container may come back with it, and is deleted again then."""
        shard = self.state.load(*scope)
        if shard is None:
            self.state.forget(*scope)
        else:
            self.state.commit(settling.buried(shard, run_id=self.memory.run_id))
