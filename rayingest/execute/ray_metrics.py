"""Metrics of a run at Ray's Prometheus endpoint."""

from collections import Counter as Tally
from typing import Any

from rayingest.execute.snapshot import Snapshot


class Metrics:
    """Counters and gauges, fed by the driver from its ledger, so that a dead node loses none.

    `rayingest_entities_total{source,type,status}`, `rayingest_in_flight{source}`,
    `rayingest_source_seconds_total`, `rayingest_sink_wait_seconds_total`, `rayingest_chunk_seconds`.
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
        self._waiting: Any = Gauge(
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
        self._waiting.set(snapshot.sink_down is not None, tags=self._source)
