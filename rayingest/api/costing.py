"""How long a run would take: a sample is measured, the rest is arithmetic (`execute/estimate.py`)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rayingest.api import continuing
from rayingest.config import Config
from rayingest.core.sink import Placement
from rayingest.core.source import Batching
from rayingest.errors import StateError
from rayingest.execute.estimate import SENDING, Cost, Estimate, Ground, Shape, Work, estimate, fit
from rayingest.execute.growth import SLOTS_PER_ACTOR
from rayingest.execute.local import LocalEngine
from rayingest.execute.sampling import SINGLE, Measured, Sample, Sampler, batched
from rayingest.execute.start import Options, divided
from rayingest.execute.survey import Survey
from rayingest.model import EntityType
from rayingest.state.known import KnownState
from rayingest.state.run_directory import RunDirectory, default_url
from rayingest.workflows.metadata import MetadataStage
from rayingest.workflows.stage import Opened, WorkerTask

SLOTS = 8  # of the worker that describes the sample
ENOUGH = 20  # rows that a run must have written for its seconds at the sink to be believed
RUNS = 5  # newest runs of the state that are looked at for that
NO_HISTORY = (
    "How long the sink takes is not known before a first run: its time is left out, so that these are"
    " the least that a run would take."
)
NO_START = "The start of Ray, and of workers on other machines, is left out."


def sampled(stage: MetadataStage, options: Options, found: Survey, size: int) -> Sample:
    """Describe a sample on a worker of this process. Raises RayingestError."""
    opened = stage.open(os.environ)
    task = WorkerTask(
        stage,
        opened.prepared(),
        dry_run=True,
        slots=SLOTS,
        call_timeout=options.call_timeout,
        limits=options.limits,
    )
    engine = LocalEngine(task)
    try:
        sampler = Sampler(
            engine,
            settles=opened.sink.placement is Placement.WORKER,
            timeout=options.call_timeout,
            seed=options.seed,
        )
        return sampler.run(found.pools, opened.connector.batching, size)
    finally:
        engine.close()


def usual(parallelism: int) -> set[int]:
    """Parallelisms worth a look: one, the config's, and around it."""
    return {1, max(1, parallelism // 2), parallelism, parallelism * 2, parallelism * 4}


@dataclass(frozen=True)
class Costs:
    """What estimates rest on. `written`: entities of each type that the sink will be sent."""

    config: Config
    options: Options
    found: Survey
    sample: Sample
    written: Mapping[str, int]

    def estimates(
        self, state: KnownState, parallelism: Sequence[int]
    ) -> tuple[list[Estimate], list[str]]:
        """A run at each of these parallelisms (or the usual ones), and what that leaves out."""
        opened = MetadataStage.of(self.config).open(os.environ)
        works = [
            self._work(kind, opened.connector.batching.get(kind, SINGLE))
            for kind in sorted({kind for kind, _ in self.found.pools})
        ]
        history = self._history(state)
        ground = self._ground(opened, history)
        wanted = sorted({*parallelism} or usual(self.options.parallelism))
        caveats = [NO_START] if self.options.engine == "ray" else []
        if history is None and any(each.rows for each in works):
            caveats.append(NO_HISTORY)
        return [estimate(works, ground, self._shape(opened, each)) for each in wanted], caveats

    def _ground(self, opened: Opened, history: float | None) -> Ground:
        found = self.found
        return Ground(
            start=found.first + self.sample.first,
            discovery=max(0.0, found.report.seconds.total - found.first),
            discovery_cpu=found.report.cpu_seconds,
            discovery_calls=found.calls,
            limits=self.options.limits,
            shares=self.sample.limits,
            sink_calls=found.report.calls.get("sink", 0),
            sink_row=history or 0.0,
            sink_cpu=SENDING if opened.sink.placement is Placement.WORKER else 0.0,
            sink_rows=opened.sink.max_rows,
            sink_concurrency=opened.sink.concurrency,
        )

    def _shape(self, opened: Opened, parallelism: int) -> Shape:
        """Where a run of this parallelism happens."""
        slots, _ = divided(parallelism, opened.connector.max_connections)
        if self.options.engine != "ray":
            return Shape(parallelism, slots)
        actors = -(-parallelism // SLOTS_PER_ACTOR)
        if self.options.address == "local":
            actors = min(actors, os.cpu_count() or 1)
        return Shape(parallelism, slots, actors, 1 + actors)

    def _work(self, kind: EntityType, batching: Batching) -> Work:
        measured = [each for each in self.sample.measured if each.type is kind and each.count]
        tally = self.found.types[kind]
        many = batched(batching)
        points = [(each.count, each.cpu) for each in measured if each.cpu is not None]
        cpu = fit(points, batched=many)
        if not points:
            cpu = Cost(0.0, self.sample.cpu.get(kind, 0.0), 0.0)
        return Work(
            count=tally.total - tally.told,
            batching=batching,
            seconds=fit([(each.count, each.seconds) for each in measured], batched=many),
            cpu=cpu,
            calls=fit([(each.count, float(each.calls)) for each in measured], batched=many),
            rows=_rows_each(measured) * self.written.get(kind.value, 0),
        )

    def _history(self, state: KnownState) -> float | None:
        """Seconds at the sink per row, as the newest run that wrote enough had it."""
        config = self.config
        place = config.execution.state_url or default_url()
        try:
            runs = sorted({head.run_id for head in state.heads().values()}, reverse=True)
            for run_id in runs[:RUNS]:
                report = continuing.finished(RunDirectory(place, config.service, run_id))
                books = report.entities.values() if report is not None else ()
                rows = sum(book.get("acknowledged", 0) for book in books)
                if report is not None and rows >= ENOUGH:
                    return report.seconds.sink / rows
        except StateError:
            return None
        return None


def _rows_each(measured: Sequence[Measured]) -> float:
    """Rows that are sent for an entity that is written; those that wait are sent twice."""
    written = sum(each.count - each.opened + each.changed - each.failed for each in measured)
    return sum(each.rows + each.deferred for each in measured) / written if written > 0 else 1.0
