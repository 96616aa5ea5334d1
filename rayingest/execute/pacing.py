"""The arithmetic of limits; nothing here touches a clock.

Pace: a virtual schedule as in the Generic Cell Rate Algorithm (ITU-T I.371), at 0.95 of the rate.
Window: additive increase and multiplicative decrease after RFC 5681, on refusals and time-outs, and
on latency against the tenth percentile of the medians that the same route had lately; TCP Vegas takes
the lowest, but with few answers to a median the lowest may be chance.
"""

import math
from collections import deque
from collections.abc import Iterable
from statistics import median

HEADROOM = 0.95  # of a rate: clocks and networks are not exact
LEASE = 0.1  # seconds of a rate that a worker may hold
SOON = 0.001  # seconds: nobody asks more often
FIRST = 2  # calls at once with which an adaptive limit begins
FEW = 4  # answers are the least to learn from
EPOCHS = 200  # medians of a route that are remembered
SLOWER = 1.4  # of a route's usual median: the server is crowded
WORSE = 0.7  # what is left of a window after a refusal


class Pace:
    """When calls may be made: at most `rate` a second, and a few at once after a rest."""

    def __init__(self, rate: float, burst: int | None, now: float) -> None:
        self.spacing = 1 / (rate * HEADROOM)
        self.lease = max(1, int(rate * HEADROOM * LEASE))
        # Half of the burst is left to calls that are late on their way.
        self._credit = max(0.0, (burst or 1) / 2 - 1) * self.spacing
        self._next = now

    def take(self, wanted: int, least: int, now: float) -> tuple[int, float, float]:
        """Permits, seconds until the first of them, and, without any, seconds until it is worth asking.

        The first was due before now when the seconds are below zero: a burst after a rest. Nobody
        takes less than `least`, so that many workers do not ask for one at a time.
        """
        self._next = max(self._next, now - self._credit)
        free = math.floor((now + LEASE - self._next) / self.spacing) + 1
        least = min(wanted, least)
        if free < least:
            due = self._next + (least - 1) * self.spacing - LEASE
            return 0, 0.0, max(SOON, due - now)
        taken = min(wanted, free, self.lease)
        first = self._next - now
        self._next += taken * self.spacing
        return taken, first, 0.0

    def pause(self, until: float) -> None:
        """Nobody calls before then."""
        self._next = max(self._next, until)


class Window:
    """How many calls may be under way at once, as the server's answers suggest; at most `cap`."""

    def __init__(self, cap: float, *, adaptive: bool) -> None:
        self._cap, self._adaptive = cap, adaptive
        self.size = min(cap, FIRST) if adaptive else cap
        self._rising = True
        self._medians: dict[str, deque[float]] = {}
        self._epoch: dict[str, list[float]] = {}
        self._count = 0
        self._busiest = 0
        self._stale = 0  # answers that were on their way when the window shrank
        self._refused = False
        self._hoped = math.inf  # slowness that the last shrinking should have brought

    def told(self, done: Iterable[tuple[str, float]], refused: int, in_use: int) -> None:
        """Learn from answers: routes and seconds; refusals; how many were under way."""
        if not self._adaptive:
            return
        self._busiest = max(self._busiest, in_use)
        late = min(self._stale, refused)
        self._stale -= late
        self._refused = self._refused or refused > late
        for route, seconds in done:
            if self._stale:
                self._stale -= 1
                continue
            self._epoch.setdefault(route, []).append(seconds)
            self._count += 1
        if self._refused or self._count >= max(FEW, int(self.size)):
            self._close()

    def _close(self) -> None:
        ratio = self._slowness()
        if not self._refused and ratio > max(SLOWER, self._hoped):
            # Fewer calls did not make it quicker: it is not our crowd that slows the server.
            for route in self._epoch:
                del self._medians[route]
            ratio = self._slowness()
        self._hoped = math.inf
        if self._refused or ratio > SLOWER:
            kept = WORSE if self._refused else max(0.5, min(0.9, 1 / ratio + 0.2))
            if not self._refused:
                self._hoped = ratio * (1 + kept) / 2
            self.size = max(1.0, self.size * kept)
            self._rising = False
            self._stale = self._busiest
        elif self._busiest >= int(self.size) * 0.9:
            # Twice as many while nothing speaks against it, then a twentieth at a time.
            grown = (
                self.size * 2
                if self._rising and ratio < (1 + SLOWER) / 2
                else self.size + max(1.0, self.size / 20)
            )
            self.size = min(self._cap, grown)
        self._epoch, self._count, self._busiest, self._refused = {}, 0, 0, False

    def _slowness(self) -> float:
        """The epoch's medians against what was usual on their routes, weighted by calls."""
        ratios: list[float] = []
        for route, seconds in self._epoch.items():
            now = max(median(seconds), 1e-6)
            known = self._medians.setdefault(route, deque(maxlen=EPOCHS))
            known.append(now)
            usual = sorted(known)[len(known) // 10]
            ratios += [now / usual] * len(seconds)
        return median(ratios) if ratios else 1.0
