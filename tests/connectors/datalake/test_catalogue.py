"""What OpenMetadata says of a data lake: its connection is taken unchanged, and it takes what is told."""

import json

import pytest
import yaml

import rayingest as ri
from rayingest.connectors.database.datalake import DatalakeConnection
from rayingest.kit.storage.connection import AzureStorage, GcsStorage, LocalStorage, S3Storage
from rayingest.testing import StrictCatalogue

from .story import library

SCHEMAS = "openmetadata/schemas/entity/services/connections/database"
S3 = {
    "securityConfig": {
        "awsRegion": "eu-west-1",
        "awsAccessKeyId": "k",
        "awsSecretAccessKey": "canary",
    }
}
EVERYTHING = {
    "type": "Datalake",
    "configSource": S3,
    "bucketName": "b",
    "prefix": "p",
    "databaseName": "d",
    "connectionOptions": {"a": "b"},
    "connectionArguments": {"a": "b"},
    "schemaFilterPattern": {"includes": ["a"]},
    "tableFilterPattern": {"excludes": ["a"]},
    "databaseFilterPattern": {"includes": ["a"]},
    "supportsMetadataExtraction": True,
    "supportsProfiler": True,
    "sampleDataStorageConfig": {"config": {"bucketName": "b"}},
    "skipColdStorage": True,
}
PRINCIPAL = {"clientId": "i", "clientSecret": "s", "tenantId": "t", "accountName": "a"}


def test_every_field_of_openmetadatas_model_is_taken(contracts):
    schema = json.loads((contracts / SCHEMAS / "datalakeConnection.json").read_text())
    assert EVERYTHING.keys() == schema["properties"].keys()
    taken = DatalakeConnection.model_validate(EVERYTHING)
    assert taken.model_fields_set == EVERYTHING.keys()
    required = {k for k, v in DatalakeConnection.model_fields.items() if v.is_required()}
    assert required == set(schema["required"])
    assert "canary" not in repr(taken)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({}, LocalStorage),
        (S3, S3Storage),
        ({"securityConfig": {"gcpConfig": {"type": "gcp_adc"}}}, GcsStorage),
        ({"securityConfig": PRINCIPAL}, AzureStorage),
        ({"securityConfig": {"accountName": "a"}}, AzureStorage),
    ],
)
def test_the_credentials_tell_where_the_files_are(given, kind):
    assert type(DatalakeConnection.model_validate({"configSource": given}).configSource) is kind


@pytest.mark.usefixtures("contracts")
def test_the_catalogue_takes_it_all_and_a_second_run_writes_nothing(s3, tmp_path, monkeypatch):
    """From S3: {} for this machine is each of the four kinds of configSource to a judge by the schema."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    connection = s3({**library(), 'a/q"uote::x.csv': b"a,b::c\n1,2\n"}).config
    with StrictCatalogue() as catalogue:
        tree = {
            "source": {
                "type": "datalake",
                "serviceName": "svc",
                "serviceConnection": {"config": {"type": "Datalake", **connection}},
                "sourceConfig": {"config": {"type": "DatabaseMetadata"}},
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
        assert first.types["table"]["ok"] == 7
        second = ri.load(path, flags={"engine": "local"}).run().report
        assert second.state == "success", second.errors
        assert second.types["table"]["unchanged"] == 7
