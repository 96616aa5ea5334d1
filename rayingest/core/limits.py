"""What a vendor allows, as data: a named limiter per kind of call."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One documented limit of a source.

    `rate` is in calls per second, `burst` in calls, `max_concurrency` in calls at the same time;
    None is no limit. `scope` names what the limit is counted over (`account`, `workspace`),
    `where` selects the calls it holds for, `documented` is where the vendor says so.
    """

    name: str
    rate: float | None = None
    burst: int | None = None
    max_concurrency: int | None = None
    scope: str = "service"
    where: str = ""
    documented: str = ""
