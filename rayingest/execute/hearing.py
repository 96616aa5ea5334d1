"""What a driver hears from its engine, besides what the scheduler makes of it: sums, words to the user."""

import math
import time
from collections.abc import Callable, Iterator

from rayingest.errors import TimedOut
from rayingest.execute.closing import Totals
from rayingest.execute.combine import Combiner
from rayingest.execute.elsewhere import Elsewhere
from rayingest.execute.events import (
    Event,
    Found,
    Listing,
    ListingEnded,
    Read,
    Settled,
    WorkerLost,
    WorkerReady,
)
from rayingest.execute.recording import Recording
from rayingest.execute.scheduler import Scheduler


class Hearing:
    """Takes each event before the scheduler does; `began` is when the run did, in `time.monotonic`."""

    def __init__(
        self,
        scheduler: Scheduler,
        recording: Recording,
        combiner: Combiner,
        log: Callable[[str, str], None],
    ) -> None:
        self.totals = Totals()
        self.elsewhere = Elsewhere(scheduler.plan.types)
        self.crammed: set[int] = set()  # workers that had too little memory
        self.began = 0.0
        self._scheduler, self._recording, self._combiner = scheduler, recording, combiner
        self._log = log
        self._heard: dict[Listing, float] = {}

    def hear(self, event: Event) -> None:
        """Note what an event tells."""
        if isinstance(event, WorkerReady):
            if self.totals.startup is None:
                self.totals.startup = time.monotonic() - self.began
        elif isinstance(event, Read):
            self._read(event)
        elif isinstance(event, Settled):
            self.elsewhere.wrote(event)
        elif isinstance(event, Found):
            if event.listing in self._heard:
                self._heard[event.listing] = time.monotonic()
        elif isinstance(event, ListingEnded):
            self._heard.pop(event.listing, None)
            self._ended(event)
        elif isinstance(event, WorkerLost):
            self._log(
                "warning",
                f"Worker {event.worker} is gone ({event.why or 'no reason given'}); another takes its place.",
            )

    def _read(self, event: Read) -> None:
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
        if event.worker in self.crammed:
            return
        self.crammed.add(event.worker)
        replaced = self._scheduler.plan.replaceable
        then = "it is replaced when it is done" if replaced else "it goes on"
        self._log(
            "warning",
            f"Worker {event.worker} holds {event.memory / 1e6:,.0f} MB of memory, more than its part:"
            f" {then}, and chunks are smaller from now on.",
        )

    def _ended(self, event: ListingEnded) -> None:
        where = event.listing.scope or "the source"
        if event.error is not None:
            self._log("warning", f"Listing {event.listing.type.value} in {where}: {event.error}")
        elif event.lost:
            self._log(
                "warning", f"The process that listed {event.listing.type.value} in {where} died."
            )

    # --- listings that say nothing ---

    def started(self, listing: Listing) -> None:
        """A listing was handed out; its time counts from its first word: it may wait for a place."""
        self._heard[listing] = math.inf

    def silent(self, now: float, patience: float) -> Iterator[ListingEnded]:
        """The end of each listing that yielded nothing for `patience` seconds; it may be tried again."""
        if self._scheduler.crowded:
            self._heard = {each: max(heard, now) for each, heard in self._heard.items()}
        for listing in [each for each, heard in self._heard.items() if now - heard > patience]:
            error = TimedOut(f"the listing yielded nothing for {patience:.0f} s")
            yield ListingEnded(listing, error, False, patience)
