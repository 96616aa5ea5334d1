"""Catalogues in AWS, Glue and DynamoDB, with files on S3: moto answers for all of them."""

import datetime as dt

import pytest

from rayingest.connectors.database.iceberg import CONNECTOR
from rayingest.errors import ConfigError, Denied, Unauthorised
from rayingest.model import EntityType
from rayingest.testing.probe import Probe, sort

from ..aws import ACCOUNT, KEYS, needed, serving
from .story import tell

SCHEMA, TABLE = EntityType.DATABASE_SCHEMA, EntityType.TABLE
FILES = {"py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO", "warehouse": "s3://lake/warehouse"}


@pytest.fixture(scope="module")
def server():
    needed("s3fs")
    with serving() as running:
        yield running


@pytest.fixture
def aws(server):
    where = {"LocationConstraint": "eu-west-1"}
    server.client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration=where)
    yield server
    server.reset()
    server.ends = None


def made(aws, kind, name, **more):
    """The writer's side of such a catalogue."""
    keys = {
        "client.region": "eu-west-1",
        "client.access-key-id": KEYS["awsAccessKeyId"],
        "client.secret-access-key": KEYS["awsSecretAccessKey"],
        "s3.endpoint": aws.url,
    }
    of = getattr(needed(f"pyiceberg.catalog.{kind}"), name)
    return of("story", client=aws.client(kind), **FILES, **keys, **more)


def asked(aws, connection=None, **more):
    connection = {**(connection or {}), "awsConfig": aws.config(**more)}
    return Probe(CONNECTOR, {"catalog": {"name": "story", "connection": connection}})


def glue(aws):
    return made(aws, "glue", "GlueCatalog")


def names(found):
    return [(each.name, [c.name for c in each.columns]) for each in found.values()]


def test_glue_tells_the_story(aws):
    tell(glue(aws))
    aws.client("glue").create_table(
        DatabaseName="library", TableInput={"Name": "hive", "TableType": "EXTERNAL_TABLE"}
    )
    probe = asked(aws)
    found = probe.entities(TABLE, options={"includeOwners": True})
    assert names(found) == [
        ("author", ["id", "name"]),
        ("book", ["id", "title", "author_id", "isbn", "price"]),
        ("loan", ["book_id", "day"]),
    ]
    book = found["svc.default.library.book"]
    assert (book.description, book.owners[0].name) == ("All books", "ada")
    assert book.location_path.startswith("s3://lake/warehouse/")
    probe.agree(TABLE)
    assert {each.status for each in CONNECTOR.check(probe.settings())} == {"ok"}


def test_dynamodb_tells_the_story(aws):
    tell(made(aws, "dynamodb", "DynamoDbCatalog", **{"table-name": "lakehouse"}))
    probe = asked(aws, {"tableName": "lakehouse"})
    assert [each for each, _ in names(probe.entities(TABLE))] == ["author", "book", "loan"]
    (library,) = probe.entities(SCHEMA).values()
    assert library.description == "All of it"


def test_no_table_of_dynamodb_is_made(aws):
    """pyiceberg makes one that is missing; who reads metadata must not."""
    with pytest.raises(ConfigError, match="no table 'lakehouse'"):
        asked(aws, {"tableName": "lakehouse"}).open().__enter__()
    assert aws.client("dynamodb").list_tables()["TableNames"] == []


def test_a_role_is_assumed_for_the_catalogue_and_the_files(aws):
    tell(glue(aws))
    # So short that botocore asks again before every call.
    aws.ends = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    before = len(aws.environs)
    role = f"arn:aws:iam::{ACCOUNT}:role/reader"
    assert len(asked(aws, assumeRoleArn=role).entities(TABLE)) == 3
    signed = [each for each in aws.environs[before:] if "/sts/" not in each["HTTP_AUTHORIZATION"]]
    assert signed
    assert not [each for each in signed if KEYS["awsAccessKeyId"] in each["HTTP_AUTHORIZATION"]]
    # Files are not read by the keys of the first moment only.
    keys = {
        each["HTTP_AUTHORIZATION"].split("/")[0]
        for each in signed
        if "/s3/" in each["HTTP_AUTHORIZATION"]
    }
    assert len(keys) > 1


def test_a_refusal_names_the_action(aws):
    tell(glue(aws))
    with asked(aws).open() as source:
        aws.faults += [("GetTables", 400, "AccessDeniedException", "no")] * 3
        with pytest.raises(Denied) as caught:
            list(source.discover_entities(TABLE, "svc.default.library"))
    del aws.faults[:]
    assert "IAM policy" in caught.value.hint


def test_keys_that_nobody_knows(aws):
    with asked(aws).open() as source:
        aws.faults += [("GetDatabases", 400, "UnrecognizedClientException", "no")] * 3
        with pytest.raises(Unauthorised):
            list(source.discover_entities(SCHEMA, "svc.default"))
    del aws.faults[:]


def test_a_file_that_is_gone_costs_itself_alone(aws):
    tell(glue(aws))
    descriptors = asked(aws).descriptors(TABLE)
    with asked(aws).open() as source:
        client = aws.client("s3")
        (first,) = [
            each["Key"]
            for each in client.list_objects_v2(Bucket="lake")["Contents"]
            if "/author/" in each["Key"]
        ]
        client.delete_object(Bucket="lake", Key=first)
        found, failed = sort(source.process_entities(descriptors))
    assert len(found) == 2
    assert [each.rpartition(".")[2] for each in failed] == ["author"]
