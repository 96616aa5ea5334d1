"""A REST catalogue: views, sign-in, pages, refusals, silence; what OpenMetadata's YAML was."""

import socket

import pytest

from rayingest.config.connection import AwsCredentials, AzureCredentials
from rayingest.connectors.database._iceberg import connection as models
from rayingest.connectors.database._iceberg import properties
from rayingest.connectors.database.iceberg import CONNECTOR
from rayingest.errors import (
    ConfigError,
    Denied,
    Gone,
    Permanent,
    Retryable,
    SessionLost,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.model import EntityType, TableType
from rayingest.testing.probe import Probe, of, sort

from .conftest import over_rest
from .server import CLIENT, CUT, SECRET, TOKEN, view
from .story import field, schema, tell

SCHEMA, TABLE = EntityType.DATABASE_SCHEMA, EntityType.TABLE
FIELDS = [
    {"id": 1, "name": "id", "type": "long", "required": True, "doc": "who"},
    {"id": 2, "name": "title", "type": "string", "required": False},
]
SQL = "select id, title from library.book where price < 10"


def test_rest_tells_what_the_sql_catalogue_tells(made, server, probe):
    tell(made)
    wanted = {"options": {"includeOwners": True}}
    assert over_rest(server).entities(TABLE, **wanted) == probe.entities(TABLE, **wanted)
    assert over_rest(server).entities(SCHEMA, **wanted) == probe.entities(SCHEMA, **wanted)


def test_views_with_their_text(made, server):
    tell(made)
    server.views["library", "cheap_book"] = view(FIELDS, spark=SQL, trino="select 1")
    found = over_rest(server).entities(TABLE, options={"includeOwners": True})
    cheap = found["svc.default.library.cheap_book"]
    assert (cheap.table_type, cheap.schema_definition) == (TableType.VIEW, SQL)
    assert [(c.name, c.data_type, c.constraint) for c in cheap.columns] == [
        ("id", "BIGINT", "NOT_NULL"),
        ("title", "STRING", "NULL"),
    ]
    assert (cheap.description, [each.name for each in cheap.owners]) == ("A view", ["ada"])
    over_rest(server).agree(TABLE)
    only = over_rest(server).descriptors(TABLE, options={"includeTables": False})
    assert [each.metadata["name"] for each in only] == ["cheap_book"]
    without = over_rest(server).descriptors(TABLE, options={"includeViews": False})
    assert "cheap_book" not in [each.metadata["name"] for each in without]


def test_a_call_for_each_table_and_pages_of_names(made, server):
    made.create_namespace("s")
    for each in range(20):
        made.create_table(("s", f"t{each}"), schema(field(1, "x")))
    server.pages = 7
    with over_rest(server).open() as source:
        listed = of(source.discover_entities(TABLE, "svc.default.s"))
        assert len(listed) == 20
        before = len(server.requests)
        sort(source.process_entities(listed))
        assert len(server.requests) - before == 20


def test_namespaces_in_each_other(made, server):
    for each in (("a",), ("a", "b")):
        made.create_namespace(each)
        made.create_table((*each, "t"), schema(field(1, "x")))
    assert sorted(over_rest(server).entities(TABLE)) == ['svc.default."a.b".t', "svc.default.a.t"]


def test_a_client_of_oauth(made, server):
    tell(made)
    good = {"credential": {"clientId": CLIENT, "clientSecret": SECRET}}
    assert len(over_rest(server, **good).entities(TABLE)) == 3
    for wrong in (
        {"credential": {"clientId": CLIENT, "clientSecret": "canary-2"}},
        {"token": "canary-2"},
    ):
        with pytest.raises(Unauthorised) as caught:
            over_rest(server, **wrong).open().__enter__()
        assert "catalog.connection" in caught.value.hint
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"), [(403, Denied), (429, Throttled), (503, Retryable), (500, Retryable)]
)
def test_a_listing_that_is_refused(made, server, status, kind):
    tell(made)
    with over_rest(server).open() as source:
        server.faults += [(status, "It")] * 5
        with pytest.raises(kind):
            list(source.discover_entities(TABLE, "svc.default.library"))


def test_one_table_that_is_denied_costs_itself_alone(made, server):
    tell(made)
    descriptors = over_rest(server).descriptors(TABLE)
    with over_rest(server).open() as source:
        server.faults += [(403, "ForbiddenException")]
        found, failed = sort(source.process_entities(descriptors))
    assert len(found) == 2
    (error,) = failed.values()
    assert isinstance(error, Denied)
    assert "load" in error.hint


def test_a_busy_server_is_asked_again(made, server):
    tell(made)
    descriptors = over_rest(server).descriptors(TABLE)
    with over_rest(server).open() as source:
        server.faults += [(503, "SlowDownException")]
        found, _ = sort(source.process_entities(descriptors))
    assert len(found) == 3


