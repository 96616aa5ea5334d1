"""What OpenMetadata says of MongoDB: its connection is taken unchanged, what we tell is taken by it."""

import json

import pytest
import yaml

import rayingest as ri
from rayingest.connectors.database.mongodb import MongodbConnection
from rayingest.core import fqn
from rayingest.testing import StrictCatalogue

SCHEMA = "openmetadata/schemas/entity/services/connections/database/mongoDBConnection.json"
EVERYTHING = {
    "type": "MongoDB",
    "scheme": "mongodb+srv",
    "username": "u",
    "password": "p",
    "hostPort": "h",
    "connectionOptions": {"authSource": "a", "tls": True, "sampleSize": "7"},
    "databaseName": "d",
    "databaseSchema": "s",
    "schemaFilterPattern": {"includes": ["a"]},
    "tableFilterPattern": {"excludes": ["a"]},
    "databaseFilterPattern": {"includes": ["a"]},
    "supportsMetadataExtraction": True,
    "supportsProfiler": True,
    "sslMode": "verify-full",
    "sslConfig": {"caCertificate": "/ca.pem"},
}


def test_every_field_of_openmetadatas_model_is_taken(contracts):
    schema = json.loads((contracts / SCHEMA).read_text())
    assert EVERYTHING.keys() == schema["properties"].keys()
    taken = MongodbConnection.model_validate(EVERYTHING)
    assert taken.model_fields_set == EVERYTHING.keys()
    assert taken.connectionOptions.sampleSize == 7
    assert taken.connectionOptions.driver == {"authSource": "a", "tls": "true"}
    for scheme in schema["definitions"]["mongoDBScheme"]["enum"]:
        assert MongodbConnection.model_validate({"hostPort": "h", "scheme": scheme})
    required = {k for k, v in MongodbConnection.model_fields.items() if v.is_required()}
    assert required == set(schema["required"])
    assert "'p'" not in repr(taken)


@pytest.mark.usefixtures("contracts")
def test_the_catalogue_takes_collections_of_every_kind_and_their_lineage(
    make, server, tmp_path, monkeypatch
):
    """Judged by OpenMetadata's schemas; the second run finds nothing to write."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    bson = pytest.importorskip("bson")
    values = {
        "i": 1,
        "l": bson.Int64(1),
        "d": 1.5,
        "m": bson.Decimal128("1.5"),
        "b": b"x",
        "n": None,
        "o": bson.ObjectId(),
        "u": bson.Binary(b"x" * 16, 4),
        "t": bson.Timestamp(1, 1),
        "a": [1, "x"],
        "e": [],
        "s": {"in": {"in": [{"x": 1}]}},
        "min": bson.MinKey(),
        "": 1,
        "x.y": {"::": 1},
        "a b": {"": 1},
        "A B": 2,
        "dot.": {".": 1},
    }
    make(
        "kinds",
        {"insert": "a.b::c\"d'", "documents": [{"_id": 1, **values}, {"_id": 2, "i": "x"}]},
        {"insert": "plain", "documents": [{"_id": 1, "x": 1}]},
        {"create": "empty"},
        {"create": "series", "timeseries": {"timeField": "at"}},
        {"create": "v", "viewOn": "plain", "pipeline": [{"$unionWith": "empty"}]},
        {"create": "renamed", "viewOn": "plain", "pipeline": [{"$project": {"_id": 0, "y": "$x"}}]},
        {"create": "nothing", "viewOn": "empty", "pipeline": []},
    )
    with StrictCatalogue() as catalogue:

        def run(kind, options):
            connection = server.config(databaseSchema="kinds", databaseName="house")
            tree = {
                "source": {
                    "type": kind,
                    "serviceName": "svc",
                    "serviceConnection": {"config": connection},
                    "sourceConfig": {"config": options},
                },
                "sink": {"type": "metadata-rest", "config": {}},
                "workflowConfig": {"openMetadataServerConfig": {
                    "hostPort": catalogue.url, "authProvider": "openmetadata",
                    "securityConfig": {"jwtToken": "t"}}},
            }  # fmt: skip
            path = tmp_path / f"{kind}.yaml"
            path.write_text(yaml.safe_dump(tree))
            report = ri.load(path, flags={"engine": "local"}).run().report
            assert report.state == "success", report.errors
            return report

        first = run("mongodb", {"type": "DatabaseMetadata"})
        assert first.types["table"]["ok"] == 7
        assert run("mongodb", {"type": "DatabaseMetadata"}).types["table"]["unchanged"] == 7
        run("mongodb-lineage", {"type": "DatabaseLineage"})
        told = {each["name"]: each for each in catalogue.entities("tables").values()}
        edges = catalogue.entities("lineage")
        assert catalogue.validation_errors() == []
    assert told["v"]["schemaDefinition"].startswith('db.getCollection("plain")')
    columns = {each["name"]: each for each in told["plain"]["columns"]}
    assert columns["_id"]["constraint"] == "PRIMARY_KEY"
    inside = fqn.join("svc", "house", "kinds")
    ends = {
        tuple(each.strip().removeprefix(f"{inside}.") for each in name.split("->"))
        for name in edges
    }
    assert ends == {("plain", "v"), ("empty", "v"), ("plain", "renamed"), ("empty", "nothing")}
    ((named,),) = [
        each["edge"]["lineageDetails"]["columnsLineage"]
        for name, each in edges.items()
        if name.endswith("renamed")
    ]
    assert named == {
        "fromColumns": [f"{inside}.plain.x"],
        "toColumn": f"{inside}.renamed.y",
    }
