"""What earlier runs know, put to use: hashes to compare with, and what has vanished since.

A scope's shard is read, and the sink asked how many entities it has there, when the scope's first
member is found; both beside the driver's loop. When the scope settles its new shard is kept. While a
run writes, a mark says so: shards that a run without an end may have made untrue are not believed.
"""

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from rayingest.core.filters import Filters
from rayingest.core.sink import SinkSession
from rayingest.core.source import EntityDescriptor, Removed, ScopeListed
from rayingest.errors import RayingestError, StateError
from rayingest.execute.events import Chunk, KnownOf, Result, ScopeSettled
from rayingest.model import EntityType
from rayingest.state import deletions
from rayingest.state.deletions import Candidate, Census, Decision, End, Obstacle, Outcome, Rules
from rayingest.state.known import KnownState, Scope, Shard, Stored

MARK = "open.json"
READERS = 8


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a run is to do with what is known.

    `compare`: leave out what the sink has already. `mark_deleted`: entity types whose vanished
    entities are deleted. `obstacle`: why this run deletes nothing. `hides`: the source leaves out what
    the account may not see.
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


@dataclass
class _Open:
    """A scope that is not settled: what was known of it, and what became of its members."""

    loading: "Future[tuple[Shard | None, bool]] | None" = None
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


class Knowing:
    """Reads and keeps the state of one run; called by the driver's thread alone."""

    def __init__(self, memory: Memory, session: SinkSession | None) -> None:
        self.memory = memory
        self.state = memory.state
        self.rewritten: list[str] = []
        self.warnings: list[str] = []
        self._session = session
        self._scopes: dict[Scope, _Open] = {}
        self._listed: set[Scope] = set()
        self._candidates: list[Candidate] = []
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="state")
        self._commits: list[Future[None]] = []
        self._distrust = self._mark()

    def _mark(self) -> str | None:
        """Say that this run writes; the id of the run that wrote last and did not come to its end."""
        try:
            before = msgspec.json.decode(self.state.store.get(MARK), type=dict[str, str])["run"]
        except FileNotFoundError:
            before = None
        except (msgspec.MsgspecError, KeyError):
            before = ""
        self.state.store.put(MARK, msgspec.json.encode({"run": self.memory.run_id}))
        return before

    # --- during the run ---

    def found(self, descriptor: EntityDescriptor) -> None:
        """A member of a scope was found: read what is known of it."""
        scope = descriptor.type, descriptor.scope
        self._listed.add(scope)
        here = self._scopes.setdefault(scope, _Open())
        if here.loading is None:
            here.loading = self._pool.submit(self._load, scope)

    def of(self, chunk: Chunk) -> KnownOf | None:
        """Hashes of what the sink has of a chunk's members; None when there is nothing to compare."""
        if not self.memory.compare or chunk.kind == "deferred":
            return None
        ids: dict[str, list[str]] = {}
        for each in chunk.items:
            ids.setdefault(each.scope, []).append(each.id)
        hashes: dict[str, dict[str, str]] = {}
        for scope, members in ids.items():
            shard, believed = self._known((chunk.type, scope))
            if shard is not None and believed:
                for kind, found in shard.hashes(members, self.memory.context).items():
                    hashes.setdefault(kind, {}).update(found)
        return KnownOf(hashes) if hashes else None

    def ended(self, entity_type: EntityType, scope: str, result: Result) -> None:
        """A member came to its end."""
        written = tuple(
            Stored(each.type, each.fqn, each.hash)
            for each in result.written
            if each.outcome != "refused"
        )
        here = self._scopes.setdefault((entity_type, scope), _Open())
        here.outcomes[result.id] = Outcome(cast("End", result.status), written)

    def removed(self, gone: Removed) -> None:
        """A change listing says that this is no more."""
        self._scopes.setdefault((gone.type, gone.scope), _Open()).removed.add(gone.id)

    def settled(self, settled: ScopeSettled, listed: ScopeListed) -> None:
        """Keep what became of a scope, beside the loop."""
        scope = settled.type, settled.scope
        here = self._scopes.pop(scope, None) or _Open()
        if settled.complete and not self._partial:
            self._commit(scope, here, mode=listed.mode)
        else:
            self._commit(scope, here, mode=None)

    @property
    def _partial(self) -> bool:
        return self.memory.obstacle is not None and self.memory.obstacle.partial

    def _known(self, scope: Scope) -> tuple[Shard | None, bool]:
        here = self._scopes.get(scope)
        if here is None or here.loading is None:
            return None, False
        return here.loading.result()

    def _load(self, scope: Scope) -> tuple[Shard | None, bool]:
        """The shard of a scope, and whether the sink still has as many entities as it says."""
        with self._lock:
            shard = self.state.load(*scope)
        if shard is None or not self.memory.compare:
            return shard, False
        if self._distrust not in (None, shard.run_id):
            return shard, False
        for kind in shard.counts():
            if EntityType(kind) is scope[0] and not self._as_many(shard, scope):
                self.rewritten.append(scope[1])
                return shard, False
        return shard, True

    def _as_many(self, shard: Shard, scope: Scope) -> bool:
        catalogue: Any = getattr(self._session, "catalogue", None)
        if catalogue is None:
            return True
        try:
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
            shard = deletions.merge(old, here.outcomes, removed=here.removed, **about)  # type: ignore[arg-type]
        else:
            shard, found = deletions.settle(
                old,
                here.outcomes,
                mode=mode,
                removed=here.removed,
                **about,  # type: ignore[arg-type]
            )
        with self._lock:
            self.state.commit(shard, instead_of=old)
            self._candidates += found

    # --- the end ---

    def close(self, *, clean: bool) -> None:
        """Keep what is not settled, too; `clean`: the sink holds nothing that nobody knows of.

        Raises StateError.
        """
        for scope, here in self._scopes.items():
            if here.outcomes or here.removed:
                self._commit(scope, here, mode=None)
        self._scopes.clear()
        try:
            for each in self._commits:
                each.result()
        finally:
            self._pool.shutdown()
        self.warnings += self.state.warnings
        self.state.close()
        if clean:
            self.state.store.delete(MARK)

    def leave(self) -> None:
        """End the threads; nothing more is kept."""
        self._pool.shutdown(cancel_futures=True)

    def decide(self, *, whole: bool) -> Decision:
        """What may be deleted of what has vanished, and what is withheld. Raises StateError."""
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
            obstacle=memory.obstacle,
        )
        return deletions.decide(found, rules=rules, census=census)

    def seen(self, candidate: Candidate) -> set[str] | None:
        """FQNs of the candidate's type that are to stay in its scope. Raises StateError."""
        shard = self.state.load(*candidate.scope)
        return shard.fqns(candidate.type, missing=False) if shard is not None else None

    def conclude(self, decision: Decision, gone: Iterable[Candidate]) -> None:
        """Note what was deleted, and what waits for a second look. Raises StateError."""
        over = [*gone, *decision.moved]
        keys = {each.key for each in over}
        for deletion in decision.delete:
            if deletion.candidate.key in keys:
                for scope in deletion.below:
                    self.state.forget(*scope)
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
