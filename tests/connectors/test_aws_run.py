"""Whole runs from AWS into a catalogue that judges each body, and the secrets that are left nowhere."""

from pathlib import Path

import pytest
import yaml

import rayingest as ri
from rayingest.testing import StrictCatalogue

from ..running import TOKEN, balanced, outcome
from .aws import KEYS, serving
from .dynamodb import story
from .glue_tables import columns, table, tell, view

SCHEMA = 'ö"d.d'
ODD_TABLES = (
    table(
        *('x"y.z::a', "i bigint", "a array<array<int>>", "e array<strange>", "b binary"),
        *("m map<string,struct<a:int>>", "u uniontype<int,string>", "v void", "c char"),
        *("s struct<a:array<struct<`b c`:binary>>>", "iv interval_day_time", "nothing "),
        PartitionKeys=columns("day date"),
    ),
    view("v", "select 1", "i int"),
    {"Name": "bare"},
    table("kept", "i int", TableType="MATERIALIZED_VIEW"),
    table("link", "i int", TargetTable={"DatabaseName": "a", "Name": "b"}),
)
ODD_ITEM = {
    "id": {"B": b"1"},
    "empty": {"L": []},
    "deep": {"L": [{"L": [{"S": "x"}]}, {"N": "1"}]},
    "map": {"M": {"a::b": {"M": {"c": {"SS": ["a"]}}}, "x.y": {"L": [{"M": {"z": {"B": b"x"}}}]}}},
    "never": {"NULL": True},
    "bytes": {"BS": [b"x"]},
    'ünï " q': {"BOOL": True},
}
ATHENA = {"s3StagingDir": "s3://a/b", "workgroup": "primary"}


@pytest.fixture(scope="module")
def aws():
    with serving() as running:
        glue, dynamo = running.client("glue"), running.client("dynamodb")
        tell(glue)
        glue.create_database(DatabaseInput={"Name": SCHEMA})
        for each in ODD_TABLES:
            glue.create_table(DatabaseName=SCHEMA, TableInput=each)
        story.tell(dynamo)
        story.make(dynamo, "odd.one", "id:B")
        dynamo.put_item(TableName="odd.one", Item=ODD_ITEM)
        dynamo.put_item(
            TableName="odd.one", Item={**ODD_ITEM, "id": {"B": b"2"}, "empty": {"S": "no list"}}
        )
        yield running


@pytest.mark.usefixtures("contracts")
@pytest.mark.parametrize(
    ("name", "connection", "tables"),
    [
        ("glue", {"type": "Glue"}, 9),
        ("athena", {"type": "Athena", **ATHENA}, 9),
        ("dynamodb", {"type": "DynamoDB"}, 3),
    ],
)
def test_everything_arrives_and_once(aws, tmp_path, name, connection, tables):
    with StrictCatalogue(token=TOKEN) as catalogue:
        path = config(tmp_path, catalogue, name, {"awsConfig": aws.config(), **connection})
        run = finished(path)
        assert len(outcome(catalogue)["tables"]) == tables
        assert run.report.types["table"]["ok"] == tables
        again = finished(path)
        assert again.report.types["table"]["unchanged"] == tables
        assert catalogue.validation_errors() == []


def finished(path):
    run = ri.load(path, flags={"engine": "local"}).run(allow_untested=True)
    balanced(run.report)
    assert run.report.exit_code == 0, run.report.verdict
    files = [each for each in Path(run.directory.url).rglob("*") if each.is_file()]
    assert not [each for each in files if KEYS["awsSecretAccessKey"] in each.read_text()]
    return run


def config(folder, catalogue, name, connection):
    server = {
        "hostPort": catalogue.url,
        "authProvider": "openmetadata",
        "securityConfig": {"jwtToken": TOKEN},
    }
    tree = {
        "source": {
            "type": name,
            "serviceName": "lake",
            "serviceConnection": {"config": connection},
            "sourceConfig": {"config": {"type": "DatabaseMetadata", "includeOwners": True}},
        },
        "sink": {"type": "metadata-rest", "config": {}},
        "workflowConfig": {
            "openMetadataServerConfig": server,
            "distributedExecution": {"sinkOutageSeconds": 1},
        },
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path
