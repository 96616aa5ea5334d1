"""What a table may cost: statements, requests, CPU, objects; and every facet arrives all the same.

Counts are the server's and the catalogue's own, not ours. docs/performance.md has the budgets; benchmarks/ has the
figures that need a big shop or a quiet machine.
"""

import gc
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import rayingest as ri
from rayingest.execute.report import Report
from rayingest.testing.postgres import Server
from rayingest.testing.shop import shop

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
STATEMENTS, REQUESTS, CPU_MS, OBJECTS, STATE = 0.05, 0.02, 0.5, 200, 0.02
# Once a run, however many tables there are: 3 owners looked up, service, database, schemas and
# routines in at most 2 bulks each, a classification and a tag (looked up, made).
CONTAINERS = 3 + 1 + 1 + 2 + 2 + 2 + 2
# CPU seconds of a run before the first table: config, connections, thread pools, the report, and
# keeping what is known for the next run.
ONCE_CPU = 0.15
SMALL, BIG = 200, 1000


def _module(name: str) -> Any:
    """A module of benchmarks/, which is a folder of programs and not a package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


world, facets = _module("world"), _module("facets")


@dataclass
class Cost:
    """One run: what it told, what the others counted, and the CPU seconds of this process."""

    report: Report
    statements: int
    requests: dict[str, int]
    cpu: float
    files: int
    differences: list[str]
    invalid: list[Any]

    @property
    def table_requests(self) -> int:
        return sum(n for shape, n in self.requests.items() if "/tables" in shape)


class Shop:
    """A shop in a database of its own, which can be ingested again and again."""

    def __init__(self, server: Server, tables: int, folder: Path) -> None:
        self.tables, self.folder = tables, folder
        server.create(world.DATABASE)
        made = shop(tables)
        with server.connect(world.DATABASE) as connection:
            made.fill(connection)
        with server.connect() as connection:
            connection.execute("create extension if not exists pg_stat_statements")
        self.source = world.Source(server, tables, made.counts)

    def ingest(self, *, parallelism: int = 1, compare: bool = True) -> Cost:
        """Run through the public API, in this process, into a catalogue of another one."""
        with world.catalogue() as sink:
            document = world.document(self.source, sink)
            config = world.write_config(self.folder, document)
            job = ri.load(config, flags={"engine": "local", "parallelism": parallelism})
            self.source.forget_statements()
            before = time.process_time()
            run = job.run()
            cpu = time.process_time() - before
            statements = self.source.statements()
            assert run.ok, run
            assert run.directory is not None
            files = sum(each.is_file() for each in Path(run.directory.url).rglob("*"))
            differences = self.differences(sink) if compare else []
            invalid = sink.invalid() if compare else []
            return Cost(
                run.report, statements, sink.stats()["by"], cpu, files, differences, invalid
            )

    def differences(self, sink: Any) -> list[str]:
        with self.source.connect() as connection:
            found: list[str] = facets.facets(connection, sink.entities, world.SERVICE)
        return found

    def cheapest(self, times: int = 3) -> Cost:
        return min((self.ingest(compare=False) for _ in range(times)), key=lambda cost: cost.cpu)


@contextmanager
def _shop(server: Server, tables: int, factory: pytest.TempPathFactory) -> Iterator[Shop]:
    yield Shop(server, tables, factory.mktemp(f"shop-{tables}"))


@pytest.fixture(scope="module")
def small(
    postgres: Server, contracts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    with _shop(postgres, SMALL, tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="module", params=[1, 4], ids=["P=1", "P=4"])
def cost(small: Shop, request: pytest.FixtureRequest) -> Cost:
    return small.ingest(parallelism=request.param)


def test_every_facet_of_every_object_arrives(cost: Cost) -> None:
    assert cost.differences == []


def test_every_body_keeps_to_its_schema(cost: Cost) -> None:
    assert cost.invalid == []


def test_the_report_counts_statements_as_the_server_does(cost: Cost) -> None:
    assert cost.report.calls["source"] == cost.statements


def test_the_report_counts_requests_as_the_catalogue_does(cost: Cost) -> None:
    assert cost.report.calls["sink"] == sum(cost.requests.values())


def test_a_table_costs_few_statements(cost: Cost) -> None:
    """Four a run, five a batch, one a session that learns types; everything is on, DDL too.

    On a machine with other work one more session may come to read tables.
    """
    assert cost.statements <= STATEMENTS * SMALL + 1


def test_a_table_costs_few_requests(cost: Cost) -> None:
    assert cost.table_requests <= REQUESTS * SMALL
    assert sum(cost.requests.values()) <= REQUESTS * SMALL + CONTAINERS, cost.requests


def test_a_run_leaves_few_objects(cost: Cost) -> None:
    always = 2  # the claim of the attempt and the report
    assert (cost.files - always) * 10_000 / SMALL <= OBJECTS


def test_the_ledger_costs_little_of_a_whole_process(small: Shop) -> None:
    with world.catalogue(validate="off") as sink:
        found = world.ingest(small.source, sink)
    assert found["state_share_of_cpu"] <= STATE


def test_a_table_costs_little_cpu(small: Shop) -> None:
    """Beside what a run costs once; the slow tests tell the two apart."""
    small.ingest(compare=False)
    assert 1000 * (small.cheapest().cpu - ONCE_CPU) / SMALL <= CPU_MS


@dataclass
class Growth:
    """A small run and a big one: their difference is what tables cost, without what a run costs once."""

    few: Cost
    many: Cost
    spread: Cost
    tables = BIG - SMALL

    @property
    def cpu(self) -> float:
        return self.many.cpu - self.few.cpu


@pytest.fixture(scope="module", autouse=True)
def _nobody_elses_garbage() -> Iterator[None]:
    """What earlier tests have left in this process is not collected at the expense of a run."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def growth(postgres: Server, contracts: Path, tmp_path_factory: pytest.TempPathFactory) -> Growth:
    with _shop(postgres, SMALL, tmp_path_factory) as made:
        made.ingest(compare=False)
        few = made.cheapest()
    with _shop(postgres, BIG, tmp_path_factory) as made:
        many = made.cheapest()
        return Growth(few, many, made.ingest(parallelism=4))


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(300)
class TestAThousandTables:
    def test_all_arrive(self, growth: Growth) -> None:
        assert growth.spread.differences == []
        assert growth.spread.invalid == []

    def test_each_more_costs_few_statements(self, growth: Growth) -> None:
        assert growth.many.statements - growth.few.statements <= STATEMENTS * growth.tables

    def test_few_statements_in_all_with_four_connections(self, growth: Growth) -> None:
        assert growth.spread.statements <= STATEMENTS * BIG

    def test_each_more_costs_few_requests(self, growth: Growth) -> None:
        more = growth.many.table_requests - growth.few.table_requests
        assert more <= REQUESTS * growth.tables

    def test_each_more_costs_little_cpu(self, growth: Growth) -> None:
        assert 1000 * growth.cpu / growth.tables <= CPU_MS

    def test_each_more_leaves_few_objects(self, growth: Growth) -> None:
        more = growth.many.files - growth.few.files
        assert more * 10_000 / growth.tables <= OBJECTS

    def test_the_ledger_costs_little_of_what_each_more_costs(self, growth: Growth) -> None:
        written = growth.many.report.state_seconds - growth.few.report.state_seconds
        assert written <= STATE * growth.cpu


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.ray
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "arguments", [["--descriptors", "1000000", "--seconds", "20", "--engines", "ray"]]
)
def test_a_million_descriptors_keep_the_driver_small(arguments: list[str]) -> None:
    """With ledger and segments on, through Ray, and waiting for a slow sink: below 400 MB."""
    root = Path(__file__).parents[1]
    command = [sys.executable, str(root / "benchmarks" / "million.py"), "--runs", "1", *arguments]
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["medians"]
    assert told["ray"]["ok"] == 1_000_000
    slow = told["ray, slow sink"]
    assert 0 < slow["ok"] < slow["discovered"] < 1_000_000
    assert {name: each["driver_mb"] < 400 for name, each in told.items()} == dict.fromkeys(
        told, True
    )
