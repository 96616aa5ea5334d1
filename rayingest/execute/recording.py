"""What becomes durable: the books' records in order, deferred rows beside them, what later runs shall know."""

import time

from rayingest.core.sink import SinkSession
from rayingest.core.source import EntityDescriptor, Removed
from rayingest.errors import Forbidden, StateError
from rayingest.execute.audit import recounted
from rayingest.execute.combine import Combiner
from rayingest.execute.deferred import DeferredRows
from rayingest.execute.deletion import Deleted, Deleting
from rayingest.execute.events import Chunk, PartOf, Result, ScopeSettled, Why, why
from rayingest.execute.knowing import Knowing, Memory
from rayingest.execute.report import Errors, Report
from rayingest.execute.scheduler import Scheduler
from rayingest.model import EntityType
from rayingest.state.packed import EDGE
from rayingest.state.run_directory import Journal, RunDirectory

NOT_SEEN = ("failed", "quarantined", "skipped")  # ends of what nobody has described


class Recording:
    """Takes what the scheduler's books have to tell. Without a directory only `knowing` and `errors` hear of it."""

    def __init__(
        self, scheduler: Scheduler, directory: RunDirectory | None, service: str, combiner: Combiner
    ) -> None:
        self.errors = Errors()
        self.knowing: Knowing | None = None
        self.deleted = Deleted()
        self._scheduler, self._books = scheduler, scheduler.books
        self._directory = directory
        self._journal = Journal(directory) if directory else None
        before = scheduler.plan.before
        whole = service if scheduler.plan.root is not None else None
        self._deferred = DeferredRows(directory, scheduler.ledger, whole, before)
        self._unresolved = scheduler.ledger.unresolved  # as recorded
        self._audited = 0.0
        self._learns = True
        if before is not None:
            for part in before.parts:
                combiner.take(part)
            for (_, name), (_, cause) in before.failed.items():
                if cause is not None:
                    self.errors.add(cause, name)

    # --- as it goes on ---

    def remember(self, memory: Memory, session: SinkSession | None) -> None:
        """Open what earlier runs know, and what earlier attempts of this one have learned."""
        self.knowing = Knowing(memory, session)
        if (before := self._scheduler.plan.before) is not None:
            self.knowing.go_on(before)

    def part(self, part: PartOf) -> None:
        """One part of a scope that is combined when it settles."""
        if self._journal:
            self._journal.add(("part", part))

    def settled(self, scope: ScopeSettled) -> None:
        """A scope was listed, and all of its members have their ends."""
        if self._journal:
            self._journal.add(("settled", scope.type, scope.scope, scope.failed))
        if self.knowing is not None:
            listed = self._scheduler.listings.scopes[scope.type, scope.scope]
            self.knowing.settled(scope, listed)

    def write(self, *, force: bool = False) -> None:
        """Take the books' news and keep them. Raises StateError."""
        books = self._books
        ended, books.ended = books.ended, []
        news, books.news = books.news, []
        deferred, books.deferred = books.deferred, []
        begun, books.begun = books.begun, False
        self._learn(news, ended)
        for _, _, result in ended:
            if result.why is not None and (
                result.status != "skipped" or result.why.kind == Forbidden.__name__
            ):
                self.errors.add(result.why, result.id)
            self._deferred.arrived(result.written)
        for kind, each in deferred:
            self._deferred.add(kind, each)
            if self.knowing is not None:
                self.knowing.postponed(kind, each.id)
        if self._journal:
            self._journal.extend(news)
            self._journal.extend(("ended", kind, result) for kind, _, result in ended)
            if more := books.ledger.unresolved - self._unresolved:
                self._journal.add(("unresolved", more))
                self._unresolved += more
            self._deferred.tick(force=force)
            self._journal.tick(force=force or begun)

    def _learn(
        self, news: list[tuple[object, ...]], ended: list[tuple[EntityType, str, Result]]
    ) -> None:
        if self.knowing is None or not self._learns:
            return
        for what, about, *_ in news:
            if isinstance(about, EntityDescriptor) and what != "again":
                self.knowing.found(about)
            elif what == "removed" and isinstance(about, Removed):
                self.knowing.removed(about)
        for kind, scope, result in ended:
            self.knowing.ended(kind, scope, result)

    def second_wave(self, session: SinkSession | None) -> list[Chunk]:
        """The next blocks of rows that waited for what they refer to."""
        return self._deferred.next_blocks(session)

    # --- at the end ---

    def keep_known(self, session: SinkSession | None, deleting: Deleting) -> None:
        """Keep what this run has learned; delete what has vanished, when it came to its end."""
        knowing, scheduler = self.knowing, self._scheduler
        if knowing is None:
            return
        knowing.close(clean=scheduler.quiet)
        if scheduler.stopping is not None or session is None:
            return
        ledger = scheduler.ledger
        partly = (*(ledger.total(each) for each in NOT_SEEN), ledger.filtered.total())
        whole = not scheduler.listings.unlisted() and not any(partly)
        self.deleted = deleting(knowing, session, whole=whole)
        for each in self.deleted.gone:
            ledger.deleted[each.type.value] += 1
            self._books.news.append(("deleted", each.type, each.fqn))
        for edge in self.deleted.edges:
            ledger.deleted[EDGE] += 1
            self._books.news.append(("deleted", EDGE, edge.fqn))
        for cause, name in self.deleted.refused:
            self.errors.add(cause, name)

    def leave(self) -> None:
        """Let go of what earlier runs know: what is recorded from now on is learnt by nobody."""
        self._learns = False
        if self.knowing is not None:
            self.knowing.leave()

    def audit(self) -> Why | None:
        """The books as they are recorded must be those that were counted; what is wrong, if anything is."""
        if self._directory is None:
            return None
        try:
            self.write(force=True)
            started = time.thread_time()
            wrong = recounted(self._directory, self._books.ledger)
            self._audited = time.thread_time() - started
        except StateError as error:
            return why(error, "state")
        if not wrong or self._scheduler.stopping is not None:
            return None
        cause = f"What is recorded is not what was counted: {'; '.join(wrong[:5])}."
        return Why("BooksDisagree", cause, None, None, "state")

    def fill(self, report: Report) -> None:
        """Say in the report what recording has cost, and what was written again for all."""
        journals = (self._journal, self._deferred.journal)
        report.state_seconds = sum(each.seconds for each in journals if each)
        report.audit_seconds = self._audited
        report.unresolved_samples = sorted(self._deferred.nowhere)
        report.rewritten = sorted(self.knowing.rewritten) if self.knowing else []

    def keep(self, report: Report) -> None:
        """Put the report into the run directory; a run that cannot has failed."""
        if self._directory is None:
            return
        try:
            self._directory.put_report(report.to_json())
        except StateError as error:
            report.fail(f"{error} {error.hint or ''}".strip())
