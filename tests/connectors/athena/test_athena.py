"""Athena: Glue's tables, of the catalogue that the config means; what is not in Glue is named."""

import json
import pickle

import pytest

from rayingest.connectors.database.athena import CONNECTOR
from rayingest.errors import Denied
from rayingest.model import EntityType
from rayingest.testing.probe import Probe

from ..aws import ACCOUNT, serving
from ..glue_tables import tell

FIELDS = (
    "type scheme awsConfig s3StagingDir workgroup catalogId databaseName connectionOptions "
    "connectionArguments schemaFilterPattern tableFilterPattern databaseFilterPattern "
    "supportsMetadataExtraction supportsDBTExtraction supportsProfiler supportsQueryComment "
    "supportsUsageExtraction supportsLineageExtraction supportsDataDiff sampleDataStorageConfig"
)


@pytest.fixture(scope="module")
def aws():
    with serving() as running:
        tell(running.client("glue"))
        yield running


@pytest.fixture
def probe(aws):
    del aws.faults[:]
    where = {"s3StagingDir": "s3://x/", "workgroup": "primary"}
    return Probe(CONNECTOR, {"awsConfig": aws.config(), **where})


def catalogs(aws):
    """What the last listings named their catalogue by."""
    return {json.loads(each).get("CatalogId") for each in aws.bodies[-3:]}


def test_tables_are_glues(probe):
    tables = probe.entities(EntityType.TABLE)
    assert set(tables) == {
        f"svc.default.library.{each}" for each in ("author", "book", "loan", "cheap_book")
    }
    assert tables["svc.default.library.cheap_book"].schema_definition.startswith("SELECT id")


@pytest.mark.parametrize(
    ("given", "named"),
    [(None, None), ("AwsDataCatalog", None), ("111122223333", "111122223333")],
)
def test_the_catalogue_is_the_one_that_the_config_means(aws, probe, given, named):
    probe.listing(catalogId=given)
    assert catalogs(aws) == {named}


def test_a_bucket_of_s3_tables_is_named_with_its_account(aws, probe):
    with aws.counted() as requests:
        probe.listing(catalogId="s3tablescatalog/lake")
    assert requests[0] == "sts"
    assert requests.count("sts") == 1
    assert catalogs(aws) == {f"{ACCOUNT}:s3tablescatalog/lake"}


def test_other_catalogues_are_named_as_not_read(aws, probe):
    assert {each.status for each in CONNECTOR.check(probe.settings())} == {"ok"}
    athena = aws.client("athena")
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"
    athena.create_data_catalog(
        Name="orders", Type="LAMBDA", Description="x", Parameters={"function": arn}
    )
    *_, told = CONNECTOR.check(probe.settings())
    assert (told.capability, told.status) == ("databases", "warning")
    assert told.why == "these data catalogs of Athena are not read: orders (LAMBDA)"
    aws.faults.append(("ListDataCatalogs", 400, "AccessDeniedException", "no"))
    *_, told = CONNECTOR.check(probe.settings())
    assert (told.status, told.grant) == (
        "denied",
        "Allow athena:ListDataCatalogs in an IAM policy of the user of awsConfig.",
    )


def test_a_catalogue_that_may_not_be_seen(aws, probe):
    aws.faults.append(("GetDatabases", 400, "AccessDeniedException", "not yours"))
    with (
        probe.open(catalogId="111122223333") as source,
        pytest.raises(Denied, match="not yours"),
    ):
        list(source.discover_entities(EntityType.DATABASE))


def test_the_connection_is_openmetadatas():
    assert set(FIELDS.split()) <= set(CONNECTOR.connection.model_fields)


def test_the_connector_pickles():
    assert pickle.loads(pickle.dumps(CONNECTOR)).service_type == "Athena"
