"""The campaign: one run of a source with a fault, held against a run without, and a line of record.

A record says how many faults were injected and what came of it: entities lost, written again, wrongly
deleted, blamed though innocent, and the seconds more than a clean run. With RAYINGEST_RECORD it is
appended to that file, from which `python3 dev.py reliability` writes docs/reliability.md.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import rayingest as ri
from rayingest.api import Run
from rayingest.execute.replay import replay
from rayingest.state.run_directory import RunDirectory
from rayingest.testing import StrictCatalogue

from ..cluster import with_chaos
from ..running import TOKEN, balanced, outcome

SERVICE = "svc"
CULPRITS = ("poison", "hang", "bad")
PATIENCE = 90.0
_clean: dict[str, tuple[dict[str, dict[str, Any]], float]] = {}  # one run of each shape is enough


@dataclass
class Arena:
    """A chaotic source and a catalogue; `odd` are the entities that go wrong."""

    catalogue: StrictCatalogue
    folder: Path
    seed: int
    scopes: int = 4
    entities: int = 20
    odd: tuple[str, ...] = ()
    connection: dict[str, Any] = field(default_factory=dict)
    execution: dict[str, Any] = field(default_factory=dict)
    injected: int = 0
    started: float = 0.0
    settled: dict[str, int] = field(default_factory=dict)  # FQN -> writes, when it was recorded

    # --- what is run ---

    def config(self, name: str = "chaos.yaml", catalogue: StrictCatalogue | None = None) -> Path:
        """Write the YAML; every config has notes (what happened once) of its own."""
        notes = self.folder / f"{name}-notes"
        notes.mkdir(exist_ok=True)
        connection = {
            "scopes": self.scopes,
            "entities": self.entities,
            "odd": list(self.odd),
            "seconds": 0.002,
            "notes": str(notes),
        }
        execution = {"parallelism": 4, **self.execution}
        threads = {"threads": execution["parallelism"]}  # what the local engine goes by
        tree = {
            "source": {
                "type": "chaos",
                "serviceName": SERVICE,
                "serviceConnection": {"config": connection | self.connection},
                "sourceConfig": {"config": {"type": "DatabaseMetadata", **threads}},
            },
            "sink": {"type": "metadata-rest", "config": {"bulk_sink_batch_size": 10}},
            "workflowConfig": {
                "distributedExecution": {
                    "stateUrl": str(self.folder / f"{name}-state"),
                    "retryPolicy": {"maxAttempts": 4, "backoffSeconds": 0.02},
                    "sinkOutageSeconds": 60,
                    **execution,
                },
                "openMetadataServerConfig": {
                    "hostPort": (catalogue or self.catalogue).url,
                    "authProvider": "openmetadata",
                    "securityConfig": {"jwtToken": TOKEN},
                },
            },
        }
        path = self.folder / name
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
        return path

    def run(self, *, engine: str = "local", unfinished: bool = False, **wishes: Any) -> Run:
        """One run through the public API; `engine` may be the address of a Ray."""
        flags = {"engine": "ray", "address": engine} if ":" in engine else {"engine": engine}
        job = ri.load(self.config(), flags=flags)
        self.started = self.started or time.monotonic()
        run = job.run(allow_untested=True, **wishes)
        balanced(run.report, unfinished=unfinished)
        return run

    def spawn(self, run_id: str) -> subprocess.Popen[str]:
        """One run in a process of its own."""
        command = [sys.executable, "-m", "rayingest", "run", str(self.config()), "--run-id", run_id]
        self.started = self.started or time.monotonic()
        return subprocess.Popen(
            [*command, "--engine", "local", "--allow-untested", "--progress", "none"],
            env=os.environ | {"PYTHONPATH": with_chaos()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def written(self) -> int:
        """Rows of tables that the catalogue has taken."""
        return sum(each.fqn.count(".") == 3 for each in list(self.catalogue.log))

    def happened(self) -> int:
        """How many misfortunes that happen once have happened, as the source has noted."""
        return len(list((self.folder / "chaos.yaml-notes").iterdir()))

    def take_stock(self, run_id: str) -> int:
        """Before a run goes on: note what its segments record as written, which nobody may write again.

        Answers how many rows the catalogue has that they do not record: those may.
        """
        times = self._times()
        directory = RunDirectory(str(self.folder / "chaos.yaml-state"), SERVICE, run_id)
        results = [each for found in replay(directory).results.values() for each in found]
        known = {row.fqn for each in results for row in each.written}
        self.settled = {fqn: self.settled.get(fqn, times[fqn]) for fqn in known}
        return len(times.keys() - known)

    def _times(self) -> Counter[str]:
        return Counter(each.fqn for each in list(self.catalogue.log) if each.outcome != "refused")

    @contextmanager
    def when(self, rows: int, act: Callable[[], None]) -> Iterator[Callable[..., None]]:
        """An observer that acts once, when so many tables have been written."""
        done = False

        def observe(_: object) -> None:
            nonlocal done
            if not done and self.written() >= rows:
                done = True
                act()

        yield observe
        assert done, "the fault was never injected"

    # --- what came of it ---

    def clean(self) -> tuple[dict[str, dict[str, Any]], float]:
        """What a run without the fault leaves, and how long it takes: culprits left out."""
        innocent = tuple(each for each in self.odd if each.partition("-")[0] not in CULPRITS)
        connection = {**self.connection, "kill_listing_at": -1}
        key = repr((self.scopes, self.entities, innocent, connection))
        if key not in _clean:
            _clean[key] = self._without(innocent, connection)
        return _clean[key]

    def _without(
        self, innocent: tuple[str, ...], connection: dict[str, Any]
    ) -> tuple[dict[str, dict[str, Any]], float]:
        with StrictCatalogue(token=TOKEN) as catalogue:
            other = Arena(
                catalogue, self.folder, self.seed, self.scopes, self.entities, innocent, connection
            )
            path = other.config("clean.yaml", catalogue)
            for each in (*innocent, "listing"):  # it has happened once already
                (self.folder / "clean.yaml-notes" / each).touch()
            job = ri.load(path, flags={"engine": "local"})
            run = job.run(allow_untested=True)
            assert run.report.exit_code == 0, run.report
            return outcome(catalogue), run.report.seconds.total

    def settle(self, fault: str, run: Run, *, in_flight: int, blamed: int = 0) -> dict[str, Any]:
        """Compare with a clean run, record, and hold the figures to the promises.

        `in_flight`: rows that may be written again, for nobody can know whether they had arrived
        (of a run that went on also none that `take_stock` found recorded);
        `blamed`: how many culprits the report names.
        """
        seconds = time.monotonic() - self.started
        expected, plain = self.clean()
        found = outcome(self.catalogue)
        lost = sum(len(expected[kind].keys() - found[kind].keys()) for kind in expected)
        more = sum(len(found[kind].keys() - expected[kind].keys()) for kind in expected)
        different = sum(
            found[kind].get(name, body) != body
            for kind, bodies in expected.items()
            for name, body in bodies.items()
            if not kind.startswith("services/")  # its connection names the misfortunes
        )
        times = self._times()
        repeated = [fqn for fqn, before in self.settled.items() if times[fqn] != before]
        again = sum(times.values()) - len(times)
        deleted = sum(len(self.catalogue.entities(each, deleted=True)) for each in expected)
        failed = {each.id.rpartition(".")[2] for each in run.failures}
        innocent = {each for each in failed if each.partition("-")[0] not in CULPRITS}
        record = {
            "fault": fault,
            "seed": self.seed,
            "entities": sum(map(len, expected.values())),
            "injected": self.injected,
            "lost": lost + different,
            "surplus": more,
            "writtenAgain": again,
            "deleted": deleted,
            "blamed": len(innocent),
            "culprits": len(failed - innocent),
            "seconds": round(seconds, 3),
            "recovery": round(max(0.0, seconds - plain), 3),
        }
        keep(record)
        assert self.injected, "nothing was injected"
        assert (lost, more, different) == (0, 0, 0), record
        assert deleted == 0, record
        assert innocent == set(), record
        assert len(failed) == blamed, (failed, record)
        assert again <= in_flight, record
        assert repeated == [], "the ledger had recorded them as written"
        return record


def forget() -> None:
    """Drop what clean runs have left: it is much, and other tests measure."""
    _clean.clear()


def keep(record: dict[str, Any]) -> None:
    """Append a record to the file that RAYINGEST_RECORD names, if it names one."""
    if name := os.environ.get("RAYINGEST_RECORD"):
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Until it is so, or the process is over."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.03)


def end(process: subprocess.Popen[str], *, grace: float) -> None:
    """SIGTERM, and SIGKILL when the grace is over."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
