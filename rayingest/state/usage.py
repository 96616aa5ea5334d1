"""How often something was used on a day, out of the totals that a tool tells.

With each thing is kept the total that was told last, its day, and what was sent for that day. What
is sent for a day is all of that day: sent twice, it counts once. Where a total is the first, has
fallen, or counts something else, nobody knows since when: it is only kept, and on that day nothing is
sent (an earlier state may have sent more), so that the next day's count begins with it.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Told:
    """A total, the day it was kept on, and the `count` sent for that day; None: nothing was sent."""

    day: date
    total: int
    count: int | None = None
    basis: str = ""

    def __str__(self) -> str:
        """As the state keeps it."""
        count = "-" if self.count is None else self.count
        return f"{self.day.isoformat()} {self.total} {count} {self.basis}".rstrip()

    @classmethod
    def read(cls, kept: str) -> "Told | None":
        """What the state has kept; None for what says nothing."""
        day, _, rest = kept.partition(" ")
        total, _, rest = rest.partition(" ")
        count, _, basis = rest.partition(" ")
        try:
            sent = None if count == "-" else int(count)
            return cls(date.fromisoformat(day), int(total), sent, basis)
        except ValueError:
            return None

    def sends(self, before: "Told | None") -> bool:
        """Whether something is to be sent that was not sent `before`."""
        return self.count is not None and (
            before is None or (before.day, before.count) != (self.day, self.count)
        )


def counted(before: Told | None, day: date, total: int, basis: str = "") -> Told:
    """What is to be kept of a total of this day, and to be sent for it (see `Told.sends`)."""
    if before is None or basis != before.basis:
        return Told(day, total, None, basis)
    # What is as it was is not kept anew, so that the state stays as it is, too.
    if total == before.total or day < before.day:
        return before
    more = total - before.total
    if day == before.day:
        if before.count is None:
            return before if more > 0 else Told(day, total, None, basis)
        return Told(day, total, before.count + max(more, 0), basis)
    return Told(day, total, more if more > 0 else None, basis)
