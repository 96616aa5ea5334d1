"""What a driver needs of the place where workers live: this process, or Ray."""

import time
from collections.abc import Iterator
from typing import Protocol

from rayingest.core.source import DiscoverableSource, Listed
from rayingest.errors import Permanent, RayingestError
from rayingest.execute.events import Chunk, Event, Listing
from rayingest.execute.limits import LimitReport
from rayingest.execute.snapshot import Snapshot

# Allocations, and collections of the younger generations, between two garbage collections.
RARELY = (100_000, 50, 100)
BLOCK_ITEMS = 500
BLOCK_SECONDS = 0.1


class Engine(Protocol):
    """Starts workers and listings, carries chunks to them and events back."""

    name: str

    def start(self) -> None:
        """Make the place ready and start all workers; WorkerReady events follow."""
        ...

    def dispatch(self, dispatch: int, worker: int, chunk: Chunk) -> None:
        """Send a chunk; must not block."""
        ...

    def start_listing(self, listing: Listing) -> None:
        """Begin a listing; Found and ListingEnded events follow."""
        ...

    def replace(self, worker: int) -> None:
        """End a worker, if it still lives, and start another."""
        ...

    def hold_listings(self, hold: bool) -> None:
        """Stop or go on pulling from listings."""
        ...

    def put(self, event: Event) -> None:
        """Add an event from another thread of this process (the driver's own sink)."""
        ...

    def wait(self, timeout: float) -> list[Event]:
        """Events that came within `timeout` seconds; at least one unless it passed."""
        ...

    def cancel_listing(self, listing: Listing) -> None:
        """Give up a listing that no longer yields."""
        ...

    def note(self, snapshot: Snapshot) -> None:
        """See the run as it stands (metrics)."""
        ...

    def slowest(self) -> list[tuple[str, float]]:
        """What is being read now, (id, seconds), as far as known."""
        ...

    def stats(self) -> dict[str, float]:
        """Sums over workers: sink_seconds, sink_calls, cpu_seconds."""
        ...

    def limits(self) -> list[LimitReport]:
        """How the source's limits were used so far, as far as known."""
        ...

    def about(self) -> dict[str, str]:
        """Facts for people: version, dashboard link."""
        ...

    def stacks(self) -> dict[str, str]:
        """Where every thread that reads stands, for stall reports."""
        ...

    def close(self) -> None:
        """End everything that was started."""
        ...


def blocks(source: DiscoverableSource, listing: Listing) -> Iterator[list[Listed]]:
    """A listing's items in blocks: at once while they come slowly, by 500 when they come fast.

    What was yielded before a listing breaks off is handed over before its exception.
    """
    block: list[Listed] = []
    flushed = 0.0
    try:
        for item in source.discover_entities(listing.type, listing.scope):
            block.append(item)
            now = time.monotonic()
            if len(block) >= BLOCK_ITEMS or now - flushed >= BLOCK_SECONDS:
                yield block
                block, flushed = [], now
    except Exception:
        if block:
            yield block
        raise
    if block:
        yield block


def as_error(error: BaseException) -> RayingestError:
    """An exception that a listing raised, as one of ours."""
    if isinstance(error, RayingestError):
        return error
    return Permanent(f"{type(error).__name__}: {error}")
