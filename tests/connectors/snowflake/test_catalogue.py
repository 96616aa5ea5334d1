"""From the emulator to a strict catalogue, as a user would: everything arrives, and no body is refused."""

import pytest
import yaml

import rayingest as ri
from rayingest.testing import StrictCatalogue

TOKEN = "canary-jwt-51f0"  # noqa: S105 - of a server that lives as long as the test


@pytest.fixture
def catalogue(contracts, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with StrictCatalogue(token=TOKEN) as running:
        yield running
        assert running.validation_errors() == []


def run(folder, catalogue, connection, *, allow_deletions=False, **options):
    tree = {
        "source": {
            "type": "snowflake",
            "serviceName": "snow",
            "serviceConnection": {"config": connection},
            "sourceConfig": {"config": {"type": "DatabaseMetadata", **options}},
        },
        "sink": {"type": "metadata-rest", "config": {}},
        "workflowConfig": {
            "openMetadataServerConfig": {
                "hostPort": catalogue.url,
                "authProvider": "openmetadata",
                "securityConfig": {"jwtToken": TOKEN},
            }
        },
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(tree))
    done = ri.load(path, flags={"engine": "local"}).run(allow_deletions=allow_deletions)
    assert done.ok, done.report.verdict


def test_all_arrives_and_what_is_dropped_goes(make, server, catalogue, tmp_path):
    probe = make(
        "whole",
        "create table t (id int primary key, v variant, ar array, b binary, z timestamp_tz) comment = 'x'",
        "create view v as select id from t",
        "create table gone (i int)",
        'create table "a.b" (i int)',
        "create stage files url = 's3://bucket/files/'",
    )
    server.run(
        "insert into whole.information_schema.functions (function_schema, function_name,"
        " function_owner, argument_signature, data_type, function_language, function_definition)"
        " values ('PUBLIC', 'F', 'BOSS', '(S VARCHAR)', 'VARCHAR', 'JAVASCRIPT', ' return S; ')"
    )
    connection = {**probe.config, "includeStages": True}
    run(tmp_path, catalogue, connection, includeOwners=True)
    assert set(catalogue.entities("tables")) == {
        'snow.WHOLE.PUBLIC."a.b"',
        *(f"snow.WHOLE.PUBLIC.{name}" for name in ("T", "V", "GONE", "FILES")),
    }
    assert set(catalogue.entities("storedProcedures")) == {"snow.WHOLE.PUBLIC.F"}
    server.run("drop table whole.public.gone")
    run(tmp_path, catalogue, connection, includeOwners=True)
    assert not catalogue.entities("tables", deleted=True)  # only a right may have been lost
    run(tmp_path, catalogue, connection, includeOwners=True, allow_deletions=True)
    assert set(catalogue.entities("tables", deleted=True)) == {"snow.WHOLE.PUBLIC.GONE"}
    assert len(catalogue.entities("tables")) == 4
