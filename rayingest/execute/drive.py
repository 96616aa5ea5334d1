"""Drive a run: events from an engine into the scheduler, its actions back, everything recorded."""

import contextlib
import gc
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from rayingest.core.sink import Placement, SinkSession
from rayingest.errors import RayingestError, TimedOut
from rayingest.execute import cgroup
from rayingest.execute.bounding import Bounding, Bounds
from rayingest.execute.closing import Closing, Totals, peak_rss
from rayingest.execute.combine import Combiner
from rayingest.execute.deletion import Deleting, delete
from rayingest.execute.delivery import Delivery, Ticket
from rayingest.execute.elsewhere import Elsewhere
from rayingest.execute.engine import RARELY, Engine
from rayingest.execute.events import (
    Dispatch,
    Event,
    Found,
    Listing,
    ListingEnded,
    Read,
    ReplaceWorker,
    Settled,
    StartListing,
    Why,
    WorkerLost,
    WorkerReady,
    why,
)
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
        self.totals = Totals()
        self.problem: Why | None = None
        self._observe = observe or (lambda _: None)
        self._log = log or (lambda _level, _text: None)
        self._combiner = Combiner.of(opened.connector)
        self._recording = Recording(scheduler, directory, opened.settings.service, self._combiner)
        self._delivery: Delivery | None = None
        self._session: SinkSession | None = None
        self._bounding = Bounding(bounds, scheduler, self._log)
        self._stalls = Stalls(engine, directory, self._log, bounds.stall)
        self._elsewhere = Elsewhere(scheduler.plan.types)
        self._crammed: set[int] = set()  # workers that had too little memory
        self._observed = 0.0
        self._heard: dict[Listing, float] = {}
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
        self._began = self._bounding.began = time.monotonic()
        self._cpu = time.process_time()
        self._throttled = cgroup.throttled()
        try:
            with self.opened.sink.open(dry_run=self.dry_run) as self._session:
                self._start_delivery()
                try:
                    if self.memory is not None:
                        self._recording.remember(self.memory, self._session)
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
                self._hear(event)
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
            if self._bounding.passed(now, ready=self.totals.startup is not None):
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
        waits = scheduler.sink_down.message if scheduler.sink_down else None
        waits = waits or next((each.name for each in self.engine.limits() if each.waiting), None)
        self._stalls.look(now, in_flight=busy, waits=waits)

    def _show(self) -> None:
        snapshot = self.snapshot()
        self._observe(snapshot)
        self.engine.note(snapshot)

    def _patience(self) -> float:
        due = self.scheduler.due()
        return 0.25 if due is None else min(0.25, max(0.005, due - time.monotonic()))

    def _hear(self, event: Event) -> None:
        if isinstance(event, WorkerReady):
            if self.totals.startup is None:
                self.totals.startup = time.monotonic() - self._began
        elif isinstance(event, Read):
            self._hear_read(event)
        elif isinstance(event, Settled):
            self._elsewhere.wrote(event)
        elif isinstance(event, Found):
            if event.listing in self._heard:
                self._heard[event.listing] = time.monotonic()
        elif isinstance(event, ListingEnded):
            self._heard.pop(event.listing, None)
            self._tell_ended(event)
        elif isinstance(event, WorkerLost):
            self._log(
                "warning",
                f"Worker {event.worker} is gone ({event.why or 'no reason given'}); another takes its place.",
            )

    def _hear_read(self, event: Read) -> None:
        self.totals.source += event.seconds
        self.totals.waiting += event.waited
        self.totals.held_back += event.held_back
        self.totals.described += sum(event.emitted.values()) + len(event.ended)
        self.totals.calls += event.calls
        if event.full:
            self._crowded_out(event)
        for part in event.parts:
            self._combiner.take(part)
            self._recording.part(part)

    def _crowded_out(self, event: Read) -> None:
        """A worker holds more memory than it may; the scheduler makes chunks smaller, and replaces it."""
        if event.worker in self._crammed:
            return
        self._crammed.add(event.worker)
        then = "it is replaced when it is done" if self.scheduler.plan.replaceable else "it goes on"
        self._log(
            "warning",
            f"Worker {event.worker} holds {event.memory / 1e6:,.0f} MB of memory, more than its part:"
            f" {then}, and chunks are smaller from now on.",
        )

    def _tell_ended(self, event: ListingEnded) -> None:
        where = event.listing.scope or "the source"
        if event.error is not None:
            self._log("warning", f"Listing {event.listing.type.value} in {where}: {event.error}")
        elif event.lost:
            self._log(
                "warning", f"The process that listed {event.listing.type.value} in {where} died."
            )

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
        """A listing that yields nothing for the time of a call is given up; it may be tried again."""
        patience = self.opened.settings.call_timeout
        if self.scheduler.crowded:
            self._heard = {each: max(heard, now) for each, heard in self._heard.items()}
        for listing in [each for each, heard in self._heard.items() if now - heard > patience]:
            self.engine.cancel_listing(listing)
            error = TimedOut(f"the listing yielded nothing for {patience:.0f} s")
            event = ListingEnded(listing, error, False, patience)
            self._hear(event)
            self.scheduler.handle(event, now)

    def _deliver(self, event: Read) -> Ticket | None:
        if self._delivery is None or not event.rows:
            return None
        ticket = self._delivery.begin(event.dispatch)
        for each in event.rows:
            self._delivery.add(ticket, each.id, each.rows, each.done, each.cause)
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
                    action.chunk.there = self._elsewhere.news(action.worker)
                    self.engine.dispatch(action.id, action.worker, action.chunk)
                case StartListing():
                    self._heard[action.listing] = math.inf  # until it has a place to run
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
        scheduler = self.scheduler
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
            (self.totals.source - self.totals.waiting) / max(1, self.totals.described),
            self.totals.waiting,
            self.engine.limits(),
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
            crammed=len(self._crammed),
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
            self.totals,
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
