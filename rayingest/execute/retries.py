"""What is asked for once more, and when: what failed for now, what the source works on, listings that broke off."""

import heapq
from collections import Counter
from collections.abc import Iterator
from itertools import count

from rayingest.core.source import EntityDescriptor
from rayingest.execute.events import Listing, Why
from rayingest.execute.plan import RetryPolicy
from rayingest.execute.presence import Presence, nobody
from rayingest.model import EntityType

SOONEST = 0.05  # seconds; who says 0 means soon


class Retries:
    """Times are seconds of the scheduler's clock."""

    def __init__(self, policy: RetryPolicy, presence: Presence) -> None:
        self._policy = policy
        self._presence = presence
        # With True those that found nobody: they are counted by themselves.
        self._attempts: Counter[tuple[EntityType, str, bool]] = Counter()
        self._items: list[tuple[float, int, bool, EntityDescriptor]] = []
        self._listings: list[tuple[float, int, Listing]] = []
        self._order = count()
        self._pending: dict[tuple[EntityType, str], float] = {}  # since when the source works on it

    def __bool__(self) -> bool:
        """Whether anything waits for its time."""
        return bool(self._items or self._listings)

    def due(self) -> Iterator[float]:
        """When the next of each kind is due."""
        if self._presence.away is not None:
            yield self._presence.probe_at
        if self._items:
            yield self._items[0][0]
        if self._listings:
            yield self._listings[0][0]

    def again(self, item: EntityDescriptor, cause: Why | None, now: float, *, alone: bool) -> bool:
        """Later once more, or False: that was the last attempt.

        The last attempt is made alone, so that nobody fails for a neighbour. A server that is gone
        is no entity's fault: nobody is asked for alone, with a time-out for each, and while it is
        `away` nobody's attempts are counted.
        """
        gone = nobody(cause)
        if gone and self._presence.away is not None:
            due = self._presence.probe_at
            heapq.heappush(self._items, (due, next(self._order), False, item))
            return True
        key = item.type, item.id, gone
        attempt = self._attempts[key] + 1
        if attempt >= self._policy.max_attempts and (alone or gone):
            return False
        self._attempts[key] = attempt
        due = now + self._policy.delay(attempt, cause.wait if cause else None)
        last = attempt + 1 >= self._policy.max_attempts and not gone
        heapq.heappush(self._items, (due, next(self._order), last, item))
        return True

    def later(self, item: EntityDescriptor, wait: float, now: float, *, most: float) -> bool:
        """The source works on it: once more in `wait` seconds, or False: it has done so for `most`."""
        key = item.type, item.id
        since = self._pending.setdefault(key, now)
        if now - since >= most:
            return False
        due = now + max(SOONEST, wait)
        heapq.heappush(self._items, (due, next(self._order), False, item))
        return True

    def is_pending(self, item: EntityDescriptor) -> bool:
        """Whether the source worked on it when it was asked for last."""
        return (item.type, item.id) in self._pending

    @property
    def pending(self) -> int:
        """How many the source works on."""
        return len(self._pending)

    def attempts(self, item: EntityDescriptor) -> int:
        """How often it was asked for before its end, which is now."""
        if self._pending:
            self._pending.pop((item.type, item.id), None)
        if not self._attempts:
            return 0
        return sum(self._attempts.pop((item.type, item.id, gone), 0) for gone in (False, True))

    def list_again(self, listing: Listing, due: float) -> None:
        """Start a listing once more, then."""
        heapq.heappush(self._listings, (due, next(self._order), listing))

    def items_due(self, now: float) -> Iterator[tuple[EntityDescriptor, bool]]:
        """Whose time has come, and whether it is asked for alone."""
        while self._items and self._items[0][0] <= now:
            _, _, alone, item = heapq.heappop(self._items)
            yield item, alone

    def listings_due(self, now: float) -> Iterator[Listing]:
        """Listings whose time has come."""
        while self._listings and self._listings[0][0] <= now:
            yield heapq.heappop(self._listings)[2]
