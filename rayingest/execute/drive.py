"""Drive a run: events from an engine into the scheduler, its actions back, everything recorded."""

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from rayingest.core.sink import Placement, SinkSession
from rayingest.errors import RayingestError
from rayingest.execute import cgroup
from rayingest.execute.bounding import Bounding, Bounds
from rayingest.execute.closing import Closing, peak_rss
from rayingest.execute.combine import Combiner
from rayingest.execute.deletion import Deleting, delete
from rayingest.execute.delivery import Delivery, Ticket
from rayingest.execute.engine import RARELY, Engine
from rayingest.execute.events import (
    Dispatch,
    Read,
    ReplaceWorker,
    StartListing,
    Why,
    why,
)
from rayingest.execute.hearing import Hearing
from rayingest.execute.knowing import Knowing, Memory
from rayingest.execute.limits import LimitReport
from rayingest.execute.recording import Recording
from rayingest.execute.report import Report
from rayingest.execute.scheduler import Scheduler
from rayingest.execute.snapshot import Snapshot
from rayingest.execute.stalls import Stalls
from rayingest.state.run_directory import RunDirectory
from rayingest.workflows.stage import Opened


class _Incomplete(Exception):
    """Leave the sink without telling it that everything was written."""


class Drive:
    """One run of one stage on one engine. `run` returns the report and never raises for a bad source."""

    def __init__(
        self,
        engine: Engine,
        scheduler: Scheduler,
        opened: Opened,
        directory: RunDirectory | None,
        *,
        bounds: Bounds,
        dry_run: bool = False,
        memory: Memory | None = None,
        deleting: Deleting = delete,
        unprepared: RayingestError | None = None,
        observe: Callable[[Snapshot], None] | None = None,
        log: Callable[[str, str], None] | None = None,
    ) -> None:
        self.engine = engine
        self.scheduler = scheduler
        self.opened = opened
        self.directory = directory
        self.bounds = bounds
        self.dry_run = dry_run
        self.memory = memory
        self._deleting = deleting
        self._unprepared = unprepared
        self.problem: Why | None = None
        self._observe = observe or (lambda _: None)
        self._log = log or (lambda _level, _text: None)
        self._combiner = Combiner.of(opened.connector)
        self._recording = Recording(scheduler, directory, opened.settings.service, self._combiner)
        self._delivery: Delivery | None = None
        self._session: SinkSession | None = None
        self._bounding = Bounding(bounds, scheduler, self._log)
        self._stalls = Stalls(engine, directory, self._log, bounds.stall)
        self._hearing = Hearing(scheduler, self._recording, self._combiner, self._log)
        self._observed = 0.0
        self._limits: list[LimitReport] = []
        self.on_start: Callable[[], None] | None = None

    # --- from outside ---

    @property
    def knowing(self) -> Knowing | None:
        """What earlier runs know, while the run lasts."""
        return self._recording.knowing

    @property
    def session(self) -> SinkSession | None:
        """The driver's own session at the sink, while the run lasts."""
        return self._session

    def interrupt(self) -> None:
        """Stop after what is under way (called from a signal handler); a second time, at once."""
        if self.scheduler.stopping is not None:
            self._bounding.hurry = True
        self.scheduler.stop("interrupted")

    def run(self) -> Report:
        """Drive to the end, and collect garbage rarely meanwhile: structs make no cycles."""
        with rare_collections():
            return self._run()

    def _run(self) -> Report:
        """Drive to the end."""
        started = datetime.now(UTC)
        self._began = self._bounding.began = self._hearing.began = time.monotonic()
        self._cpu = time.process_time()
        self._throttled = cgroup.throttled()
        try:
            with self.opened.sink.open(dry_run=self.dry_run) as self._session:
                self._start_delivery()
                try:
                    if self.memory is not None:
                        self._recording.remember(self.memory, self._session)
                    if self._unprepared is not None:
                        raise self._unprepared
                    self.engine.start()
                    self._started()
                    self._loop()
                    self._recording.keep_known(self._session, self._deleting)
                except RayingestError as error:
                    self._give_up(error)
                finally:
                    self._finish_delivery()
                    self._recording.leave()
                self._leave_incomplete()
        except _Incomplete:
            self._log("debug", "The sink was told that this run is not complete.")
        except RayingestError as error:
            self._give_up(error)
        finally:
            stats = self._stats()
            self.engine.close()
        self.problem = self.problem or self._bounding.problem
        wrong = self._recording.audit()
        self.problem = self.problem or wrong
        return self._report(started, stats)

    def _leave_incomplete(self) -> None:
        if self.scheduler.stopping is not None:
            raise _Incomplete

    def _started(self) -> None:
        """Whoever handles signals does it now: Ray installs handlers of its own when it starts."""
        if self.on_start is not None:
            self.on_start()

    def _give_up(self, error: RayingestError) -> None:
        self.problem = self.problem or self._bounding.problem or why(error, "run")
        self.scheduler.stop("failed")

    def _start_delivery(self) -> None:
        sink = self.opened.sink
        if sink.placement is Placement.DRIVER and self._session is not None:
            self._delivery = Delivery(
                self._session,
                max_rows=sink.max_rows,
                max_bytes=sink.max_bytes,
                writers=min(1, sink.concurrency) or 1,
                blocking=False,
                emit=self.engine.put,
            )

    def _finish_delivery(self) -> None:
        if self._delivery is not None:
            self._delivery.close()

    # --- the loop ---

    def _loop(self) -> None:
        scheduler = self.scheduler
        scheduler.handle(None, time.monotonic())
        self._recording.write()
        self._perform()
        while not scheduler.done:
            events = self.engine.wait(self._patience())
            now = time.monotonic()
            tickets = [self._deliver(event) for event in events if isinstance(event, Read)]
            scheduler.sink_full = self._delivery is not None and self._delivery.full
            for event in events:
                self._hearing.hear(event)
                scheduler.handle(event, now)
            self._stalls.heard(events, now)
            for ticket in tickets:
                if ticket is not None and self._delivery is not None:
                    self._delivery.end(ticket)
            scheduler.handle(None, now)
            self._recording.write()
            self._end_silent_listings(now)
            self._combine()
            self._second_wave()
            self._perform()
            self.engine.hold_listings(scheduler.crowded)
            if self._bounding.passed(now, ready=self._hearing.totals.startup is not None):
                break
            if now - self._observed >= 0.25:
                self._observed = now
                self._look_for_stalls(now)
                self._show()
                if self.directory is not None:
                    self.directory.beat()
        self._recording.write(force=True)
        self._show()

    def _look_for_stalls(self, now: float) -> None:
        scheduler = self.scheduler
        busy = scheduler.in_flight + len(scheduler.listings.running)
        away = scheduler.sink_down or scheduler.source_away
        waits = away.message if away else None
        waits = waits or next((each.name for each in self.engine.limits() if each.waiting), None)
        self._stalls.look(now, in_flight=busy, waits=waits)

    def _show(self) -> None:
        snapshot = self.snapshot()
        self._observe(snapshot)
        self.engine.note(snapshot)

    def _patience(self) -> float:
        due = self.scheduler.due()
        return 0.25 if due is None else min(0.25, max(0.005, due - time.monotonic()))

    def _combine(self) -> None:
        """Combine the scopes that settled; what comes out is written like anything described."""
        books = self.scheduler.books
        settled, books.settled = books.settled, []
        for each in settled:
            self._recording.settled(each)
            combined = self._combiner.settle(each)
            if combined is not None:
                self.scheduler.add(combined)
        if settled:
            self.scheduler.handle(None, time.monotonic())

    def _end_silent_listings(self, now: float) -> None:
        """A listing that yields nothing for the time of a call is given up."""
        for event in self._hearing.silent(now, self.opened.settings.call_timeout):
            self.engine.cancel_listing(event.listing)
            self._hearing.hear(event)
            self.scheduler.handle(event, now)

    def _deliver(self, event: Read) -> Ticket | None:
        if self._delivery is None or not event.rows:
            return None
        ticket = self._delivery.begin(event.dispatch)
        for each in event.rows:
            self._delivery.add(ticket, each.id, each.rows, each.done, each.cause, whole=each.whole)
        event.rows = []
        return ticket

    def _perform(self) -> None:
        actions, self.scheduler.actions = self.scheduler.actions, []
        for action in actions:
            match action:
                case Dispatch() if action.chunk.kind == "deferred" and self._delivery is not None:
                    self.engine.put(Read(action.id, action.worker, [], [], 0.0, 0))
                    self._delivery.write_deferred(action.id, action.chunk.block)
                case Dispatch():
                    if self.knowing is not None:
                        action.chunk.known = self.knowing.of(action.chunk)
                    action.chunk.there = self._hearing.elsewhere.news(action.worker)
                    self.engine.dispatch(action.id, action.worker, action.chunk)
                case StartListing():
                    self._hearing.started(action.listing)
                    self.engine.start_listing(action.listing)
                case ReplaceWorker():
                    self.engine.replace(action.worker)

    def _second_wave(self) -> None:
        scheduler = self.scheduler
        if not scheduler.first_wave_over or not scheduler.deferred_open:
            return
        if scheduler.stopping is not None:
            return
        scheduler.second_wave(self._recording.second_wave(self._session))
        scheduler.handle(None, time.monotonic())

    def snapshot(self) -> Snapshot:
        """The run as it stands."""
        scheduler, totals = self.scheduler, self._hearing.totals
        return Snapshot(
            time.monotonic() - self._began,
            scheduler.ledger.types(),
            scheduler.in_flight,
            scheduler.plan.parallelism,
            self.engine.slowest()[:3],
            not scheduler.listings.idle,
            scheduler.sink_down.message if scheduler.sink_down else None,
            self.engine.about(),
            scheduler.deferred_open,
            scheduler.at_source,
            (totals.source - totals.waiting) / max(1, totals.described),
            totals.waiting,
            self.engine.limits(),
            scheduler.source_away.message if scheduler.source_away else None,
        )

    # --- the end ---

    def _held_back(self, stats: dict[str, float]) -> float:
        """Seconds that a CPU limit held threads of this process, or its workers, back."""
        here = cgroup.throttled() - self._throttled
        return max(0.0, here, stats.get("throttled_seconds", 0.0))

    def _stats(self) -> dict[str, float]:
        try:
            stats = self.engine.stats()
            self._limits = self.engine.limits()
        except RayingestError:
            stats = {}
        if self._delivery is not None and self._session is not None:
            stats["sink_seconds"] = stats.get("sink_seconds", 0.0) + self._delivery.seconds
            stats["sink_calls"] = float(self._session.calls)
        return stats

    def _report(self, started: datetime, stats: dict[str, float]) -> Report:
        now = datetime.now(UTC)
        directory, opened = self.directory, self.opened
        report = Report(
            run_id=directory.run_id if directory else "",
            state="failed",
            service=opened.settings.service,
            engine=self.engine.name,
            dry_run=self.dry_run,
            started_at=started.isoformat(timespec="milliseconds"),
            ended_at=now.isoformat(timespec="milliseconds"),
            limits=self._limits,
            stalls=self._stalls.found,
            crammed=len(self._hearing.crammed),
            throttled_seconds=self._held_back(stats),
            cpu_seconds=time.process_time() - self._cpu,
            peak_rss_bytes=peak_rss(),
            run_directory=directory.url if directory else "",
            attempt=directory.attempt if directory else 1,
        )
        self._recording.fill(report)
        closing = Closing(
            self.scheduler,
            self.bounds,
            self._hearing.totals,
            self._recording.errors,
            self.problem,
            self._recording.deleted,
            self._combiner.withheld,
            sink_concurrency=opened.sink.concurrency,
            max_connections=opened.connector.max_connections,
        )
        closing.fill(report, stats, time.monotonic() - self._began)
        self.problem = closing.problem
        self._recording.keep(report)
        return report


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Let the garbage collector run a hundred times less often; a tenth of a big run's CPU is its."""
    before = gc.get_threshold()
    gc.set_threshold(*RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)
