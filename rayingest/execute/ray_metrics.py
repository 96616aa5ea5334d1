"""Metrics of a run at Ray's Prometheus endpoint."""

from collections import Counter as Tally
from typing import Any

from rayingest.execute.snapshot import Snapshot


class Metrics:
    """Counters and gauges, fed by the driver from its ledger, so that a dead node loses none.

    `rayingest_entities_total{source,type,status}`; gauges per source: `rayingest_in_flight`,
    `rayingest_slots`, `rayingest_source_latency_seconds`, `rayingest_sink_wait_seconds`,
    `rayingest_sink_down`. Ray puts `ray_` before each name.
    """

    def __init__(self, source: str) -> None:
        from ray.util.metrics import Counter, Gauge

        self._source = {"source": source}
        self._entities: Any = Counter(
            "rayingest_entities_total",
            "Entities by type and end.",
            tag_keys=("source", "type", "status"),
        )
        self._in_flight: Any = Gauge(
            "rayingest_in_flight", "Chunks being read at the source.", tag_keys=("source",)
        )
        self._slots: Any = Gauge("rayingest_slots", "Parallelism.", tag_keys=("source",))
        self._latency: Any = Gauge(
            "rayingest_source_latency_seconds",
            "Mean time that the source took for an entity.",
            tag_keys=("source",),
        )
        self._waits: Any = Gauge(
            "rayingest_sink_wait_seconds",
            "Time that the source waited for room at the sink, all slots together.",
            tag_keys=("source",),
        )
        self._down: Any = Gauge(
            "rayingest_sink_down", "1 while the sink does not answer.", tag_keys=("source",)
        )
        self._told: Tally[tuple[str, str]] = Tally()

    def note(self, snapshot: Snapshot) -> None:
        """Bring everything up to date."""
        for kind, book in snapshot.types.items():
            for status, count in book.items():
                more = count - self._told[kind, status]
                if more > 0:
                    self._told[kind, status] = count
                    tags = self._source | {"type": kind, "status": status}
                    self._entities.inc(more, tags=tags)
        self._in_flight.set(snapshot.in_flight, tags=self._source)
        self._slots.set(snapshot.parallelism, tags=self._source)
        self._latency.set(snapshot.latency, tags=self._source)
        self._waits.set(snapshot.waiting, tags=self._source)
        self._down.set(snapshot.sink_down is not None, tags=self._source)
