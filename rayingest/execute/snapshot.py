"""A run as it stands, for displays, metrics and progress reports."""

from dataclasses import dataclass, field

from rayingest.execute.limits import LimitReport


@dataclass
class Snapshot:
    """The run as it stands, for displays; the source works on `at_source` descriptors."""

    elapsed: float
    types: dict[str, dict[str, int]]
    in_flight: int
    parallelism: int
    slowest: list[tuple[str, float]]
    listing: bool
    sink_down: str | None
    about: dict[str, str]
    second_wave: int = 0
    at_source: int = 0
    latency: float = 0.0
    waiting: float = 0.0
    limits: list[LimitReport] = field(default_factory=list)
    source_away: str | None = None
