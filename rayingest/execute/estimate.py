"""How long a run will take, and what it will cost: arithmetic on what a sample measured.

A run is as long as the slowest of what it does at the same time: waiting for the source on as many
slots as it may use, computing, waiting for the sink, keeping to rates; after a start that nothing
shortens. Chunks are as big as the engine would make them (`pools`).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev

import msgspec

from rayingest.core.limits import Limit
from rayingest.core.source import Batching
from rayingest.execute.pacing import HEADROOM
from rayingest.execute.pools import Sizer

MODEL = 0.2  # how far off the arithmetic itself was, relative, in benchmarks/estimate.py
SENDING = (
    0.00017  # CPU seconds to send a row to a server, which a sample does not do; measured there
)
FEW = 3  # chunks are the least that show a spread
WIDE = 0.5  # the spread of what was measured less often


@dataclass(frozen=True, slots=True)
class Cost:
    """What a chunk costs, and each descriptor in it; `error` is relative, of one standard deviation."""

    per_chunk: float = 0.0
    per_entity: float = 0.0
    error: float = 0.0

    def of(self, count: int, chunks: int) -> float:
        """What so many cost in so many chunks."""
        return self.per_chunk * chunks + self.per_entity * count


def fit(points: Sequence[tuple[int, float]], *, batched: bool) -> Cost:
    """Least squares of cost over size of chunk, neither part below zero.

    Chunks of one size show nothing of that: what is `batched` costs by chunk, all else by entity.
    """
    if not points:
        return Cost()
    sizes, costs = [size for size, _ in points], [cost for _, cost in points]
    total = sum(costs) / sum(sizes)
    middle = mean(sizes)
    spread = sum((size - middle) ** 2 for size in sizes)
    if not spread:
        each = [cost / size for size, cost in points]
        error = _error(each)
        return Cost(mean(costs), 0.0, error) if batched else Cost(0.0, total, error)
    slope = sum((size - middle) * cost for size, cost in points) / spread
    slope = max(0.0, slope)
    start = mean(costs) - slope * middle
    if start < 0:
        start, slope = 0.0, total
    fitted = [start + slope * size for size in sizes]
    residuals = [(cost - guess) / guess for cost, guess in zip(costs, fitted, strict=True) if guess]
    rough = math.sqrt(mean(each * each for each in residuals)) if residuals else 0.0
    return Cost(start, slope, rough if len(points) >= FEW else max(rough, WIDE))


def _error(values: Sequence[float]) -> float:
    """The relative standard error of a mean."""
    if len(values) < FEW:
        return WIDE
    middle = mean(values)
    return stdev(values) / math.sqrt(len(values)) / middle if middle else 0.0


def share(hits: int, tries: int) -> tuple[float, float, float]:
    """A share, and its 95 % interval after Wilson."""
    if not tries:
        return 0.5, 0.0, 1.0
    z = 1.96
    rate = hits / tries
    centre = (rate + z * z / (2 * tries)) / (1 + z * z / tries)
    half = z * math.sqrt(rate * (1 - rate) / tries + z * z / (4 * tries**2)) / (1 + z * z / tries)
    return rate, max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """All descriptors of one type: how many, in what chunks, at what cost; rows that will be written."""

    count: int
    batching: Batching
    seconds: Cost
    cpu: Cost
    calls: Cost
    rows: float

    def chunks(self, slots: int) -> list[int]:
        """The sizes of all chunks, as the engine cuts them."""
        sizer, left, sizes = Sizer(self.batching), self.count, list[int]()
        while left:
            size = sizer.cut(left, slots)
            sizer.measured(size, self.seconds.of(size, 1))
            sizes.append(size)
            left -= size
        return sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a run stands on besides its work. Seconds.

    `start`: until the first chunk can be described; `discovery`, its CPU and its calls; `sink_row` is
    what a row cost at the sink in an earlier run, `sink_cpu` what sending one costs here; `sink_calls`
    are those before the first write; `shares` which part of the calls a limit holds for, where that is known.
    """

    start: float = 0.0
    discovery: float = 0.0
    discovery_cpu: float = 0.0
    discovery_calls: int = 0
    limits: tuple[Limit, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    sink_calls: int = 0
    sink_row: float = 0.0
    sink_cpu: float = 0.0
    sink_rows: int = 1000
    sink_concurrency: int = 1


class Estimate(msgspec.Struct, rename="camel", kw_only=True):
    """A run at one parallelism. Seconds of wall time with an interval; `bound` is what sets the pace.

    `vcpu_hours` are those reserved: one for the driver, and one for each actor on Ray.
    """

    parallelism: int
    seconds: float
    low: float
    high: float
    source_calls: int
    sink_calls: int
    cpu_seconds: float
    vcpu_hours: float
    bound: str


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a run happens: slots that describe, processes that compute."""

    parallelism: int
    slots: int
    processes: int = 1
    vcpus: int = 1


def estimate(works: Iterable[Work], ground: Ground, shape: Shape) -> Estimate:
    """A run of this work at this parallelism."""
    works = [each for each in works if each.count]
    slots = shape.slots
    sizes = [each.chunks(slots) for each in works]
    pairs = [(each, len(of)) for each, of in zip(works, sizes, strict=True)]
    waiting = [each.seconds.of(each.count, number) for each, number in pairs]
    busy = sum(waiting)
    longest = max(
        (each.seconds.of(max(of), 1) for each, of in zip(works, sizes, strict=True)), default=0.0
    )
    cpu = ground.discovery_cpu + sum(each.cpu.of(each.count, number) for each, number in pairs)
    rows = sum(each.rows for each in works)
    cpu += rows * ground.sink_cpu
    calls = sum(each.calls.of(each.count, number) for each, number in pairs)
    writes = sum(math.ceil(each.rows / ground.sink_rows) for each in works)
    # When the last chunk is handed out the others are, on average, half done.
    paces = {
        "the source": max(
            busy / max(1, slots) + longest / 2 * (sum(map(len, sizes)) > slots), longest
        ),
        "computing": cpu / max(1, shape.processes),
        "the sink": rows * ground.sink_row / max(1, ground.sink_concurrency),
        "discovery": ground.discovery,
    }
    for each in ground.limits:
        if each.rate:
            under = calls * ground.shares.get(each.name, 1.0)
            paces[f"the limit {each.name}"] = under / (each.rate * HEADROOM)
    bound = max(paces, key=lambda name: paces[name])
    seconds = ground.start + paces[bound]
    weights = [each.seconds.error * part for each, part in zip(works, waiting, strict=True)]
    sampled = sum(weights) / busy if busy and bound == "the source" else 0.0
    if bound == "computing":
        sampled = max((each.cpu.error for each in works), default=0.0)
    off = math.hypot(2 * sampled, MODEL)
    return Estimate(
        parallelism=shape.parallelism,
        seconds=seconds,
        low=seconds / (1 + off),
        high=seconds * (1 + off),
        source_calls=round(ground.discovery_calls + calls),
        sink_calls=ground.sink_calls + writes,
        cpu_seconds=cpu,
        vcpu_hours=seconds * shape.vcpus / 3600,
        bound=bound,
    )
