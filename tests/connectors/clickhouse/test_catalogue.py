"""What OpenMetadata says of ClickHouse: its connection is taken unchanged, what we tell is taken by it."""

import json

import pytest
import yaml

import rayingest as ri
from rayingest.connectors.database.clickhouse import ClickhouseConnection
from rayingest.testing import StrictCatalogue

from .test_facets import TYPES

SCHEMA = "openmetadata/schemas/entity/services/connections/database/clickhouseConnection.json"
EVERYTHING = {
    "type": "Clickhouse",
    "scheme": "clickhouse+native",
    "username": "u",
    "password": "p",
    "hostPort": "h:1",
    "databaseName": "d",
    "databaseSchema": "s",
    "duration": 10,
    "https": True,
    "secure": False,
    "keyfile": "/k.pem",
    "connectionOptions": {"a": "b"},
    "connectionArguments": {"a": 1},
    "schemaFilterPattern": {"includes": ["a"]},
    "tableFilterPattern": {"excludes": ["a"]},
    "databaseFilterPattern": {"includes": ["a"]},
    "supportsMetadataExtraction": True,
    "supportsUsageExtraction": True,
    "supportsLineageExtraction": True,
    "supportsDBTExtraction": True,
    "supportsProfiler": True,
    "supportsQueryComment": True,
    "sampleDataStorageConfig": {"config": {"bucketName": "b"}},
}


def test_every_field_of_openmetadatas_model_is_taken(contracts):
    schema = json.loads((contracts / SCHEMA).read_text())
    assert EVERYTHING.keys() == schema["properties"].keys()
    taken = ClickhouseConnection.model_validate(EVERYTHING)
    assert taken.model_fields_set == EVERYTHING.keys()
    for scheme in schema["definitions"]["clickhouseScheme"]["enum"]:
        assert ClickhouseConnection.model_validate({"hostPort": "h", "scheme": scheme})
    required = {k for k, v in ClickhouseConnection.model_fields.items() if v.is_required()}
    assert required == set(schema["required"])
    assert "'p'" not in repr(taken)


@pytest.mark.usefixtures("contracts")
def test_the_catalogue_takes_tables_of_every_kind(make, server, tmp_path, monkeypatch):
    """Judged by OpenMetadata's schemas; the second run finds nothing to write."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    columns = ", ".join(f"c{place} {declared}" for place, declared in enumerate(TYPES))
    make(
        "kinds",
        f"create table kinds.types (id UInt8, day Date, {columns}) engine = MergeTree"
        " partition by (toYYYYMM(day), id) order by (id, day)",
        "create view kinds.v as select id from kinds.types",
        "create materialized view kinds.kept engine = MergeTree order by id as select id from kinds.types",
        'create table kinds.`a.b::c"d` (`x.y` UInt8, `::` String) engine = Log',
        "create table kinds.far (a Int32) engine = MySQL('h:3306', 'd', 't', 'u', 'canary-9f')",
    )
    with StrictCatalogue() as catalogue:
        connection = server.config(databaseSchema="kinds", databaseName="house")
        tree = {
            "source": {
                "type": "clickhouse",
                "serviceName": "svc",
                "serviceConnection": {"config": connection},
                "sourceConfig": {"config": {"type": "DatabaseMetadata", "includeDDL": True}},
            },
            "sink": {"type": "metadata-rest", "config": {}},
            "workflowConfig": {"openMetadataServerConfig": {
                "hostPort": catalogue.url, "authProvider": "openmetadata",
                "securityConfig": {"jwtToken": "t"}}},
        }  # fmt: skip
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(tree))
        first = ri.load(path, flags={"engine": "local"}).run().report
        assert first.state == "success", first.errors
        assert first.types["table"]["ok"] == 5
        kept = catalogue.entities("tables")
        second = ri.load(path, flags={"engine": "local"}).run().report
        assert second.state == "success", second.errors
        assert second.types["table"]["unchanged"] == 5
    told = {each["name"]: each for each in kept.values()}
    assert told["types"]["tableConstraints"] == [
        {"constraintType": "SORT_KEY", "columns": ["id", "day"]}
    ]
    assert "canary-9f" not in json.dumps(kept)
