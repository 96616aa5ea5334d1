"""Run a stage and tell what came of it, so that two runs can be compared."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from rayingest.api.run import EntityRecord, Run
from rayingest.execute.bounding import Bounds
from rayingest.execute.plan import RetryPolicy
from rayingest.execute.report import Report
from rayingest.execute.snapshot import Snapshot
from rayingest.execute.start import Options, drive
from rayingest.sinks.memory import Memory
from rayingest.state.run_directory import RunDirectory
from rayingest.testing.busy import Room, server
from rayingest.testing.chaos import ChaosConnection, ChaosStage
from rayingest.workflows.stage import Stage

QUICKLY = RetryPolicy(3, backoff=0.02)


@dataclass
class Outcome:
    """One run, by what its directory and its sink hold."""

    report: Report
    ends: dict[tuple[str, str], tuple[str, str | None]]
    entities: dict[tuple[str, str], dict[str, Any]]
    run: Run

    @property
    def tables(self) -> dict[str, tuple[str, str | None]]:
        """Status and kind of error by `schema.table`."""
        return {
            ".".join(name.split(".")[-2:]): end
            for (kind, name), end in self.ends.items()
            if kind == "table"
        }

    def named(self, *names: str) -> dict[str, tuple[str, str | None]]:
        """The ends of tables with these names."""
        found = {name.partition(".")[2]: end for name, end in self.tables.items()}
        return {name: found[name] for name in names}

    def others(self, *names: str) -> set[tuple[str, str | None]]:
        """How all other tables ended."""
        return {end for name, end in self.tables.items() if name.partition(".")[2] not in names}

    def record(self, name: str) -> EntityRecord:
        """What became of the table with this name."""
        (found,) = (each for each in self.run.entities() if each.id.endswith(f".{name}"))
        return found


def chaos(
    tmp_path: Path, sink: Any = None, *, call_timeout: float = 300.0, **connection: Any
) -> ChaosStage:
    """The chaos source with notes of its own, into a store of its own."""
    notes = tmp_path / uuid4().hex
    notes.mkdir()
    return ChaosStage(
        sink or Memory(name=uuid4().hex),
        ChaosConnection(**{"scopes": 2, "entities": 7, "notes": str(notes)} | connection),
        call_timeout=call_timeout,
    )


def run(
    stage: Stage,
    tmp_path: Path,
    engine: str = "local",
    parallelism: int = 1,
    *,
    name: str | None = None,
    stop: Callable[[Snapshot], bool] = lambda _: False,
    listed_twice: int = 0,
    **options: Any,
) -> Outcome:
    """To the end, or until `stop`, recorded; both books are audited. A `name` makes runs that can go on.

    So many are `listed_twice`, and come to their end as often.
    """
    directory = RunDirectory(str(tmp_path), "chaos", name or uuid4().hex)
    directory.claim(take_over=name is not None)
    address = engine if ":" in engine else "local"
    driver = drive(
        stage,
        Options(
            **{
                "engine": "ray" if ":" in engine else "local",
                "address": address,
                "parallelism": parallelism,
                "retry": QUICKLY,
                "bounds": Bounds(success_threshold=0.0),
                "call_timeout": getattr(stage, "call_timeout", 300.0),
            }
            | options
        ),
        directory,
        observe=lambda snapshot: driver.interrupt() if stop(snapshot) else None,
    )
    report = driver.run()
    made = Run(report, directory)
    ends, twice = {}, listed_twice
    for each in made.entities():
        listed_twice -= (each.type.value, each.id) in ends
        assert listed_twice >= 0, "two ends"
        ends[each.type.value, each.id] = each.status, each.why.kind if each.why else None
    sink: Any = getattr(stage, "sink", None)
    kept = sink.store.rows if isinstance(sink, Memory) else {}
    entities = {
        (kind, name): body for kind in kept for name, body in sink.store.entities(kind).items()
    }
    if driver.scheduler.stopping is None:
        assert driver.scheduler.ledger.imbalances() == []
        assert listed_twice == 0
        assert len(ends) + twice == sum(each["discovered"] for each in report.types.values())
    return Outcome(report, ends, entities, made)


@contextmanager
def busy(room: Room) -> Iterator[str]:
    with server(room) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
