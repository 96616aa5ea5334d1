"""Tell OpenMetadata about a run that belongs to one of its ingestion pipelines."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

from rayingest.config import Config
from rayingest.execute.report import Report
from rayingest.execute.snapshot import Snapshot
from rayingest.sinks.openmetadata.client import Client
from rayingest.sinks.openmetadata.reporting import (
    State,
    UpdateType,
    report_pipeline_status,
    report_progress,
)
from rayingest.sinks.openmetadata.settings import server

EVERY = 5.0  # seconds between two progress reports
STATES: dict[str, State] = {
    "success": "success",
    "partialSuccess": "partialSuccess",
    "failed": "failed",
    "stopped": "stopped",
    "stalled": "failed",
}


class PipelineReporter:
    """Sends state and progress from a thread of its own; the run never waits for it."""

    def __init__(self, config: Config, client: Client, run_id: str) -> None:
        self.fqn = config.ingestion_pipeline_fqn or ""
        self.client = client
        self.run_id = run_id
        self.started = time.time()
        self._newest: Snapshot | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._report, name="pipeline", daemon=True)
        self._thread.start()

    def observe(self, snapshot: Snapshot) -> None:
        """Remember the newest snapshot."""
        self._newest = snapshot

    def _report(self) -> None:
        report_pipeline_status(self.client, self.fqn, self.run_id, "running", start=self.started)
        while not self._over.wait(EVERY):
            self._progress()

    def _progress(self) -> None:
        snapshot = self._newest
        if snapshot is not None:
            counters = {
                kind: (_done(book), book["discovered"]) for kind, book in snapshot.types.items()
            }
            kind: UpdateType = "DISCOVERY" if snapshot.listing else "PROCESSING"
            report_progress(
                self.client,
                self.fqn,
                self.run_id,
                kind,
                now=time.time(),
                counters=counters,
            )

    def finish(self, report: Report) -> None:
        """Say how it ended, with both books as one step each."""
        self._over.set()
        self._thread.join(timeout=10)
        counters = {kind: (_done(book), book["discovered"]) for kind, book in report.types.items()}
        report_progress(
            self.client,
            self.fqn,
            self.run_id,
            "PIPELINE_COMPLETE",
            now=time.time(),
            counters=counters,
        )
        report_pipeline_status(
            self.client,
            self.fqn,
            self.run_id,
            STATES[report.state],
            start=self.started,
            end=time.time(),
            summary=[
                _step("Source", report, report.service),
                _step("Sink", report, "OpenMetadata"),
            ],
        )


def _done(book: dict[str, int]) -> int:
    return sum(count for end, count in book.items() if end != "discovered")


def _step(kind: str, report: Report, name: str) -> dict[str, object]:
    if kind == "Source":
        records = sum(book["ok"] for book in report.types.values())
        errors = sum(book["failed"] + book["quarantined"] for book in report.types.values())
        updated = sum(book["unchanged"] for book in report.types.values())
    else:
        records = sum(book["acknowledged"] for book in report.entities.values())
        errors = sum(book["refused"] for book in report.entities.values())
        updated = sum(book["unchanged"] for book in report.entities.values())
    failures = [
        {
            "name": group.samples[0] if group.samples else group.kind,
            "error": f"{group.kind}: {group.message}",
        }
        for group in report.errors[:10]
    ]
    return {
        "name": name,
        "records": records,
        "updated_records": updated,
        "warnings": 0,
        "errors": errors,
        "filtered": sum(report.filtered.values()) if kind == "Source" else 0,
        "failures": failures if kind == "Source" else [],
    }


@contextmanager
def reporting(config: Config, run_id: str) -> Generator[PipelineReporter]:
    """A reporter for a config that names an ingestion pipeline and a server."""
    with Client(server(config.server, config.service)) as client:
        yield PipelineReporter(config, client, run_id)
