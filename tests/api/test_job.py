"""A job before it runs: what is possible, selected, and said."""

import sqlite3
from types import SimpleNamespace
from typing import cast

import pytest

import rayingest as ri
from rayingest.api.limits import limits
from rayingest.api.wishes import parse_entities, parse_failures, selection
from rayingest.config import Config
from rayingest.config.execution import LimitOverride
from rayingest.core.limits import Limit
from rayingest.core.source import EntityDescriptor
from rayingest.errors import ConfigError
from rayingest.model import EntityType

CONFIG = """
source:
  type: sqlite
  serviceName: lite
  serviceConnection: {{config: {{type: SQLite, databaseMode: {path}}}}}
  sourceConfig: {{config: {{type: DatabaseMetadata}}}}
sink: {{type: memory, config: {{name: "{path}"}}}}
workflowConfig: {{}}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table orders (id integer primary key)")
        connection.execute("create table customers (id integer primary key)")
    connection.close()
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG.format(path=path))
    return file


def test_a_file_is_not_read_by_workers_elsewhere(config):
    """It is said in words, and the run goes on in this process."""
    job = ri.load(config, flags={"engine": "ray", "address": "10.0.0.1:6379"})
    assert job.messages == [
        "Source sqlite does not support distributed execution. Falling back to sequential mode."
    ]
    run = job.run()
    assert (run.report.engine, run.report.parallelism) == ("local", 1)
    assert run.ok


def test_a_private_ray_reads_files(config):
    assert ri.load(config, flags={"engine": "ray"}).config.execution.engine == "ray"


def test_a_run_tells_of_every_entity(config):
    run = ri.load(config).run()
    names = [each.id for each in run.entities() if each.type is EntityType.TABLE]
    assert sorted(name.rpartition(".")[2] for name in names) == ["customers", "orders"]
    record = run.entity(names[0])
    assert (record.status, record.attempts) == ("ok", 1)
    assert [each.outcome for each in record.written] == ["acknowledged"]
    assert record.descriptor.id == names[0]
    assert run.failures == []
    with pytest.raises(KeyError, match="no-such-table"):
        run.entity("no-such-table")


def test_reprs_say_what_happened(config):
    job = ri.load(config)
    run = job.run()
    assert repr(job) == "<Job sqlite:lite -> memory, SEQUENTIAL>"
    assert repr(run).startswith(f"<Run {run.id} success: Success: 5 of 5 entities ingested")
    assert "<td>table</td><td>2</td>" in run._repr_html_()


@pytest.mark.parametrize(
    ("text", "expected"), [(None, (None, None)), ("10", (10, None)), ("2.5%", (None, 0.025))]
)
def test_failures_are_a_count_or_a_share(text, expected):
    assert parse_failures(text) == expected


@pytest.mark.parametrize("text", ["ten", "-1", "2.5", "%"])
def test_other_limits_of_failures_are_refused(text):
    with pytest.raises(ConfigError, match="--max-failures"):
        parse_failures(text)


def table(name):
    return EntityDescriptor(EntityType.TABLE, name)


@pytest.mark.parametrize(
    ("select", "exclude", "name", "kept"),
    [
        (["orders"], [], "lite.default.main.orders", True),
        (["default.main.*"], [], "lite.default.main.orders", True),
        (["lite.*.ORDERS"], [], "lite.default.main.orders", True),
        (["order"], [], "lite.default.main.orders", False),
        ([], ["*tmp*"], "lite.default.main.tmp_1", False),
        (["*"], ["orders"], "lite.default.main.orders", False),
    ],
)
def test_selections_are_globs_over_names_and_fqns(select, exclude, name, kept):
    assert selection("lite", select, exclude)(table(name)) is kept


def test_descriptors_are_read_as_one_as_a_list_and_by_line():
    one = '{"type":"table","id":"a.b.c"}'
    assert len(parse_entities(one)) == len(parse_entities(f"[{one}]")) == 1
    assert len(parse_entities(f"{one}\n{one}\n")) == 2
    with pytest.raises(ConfigError, match="--entity") as caught:
        parse_entities('{"type": "tabel"}')
    assert "rayingest discover" in caught.value.hint


def test_limits_of_the_config_replace_those_of_the_connector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shipped = Limit(name="api", rate=50, burst=5, documented="https://example.com")
    connector = SimpleNamespace(limits=(shipped, Limit(name="idle")))
    monkeypatch.setattr("rayingest.api.limits.registry.load", lambda _: connector)
    given = {"api": LimitOverride(rate=20, maxConcurrency=3)}
    config = SimpleNamespace(connector="x", execution=SimpleNamespace(limits=given))
    [limit] = limits(cast("Config", config))
    assert (limit.rate, limit.burst, limit.max_concurrency) == (20, 5, 3)
    config.execution.limits = {"apis": LimitOverride(rate=1)}
    with pytest.raises(ConfigError, match=r"no limit 'apis'\. Did you mean 'api'"):
        limits(cast("Config", config))
