"""What Presto does otherwise than Trino."""

import pytest

from rayingest.connectors.database.presto import CONNECTOR
from rayingest.errors import ConfigError, Gone, Unauthorised
from rayingest.kit.sql.trino.connect import Address
from rayingest.model import EntityType
from rayingest.testing.probe import sort

TABLE = EntityType.TABLE
DDL = {"includeDDL": True}


def test_headers_have_its_name(cluster, probe):
    probe.descriptors(TABLE, connectionArguments={"session_props": {"a": "b"}, "source": "x"})
    sent = cluster.headers[-1]
    assert sent["x-presto-user"] == "ada"
    assert sent["x-presto-session"] == "a=b"
    assert sent["x-presto-source"] == "x"
    assert not [each for each in sent if each.startswith("x-trino")]


def test_comments_on_tables_come_with_ddl_and_those_on_columns_always(cluster, probe):
    book = probe.entities(TABLE)["svc.shop.library.book"]
    assert (book.description, book.columns[1].description) == (None, "As printed")
    assert probe.entities(TABLE, options=DDL)["svc.shop.library.book"].description == "All books"
    assert not [each for each in cluster.statements if "table_comments" in each]
    told = {each.capability: each for each in CONNECTOR.check(probe.settings())}
    assert told["comments"].status == "warning"
    assert "includeDDL" in told["comments"].grant


def test_a_table_that_was_dropped_is_gone(cluster, probe):
    """Presto calls that an error of syntax."""
    descriptors = probe.descriptors(TABLE)
    cluster.drop("shop", "library", "loan")
    with probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert len(found) == 3
    assert isinstance(failed["svc.shop.library.loan"], Gone)


def test_its_password_and_protocol(cluster, probe):
    cluster.passwords = {"ada": "pass-9f", "service": "s-9f"}
    right, wrong = ({"password": each, "protocol": "http"} for each in ("pass-9f", "canary-9f"))
    assert probe.descriptors(TABLE, **right)
    with pytest.raises(Unauthorised):
        probe.open(**wrong).__enter__()
    given = {"username": "u", "password": "x", "hostPort": "h"}
    assert Address.of(CONNECTOR.connection.model_validate(given)).url == "https://h:443"
    with pytest.raises(ConfigError, match="http_scheme cannot be read"):
        Address.of(CONNECTOR.connection.model_validate({**given, "protocol": "gopher"}))
    cluster.impersonators = {"service"}
    asked = {"password": "s-9f", "connectionArguments": {"principal_username": "service"}}
    assert probe.descriptors(TABLE, **asked, protocol="http")


def test_the_vendors_client_reads_every_answer(cluster, probe):
    client = pytest.importorskip("prestodb")
    probe.entities(TABLE, options=DDL)
    said = list(dict.fromkeys(cluster.statements))
    host, _, port = probe.config["hostPort"].partition(":")
    connection = client.dbapi.connect(
        host=host, port=int(port), user="ada", catalog="shop", schema="library"
    )
    with probe.open() as source:
        for each in said:
            cursor = connection.cursor()
            cursor.execute(each)
            theirs = [tuple(row) for row in cursor.fetchall()]
            with source._session("") as session:
                assert theirs == session.rows(each)
