"""Everything else that the OpenMetadata sink does: lineage, reading, reporting, dry runs."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from rayingest.core.sink import identity
from rayingest.errors import ConfigError, Refused
from rayingest.model import EntityType, Fact
from rayingest.sinks import build
from rayingest.sinks.openmetadata import from_config
from rayingest.sinks.openmetadata.bulk import read
from rayingest.sinks.openmetadata.reporting import report_pipeline_status, report_progress
from rayingest.sinks.openmetadata.session import OpenMetadataSession
from rayingest.testing.catalogue import Faults, StrictCatalogue

from .world import (
    DATABASE,
    SCHEMA,
    SERVICE,
    TOKEN,
    openmetadata,
    small_database,
    table,
)


def test_lineage_goes_by_fqn(session: OpenMetadataSession, catalogue: StrictCatalogue) -> None:
    rows = [session.encode(table(name)) for name in ("with.dot", "view")]
    session.write("table", rows)
    fact = Fact(
        target_type=EntityType.TABLE,
        target_fqn=rows[1].fqn,
        kind="lineage",
        key=rows[0].fqn,
        payload={"fromFqn": rows[0].fqn, "details": {"sqlQuery": "SELECT 1"}},
    )
    edge = session.encode_fact(fact)
    assert edge.needs == tuple(identity("table", each.fqn) for each in rows)
    (answer,) = session.write("lineage", [edge])
    assert answer.outcome == "acknowledged"
    assert catalogue.writes("lineage")[0]["body"] == {"sqlQuery": "SELECT 1"}
    with pytest.raises(Refused, match="not in the catalogue"):
        session.without(edge, [rows[0].fqn])
    with pytest.raises(Refused, match="usage"):
        session.encode_fact(
            Fact(target_type=EntityType.TABLE, target_fqn="x", kind="usage", key="", payload={})
        )


def test_the_catalogue_reads_back(session: OpenMetadataSession) -> None:
    rows = [session.encode(table(f"t{number}")) for number in range(600)]
    for start in range(0, 600, 100):
        session.write("table", rows[start : start + 100])
    read_side = session.catalogue
    listed = [
        entity["fullyQualifiedName"] for entity in read_side.list(EntityType.TABLE, SCHEMA.fqn)
    ]
    assert sorted(map(str, listed)) == sorted(row.fqn for row in rows)
    assert len(list(read_side.list(EntityType.DATABASE_SCHEMA, DATABASE.fqn))) == 1
    assert len(list(read_side.list(EntityType.DATABASE, ""))) == 1
    found = read_side.get(EntityType.TABLE, [rows[0].fqn, "no.such.table.here"])
    assert list(found) == [rows[0].fqn]


def test_the_connection_is_read_from_the_catalogue(session: OpenMetadataSession) -> None:
    assert session.catalogue.service_connection(SERVICE.type, SERVICE.name)["hostPort"] == "db:5432"
    with pytest.raises(ConfigError, match="'other'"):
        session.catalogue.service_connection(SERVICE.type, "other")


def test_a_run_is_reported_or_the_run_goes_on(
    session: OpenMetadataSession, catalogue: StrictCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue.add_ingestion_pipeline("other.pipe")
    summary = [{"name": "source", "records": 3, "errors": 0}]
    client = session.client
    assert report_pipeline_status(
        client, "other.pipe", "run-1", "success", start=1.0, end=2.0, summary=summary
    )
    assert not report_pipeline_status(client, "no.pipe", "run-1", "running", start=1.0)
    catalogue.faults = Faults(fail_rate={503: 1})
    assert not report_progress(
        client, "other.pipe", "r", "PROCESSING", now=1.0, counters={"table": (1, 2)}, remaining=3
    )
    assert "was not told" in caplog.text


def test_progress_is_told_to_a_server_of_2_0() -> None:
    with StrictCatalogue(token=TOKEN, version="2.0.1") as catalogue:
        catalogue.add_ingestion_pipeline("other.pipe")
        with openmetadata(catalogue).open() as session:
            counters = {"table": (1, 2)}
            assert report_progress(
                session.client, "other.pipe", "r", "PROCESSING", now=1.0, counters=counters
            )
        assert catalogue.validation_errors() == []


def test_a_dry_run_holds_rows_against_the_schemas(
    catalogue: StrictCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rayingest.sinks.openmetadata import dry
    from rayingest.testing.strict.schemas import DEFAULT

    monkeypatch.setenv(dry.CONTRACTS, str(DEFAULT))
    dry.validator.cache_clear()
    with openmetadata(catalogue).open(dry_run=True) as session:
        rows = [session.encode(entity) for entity in small_database()]
        answers = [session.write(row.type, [row])[0] for row in rows]
        assert {answer.outcome for answer in answers} == {"acknowledged"}
        broken = type(rows[0])("table", "x", b'{"name": "x"}', "")
        (answer,) = session.write("table", [broken])
        assert answer.outcome == "refused"
        assert "required" in (answer.why or "")
    dry.validator.cache_clear()
    assert catalogue.log == []


@pytest.mark.parametrize(
    ("data", "refused", "unsure"),
    [
        ({"status": "success", "numberOfRowsFailed": 0}, {}, []),
        ({"numberOfRowsProcessed": 3, "failedRequest": None}, {}, []),
        ({"status": "partialSuccess", "failedRequest": [{"request": "b"}]}, {1: 400}, []),
        (
            {
                "status": "partialSuccess",
                "failedRequest": [{"request": '{"name": "b"}', "status": 409}],
            },
            {1: 409},
            [],
        ),
        (
            {
                "status": "partialSuccess",
                "numberOfRowsFailed": 1,
                "failedRequest": [{"request": "who?", "status": 400}],
                "successRequest": [{"request": "s.d.x.a"}],
            },
            {},
            [1, 2],
        ),
        ({"status": "partialSuccess", "numberOfRowsFailed": 2}, {}, [0, 1, 2]),
        (
            {
                "status": "success",
                "numberOfRowsPassed": 2,
                "successRequest": [{"request": "a"}, {"request": "s.d.x.c"}],
            },
            {},
            [1],
        ),
        (
            {"status": "partialSuccess", "failedRequest": [{"request": {"name": "same"}}] * 1},
            {},
            [0, 1, 2],
        ),
    ],
)
def test_bulk_answers_are_read_whatever_they_look_like(
    data: Any, refused: dict[int, int], unsure: list[int]
) -> None:
    from rayingest.core.sink import Row

    names = ["s.d.x.a", "s.d.x.b", "s.d.x.c"]
    outcome = read(data, [Row("table", name, b"{}", "") for name in names])
    assert outcome is not None
    assert {at: status for at, (status, _) in outcome.refused.items()} == refused
    assert outcome.unsure == unsure


@pytest.mark.parametrize(
    "data", [None, [], {}, "ok", {"status": "aborted", "abortReason": "x"}, {"status": "running"}]
)
def test_bulk_answers_that_say_nothing_are_seen(data: Any) -> None:
    assert read(data, []) is None


def test_build_reads_the_config(tmp_path: Path) -> None:
    server = SimpleNamespace(
        hostPort="http://h/api",
        authProvider="openmetadata",
        securityConfig=SimpleNamespace(jwtToken=SecretStr("t-canary")),
    )
    sink = SimpleNamespace(type="metadata-rest", config={"bulk_sink_batch_size": 50})
    config = SimpleNamespace(
        sink=sink,
        server=server,
        service="shop",
        connection=None,
        options=SimpleNamespace(overrideMetadata=True),
    )
    made = from_config(config)
    assert (made.max_rows, made.override, made.server.base) == (50, True, "http://h/api/v1")
    assert made.server.user_agent == "rayingest (service: shop)"
    assert "canary" not in repr(made)
    sink.config = {"bulk_sink_batchsize": 50}
    with pytest.raises(ConfigError, match="Did you mean 'bulk_sink_batch_size'"):
        build(config)
    for name, options in (
        ("file", {"path": str(tmp_path)}),
        ("sql", {"url": "sqlite:///x.db"}),
        ("memory", {}),
    ):
        sink.type, sink.config = name, options
        assert type(build(config)).__name__.lower() == name
    sink.type, sink.config = "sql", {"url": "postgresql://u:canary@h/db"}
    with pytest.raises(ConfigError, match="postgresql") as caught:
        build(config)
    assert "canary" not in repr((caught.value, caught.value.hint))
    sink.type, sink.config = "metadata-res", {}
    with pytest.raises(ConfigError, match="Did you mean 'metadata-rest'"):
        build(config)
