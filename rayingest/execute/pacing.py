"""The arithmetic of limits; nothing here touches a clock.

Pace: a virtual schedule as in the Generic Cell Rate Algorithm (ITU-T I.371), at 0.95 of the rate.
Window: additive increase and multiplicative decrease after RFC 5681, on refusals and time-outs, and
on latency, as TCP Vegas does: against what the same route took while the window rose. That is learnt
anew only when fewer calls did not make it quicker: what is learnt under way drifts with the crowd.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from statistics import median

HEADROOM = 0.95  # of a rate: clocks and networks are not exact
LEASE = 0.1  # seconds of a rate that a worker may hold
SOON = 0.001  # seconds: nobody asks more often
TINY = 1e-6  # seconds: no answer is quicker
FIRST = 2  # calls at once with which an adaptive limit begins
FEW = 4  # answers are the least to learn from
ENOUGH = 50  # answers of a route tell what is usual, and more are taken only while the window rises
KNOWN = 200  # answers of a route that are remembered
UNTOUCHED = 1.2  # of the usual seconds at most: the server does not feel the calls
SLOWER = 1.4  # of the usual seconds: the server is crowded
WORSE = 0.7  # what is left of a window after that, or after a refusal
CALM = 8  # epochs of growing by little in which nothing speaks against it


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
        self._usual = Usual()
        self._epoch: list[tuple[str, float]] = []
        self._busiest = 0
        self._stale = 0  # answers on their way, to calls made under another window
        self._refused = False
        self._calm = 0
        self._shrunk: tuple[float, float] | None = None  # size and slowness before it began

    def told(self, done: Iterable[tuple[str, float]], refused: int, in_use: int) -> None:
        """Learn from answers: routes and seconds; refusals; how many were under way."""
        if not self._adaptive:
            return
        self._busiest = max(self._busiest, in_use)
        late = min(self._stale, refused)
        self._stale -= late
        self._refused = self._refused or refused > late
        for each in done:
            if self._stale:
                self._stale -= 1
            else:
                self._epoch.append(each)
        if self._refused or len(self._epoch) >= max(FEW, int(self.size)):
            self._close()

    def _close(self) -> None:
        ratio = self._usual.slowness(self._epoch)
        if not self._refused and ratio > SLOWER and self._in_vain(ratio):
            # It is not our crowd that slows the server: what is usual now is learnt from here on.
            self._usual = Usual()
            self._rising, ratio = True, 1.0
        if self._refused or ratio > SLOWER:
            self._shrink(ratio)
        else:
            self._grow(ratio)
        self._epoch, self._busiest, self._refused = [], 0, False

    def _in_vain(self, ratio: float) -> bool:
        """Whether half as many calls did not make it any quicker."""
        if self._shrunk is None:
            return False
        size, worst = self._shrunk
        if self.size > max(1.0, size / 2):
            return False
        self._shrunk = self.size, ratio
        return ratio > worst * 0.85

    def _shrink(self, ratio: float) -> None:
        self._shrunk = None if self._refused else self._shrunk or (self.size, ratio)
        self.size = max(1.0, self.size * WORSE)
        self._rising, self._calm = False, 0
        self._stale = self._busiest

    def _grow(self, ratio: float) -> None:
        """Twice as many while nothing speaks against it, then a twentieth, near the crowd hardly."""
        self._shrunk = None
        self._usual.learn(self._epoch, ratio, rising=self._rising)
        if self._busiest < int(self.size) * 0.9:
            return
        self._calm = self._calm + 1 if ratio < (1 + UNTOUCHED) / 2 else 0
        self._rising = ratio < UNTOUCHED and (self._rising or self._calm > CALM)
        if self._rising:
            self._stale = self._busiest if self.size < self._cap else 0
            self.size *= 2
        elif ratio < UNTOUCHED:
            self.size += max(1.0, self.size / 20)
        elif ratio < (UNTOUCHED + SLOWER) / 2:
            self.size += 1
        self.size = min(self._cap, self.size)


class Usual:
    """What answers take, by route, while the server does not feel our calls."""

    def __init__(self) -> None:
        self._known: dict[str, deque[float]] = {}
        self._medians: dict[str, float] = {}

    def slowness(self, answers: Sequence[tuple[str, float]]) -> float:
        """The median answer as a multiple of its route's usual one, as low as chance may make it seem.

        One standard error of a median off, which is 1.25 standard deviations over the root of their
        number; deviations after the median absolute one, of logarithms, as times are skewed.
        """
        if not answers:
            return 1.0
        logs = [
            math.log(max(seconds, TINY) / self._medians.get(route, max(seconds, TINY)))
            for route, seconds in answers
        ]
        middle = median(logs)
        deviation = 1.4826 * median(abs(each - middle) for each in logs)
        error = 1.25 * deviation / math.sqrt(len(logs))
        return math.exp(max(middle - error, min(middle, 0.0)))

    def learn(self, answers: Sequence[tuple[str, float]], ratio: float, *, rising: bool) -> None:
        """Remember answers of a server that is not crowded, of a new route, or of a quicker server."""
        quiet = (rising and ratio < UNTOUCHED) or ratio < 1 / SLOWER
        changed = set()
        for route, seconds in answers:
            known = self._known.setdefault(route, deque(maxlen=KNOWN))
            if quiet or len(known) < ENOUGH:
                known.append(max(seconds, TINY))
                changed.add(route)
        for route in changed:
            self._medians[route] = median(self._known[route])
