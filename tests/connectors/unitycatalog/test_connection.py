"""What users write: every field of OpenMetadata's, three ways to log in, addresses as they are copied."""

import json

import pytest
from pydantic import ValidationError

from rayingest.connectors.database._unity.connect import AZURE_DATABRICKS, _auth
from rayingest.connectors.database.databricks import DatabricksConnection
from rayingest.connectors.database.unitycatalog import UnityCatalogConnection

TOKEN = {"authType": {"token": "dapi-1"}, "hostPort": "w.azuredatabricks.net:443"}
EVERYTHING = {
    "scheme": "databricks+connector",
    "hostPort": "adb-1.2.azuredatabricks.net:443",
    "authType": {"token": "dapi-1"},
    "httpPath": "/sql/1.0/warehouses/abc",
    "catalog": "shop",
    "databaseSchema": "web",
    "connectionTimeout": 120,
    "connectionOptions": {"a": "b"},
    "connectionArguments": {"a": "b", "c": True},
    "schemaFilterPattern": {"includes": [], "excludes": ["^information_schema$"]},
    "tableFilterPattern": {"includes": ["a"]},
    "databaseFilterPattern": {"includes": [], "excludes": ["^system$"]},
    "supportsUsageExtraction": True,
    "supportsLineageExtraction": True,
    "supportsDBTExtraction": True,
    "supportsMetadataExtraction": True,
    "supportsProfiler": True,
    "supportsDatabase": True,
    "supportsQueryComment": True,
    "sampleDataStorageConfig": {"config": {"bucketName": "x"}},
}
MODELS = {
    "UnityCatalog": (UnityCatalogConnection, EVERYTHING),
    "Databricks": (
        DatabricksConnection,
        EVERYTHING | {"queryHistoryTable": "system.query.history"},
    ),
}


@pytest.mark.parametrize("kind", MODELS)
def test_every_field_of_openmetadatas_is_taken(kind):
    model, given = MODELS[kind]
    made = model.model_validate({"type": kind, **given})
    assert made.warehouse == "abc"
    assert "dapi-1" not in f"{made!r}{json.dumps(made.model_dump(mode='json'))}"


def test_databricks_wants_a_path_and_unity_catalog_none():
    assert UnityCatalogConnection.model_validate(TOKEN).warehouse is None
    with pytest.raises(ValidationError, match="httpPath"):
        DatabricksConnection.model_validate(TOKEN)


@pytest.mark.parametrize(
    ("path", "warehouse"),
    [
        ("/sql/1.0/warehouses/1a2b", "1a2b"),
        ("sql/1.0/endpoints/1a2b?o=7", "1a2b"),
        ("/sql/protocolv1/o/1234/0123-abc", None),
        ("nonsense", None),
    ],
)
def test_the_warehouse_of_a_path(path, warehouse):
    assert DatabricksConnection.model_validate({**TOKEN, "httpPath": path}).warehouse == warehouse


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("dbc-1.cloud.databricks.com", "https://dbc-1.cloud.databricks.com"),
        ("adb-1.2.azuredatabricks.net:443", "https://adb-1.2.azuredatabricks.net:443"),
        ("https://dbc-1.cloud.databricks.com/?o=1#x", "https://dbc-1.cloud.databricks.com"),
        (" http://127.0.0.1:80/api/2.1 ", "http://127.0.0.1:80"),
    ],
)
def test_addresses_as_they_are_copied(given, url):
    assert UnityCatalogConnection.model_validate({**TOKEN, "hostPort": given}).url == url


@pytest.mark.parametrize("given", ["", "https://", "a b"])
def test_what_is_no_address(given):
    with pytest.raises(ValidationError, match="expected the workspace"):
        UnityCatalogConnection.model_validate({**TOKEN, "hostPort": given})


def test_a_secret_that_is_missing_is_named_where_it_was_meant():
    with pytest.raises(ValidationError, match="clientSecret"):
        UnityCatalogConnection.model_validate({**TOKEN, "authType": {"clientId": "app"}})


@pytest.mark.parametrize(
    ("host", "log_in"),
    [
        ("adb-1.2.azuredatabricks.net", "https://login.microsoftonline.com"),
        ("adb-1.2.databricks.azure.us", "https://login.microsoftonline.us"),
        ("adb-1.2.databricks.azure.cn:443", "https://login.chinacloudapi.cn"),
    ],
)
def test_an_application_of_azure_logs_in_to_its_cloud(host, log_in):
    account = {"azureClientId": "app", "azureClientSecret": "s3cr3t", "azureTenantId": "ten/ant"}
    made = UnityCatalogConnection.model_validate({"hostPort": host, "authType": account})
    auth, secret = _auth(made)
    assert auth.url == f"{log_in}/ten%2Fant/oauth2/v2.0/token"
    assert (auth.scope, auth.in_body) == (f"{AZURE_DATABRICKS}/.default", True)
    assert secret == account["azureClientSecret"]
    assert secret not in repr(auth)


def test_azures_application_and_clouds_are_those_of_databricks_client():
    environments = pytest.importorskip("databricks.sdk.environments")
    assert environments.ARM_DATABRICKS_RESOURCE_ID == AZURE_DATABRICKS
    known = {
        each.dns_zone: each.azure_active_directory_endpoint.rstrip("/")
        for each in environments.ALL_ENVS
        if each.cloud is environments.Cloud.AZURE
    }
    for zone, log_in in known.items():
        account = {"azureClientId": "a", "azureClientSecret": "s", "azureTenantId": "t"}
        made = UnityCatalogConnection.model_validate({"hostPort": f"x{zone}", "authType": account})
        assert _auth(made)[0].url.startswith(f"{log_in}/t/")


def test_a_log_in_of_databricks_has_its_scope():
    account = {"clientId": "app", "clientSecret": "s3cr3t"}
    auth, _ = _auth(UnityCatalogConnection.model_validate({**TOKEN, "authType": account}))
    assert auth.url == "https://w.azuredatabricks.net:443/oidc/v1/token"
    assert (auth.scope, auth.in_body) == ("all-apis", False)
