"""Listings on Ray: each is a task that streams blocks, held back when nobody takes them."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from rayingest.execute.carrying import unpack
from rayingest.execute.events import Event, Listing, ListingEnded
from rayingest.execute.ray_actor import list_in_task
from rayingest.workflows.stage import WorkerTask

BACKPRESSURE_BLOCKS = 4


class RayListings:
    """The generators of listings that run; `left` hears the name of one whose process is gone."""

    def __init__(self, ray: Any, left: Callable[[str], None]) -> None:
        self._ray, self._left = ray, left
        self._running: dict[Any, Listing] = {}

    def __iter__(self) -> Iterator[Any]:
        """What to wait for."""
        return iter(self._running)

    def __contains__(self, generator: object) -> bool:
        """Whether this is one of them."""
        return generator in self._running

    def start(self, listing: Listing, task: WorkerTask, context: Any, hub: Any) -> None:
        """Begin one."""
        lister = self._ray.remote(list_in_task).options(
            name=f"rayingest listing {listing.type.value} {listing.scope or ''}".strip(),
            num_returns="streaming",
            num_cpus=0.05,
            max_retries=0,
            _generator_backpressure_num_objects=BACKPRESSURE_BLOCKS,
        )
        task = replace(task, context=None)
        self._running[lister.remote(task, context, listing, hub, _name(listing))] = listing

    def take(self, generator: Any) -> Event:
        """The next block of one that is ready, or its end."""
        listing = self._running[generator]
        try:
            event: Event = unpack(self._ray.get(next(generator)))
        except StopIteration:
            event = ListingEnded(listing, None, True)
        except self._ray.exceptions.RayError:
            self._left(_name(listing))
            event = ListingEnded(listing, None, True)
        if isinstance(event, ListingEnded):
            del self._running[generator]
        return event

    def cancel(self, listing: Listing) -> None:
        """End one, wherever it is."""
        for generator in [each for each, known in self._running.items() if known == listing]:
            del self._running[generator]
            self._left(_name(listing))
            self._end(generator)

    def close(self) -> None:
        """End all."""
        for generator in self._running:
            self._end(generator)
        self._running.clear()

    def _end(self, generator: Any) -> None:
        with contextlib.suppress(Exception):
            self._ray.cancel(generator, force=True)


def _name(listing: Listing) -> str:
    return f"listing {listing.type.value} {listing.scope or ''} {listing.number}"