def test_a_connection_that_is_cut_is_made_again(made, server):
    tell(made)
    descriptors = over_rest(server).descriptors(TABLE)
    with over_rest(server).open() as source:
        server.faults += [(0, CUT)]
        found, _ = sort(source.process_entities(descriptors))
        assert len(found) == 3
        server.faults += [(0, CUT)] * 3
        with pytest.raises(SessionLost):
            list(source.process_entities(descriptors))


def test_what_is_dropped_is_gone(made, server):
    tell(made)
    server.views["library", "v"] = view(FIELDS, spark=SQL)
    descriptors = over_rest(server).descriptors(TABLE)
    made.drop_table(("library", "book"))
    del server.views["library", "v"]
    with over_rest(server).open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert len(found) == 2
    assert {type(each) for each in failed.values()} == {Gone}


def test_a_view_that_is_broken_costs_itself_alone(made, server):
    tell(made)
    server.views["library", "v"] = {"format-version": 9}
    descriptors = over_rest(server).descriptors(TABLE)
    with over_rest(server).open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert len(found) == 3
    assert [type(each) for each in failed.values()] == [Permanent]


def test_a_silent_server_is_not_waited_for(made, server):
    server.silent.set()
    with pytest.raises(TimedOut):
        over_rest(server).open(call_timeout=0.3).__enter__()


def test_nobody_at_the_address():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        connection = {"uri": f"http://127.0.0.1:{taken.getsockname()[1]}", "token": TOKEN}
        asked = Probe(CONNECTOR, {"catalog": {"name": "c", "connection": connection}})
        with pytest.raises(Unreachable, match=r"^127\.0\.0\.1:\d+ does not answer: ") as caught:
            asked.open().__enter__()
        assert "catalog.connection" in caught.value.hint
        assert [each.status for each in CONNECTOR.check(asked.settings())] == ["failed"]


def test_an_address_of_neither_kind():
    asked = Probe(CONNECTOR, {"catalog": {"name": "c", "connection": {"uri": "jdbc:x"}}})
    with pytest.raises(ConfigError, match="neither") as caught:
        asked.open().__enter__()
    assert "sqlUri" in caught.value.hint


AWS = {"awsRegion": "eu-west-1", "awsAccessKeyId": "AKIA", "awsSecretAccessKey": "canary"}
YAML = {
    "rest": {
        "uri": "https://rest/ws/",
        "credential": {"clientId": "i", "clientSecret": "canary"},
        "token": "canary",
        "ssl": {"caCertPath": "/ca", "clientCertPath": "/cert", "privateKeyPath": "/key"},
        "sigv4": {"signingRegion": "eu-west-1", "signingName": "execute-api"},
        "fileSystem": {"type": AWS},
    },
    "hive": {"uri": "thrift://localhost:9083", "fileSystem": {"type": {"accountName": "a"}}},
    "local": {"uri": "thrift://localhost:9083", "fileSystem": {"type": None}},
    "glue": {"awsConfig": AWS},
    "dynamo": {"tableName": "iceberg", "awsConfig": AWS},
}
KINDS = {
    **dict.fromkeys(("rest", "hive", "local"), models.UriCatalog),
    "glue": models.GlueCatalog,
    "dynamo": models.DynamoCatalog,
}


@pytest.mark.parametrize("name", YAML)
def test_what_was_openmetadatas_yaml_works_unchanged(name):
    """Every key of the connection that OpenMetadata had; `type` becomes what its catalogue takes today."""
    catalog = {
        "name": "c",
        "connection": YAML[name],
        "databaseName": "d",
        "warehouseLocation": "s3://w",
    }
    given = {"type": "Iceberg", "catalog": catalog, "ownershipProperty": "who"}
    model = CONNECTOR.connection.model_validate({**given, "supportsMetadataExtraction": True})
    assert model.type == "CustomDatabase"
    assert type(model.catalog.connection) is KINDS[name]
    assert "canary" not in repr(model)


def test_what_pyiceberg_is_told():
    told = properties.rest(models.UriCatalog.model_validate(YAML["rest"]))
    assert told == {
        "uri": "https://rest/ws/",
        "token": "canary",
        "credential": "i:canary",
        "oauth2-server-uri": "https://rest/ws/v1/oauth/tokens",
        "rest.sigv4-enabled": "true",
        "rest.signing-region": "eu-west-1",
        "rest.signing-name": "execute-api",
        "ssl": {"cabundle": "/ca", "client": {"cert": "/cert", "key": "/key"}},
    }
    principal = {"accountName": "a", "clientId": "i", "clientSecret": "s", "tenantId": "t"}
    assert properties.azure(AzureCredentials.model_validate(principal)) == {
        "adls.account-name": "a",
        "adls.client-id": "i",
        "adls.client-secret": "s",
        "adls.tenant-id": "t",
    }
    found = properties.of_aws(models.UriCatalog.model_validate(YAML["rest"]))
    assert isinstance(found, AwsCredentials)
    assert properties.of_azure(models.UriCatalog.model_validate(YAML["hive"]))
