"""Databases with PostgreSQL's catalogue: what is their own is hidden."""

import pytest

from rayingest.connectors.database.greenplum import CONNECTOR as GREENPLUM
from rayingest.connectors.database.timescale import CONNECTOR as TIMESCALE
from rayingest.model import EntityType
from rayingest.testing.probe import Probe

SCHEMAS = (
    "_timescaledb_internal",
    "timescaledb_information",
    "gp_toolkit",
    "pgx",
    "information_schema_of_ours",
)


@pytest.mark.parametrize(
    ("connector", "kind", "hidden"),
    [
        (TIMESCALE, "Timescale", {"_timescaledb_internal", "timescaledb_information"}),
        (GREENPLUM, "Greenplum", {"gp_toolkit"}),
    ],
)
def test_schemas_of_the_product_are_hidden(server, connector, kind, hidden):
    name = kind.lower()
    server.create(name)
    with server.connect(name) as connection:
        for each in SCHEMAS:
            connection.execute(f"create schema {each}")
            connection.execute(f"create table {each}.t (i int)")
    probe = Probe(connector, server.config(name, type=kind))
    found = {each.metadata["name"] for each in probe.descriptors(EntityType.DATABASE_SCHEMA)}
    assert found == {*SCHEMAS, "public"} - hidden
    schemas = next(
        each for each in connector.check(probe.settings()) if each.capability == "schemas"
    )
    assert schemas.why == f"{len(found)} schemas"
