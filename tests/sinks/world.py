"""A small database whose names are hostile, and a catalogue to write it to."""

from typing import Any

from pydantic import SecretStr

from rayingest.core import fqn
from rayingest.model import (
    Column,
    ColumnConstraint,
    Database,
    DatabaseSchema,
    DatabaseService,
    Entity,
    Owner,
    PartitionColumn,
    StoredProcedure,
    Table,
    TableConstraint,
    TableType,
    Tag,
)
from rayingest.sinks.openmetadata import OpenMetadata
from rayingest.sinks.openmetadata.settings import Login, Server, Service
from rayingest.testing.catalogue import StrictCatalogue

TOKEN = "token-canary-4711"  # noqa: S105
PASSWORD = "password-canary-0815"  # noqa: S105
HOSTILE = [
    "plain",
    "with.dot",
    'quo"te',
    "arrow->",
    "co::lon",
    "tab\tnew\nline",
    "ünï😀",
    "select",
    "Case",
    "case",
    " ",
    "'; DROP TABLE tables; --",
]


def openmetadata(catalogue: StrictCatalogue, **changes: Any) -> OpenMetadata:
    server = {
        "host_port": catalogue.url,
        "login": Login(kind="token", token=SecretStr(TOKEN)),
        **changes,
    }
    connection = {
        "username": "reader",
        "hostPort": "db:5432",
        "database": "shop",
        "authType": {"password": SecretStr(PASSWORD)},
    }
    return OpenMetadata(server=Server(**server), service=Service(connection=connection))


SERVICE = DatabaseService(name="shop pg", fqn=fqn.join("shop pg"), service_type="Postgres")
DATABASE = Database(name="my.shop", fqn=fqn.child(SERVICE.fqn, "my.shop"), service=SERVICE.fqn)
SCHEMA = DatabaseSchema(
    name="sales", fqn=fqn.child(DATABASE.fqn, "sales"), database=DATABASE.fqn, description="Sales."
)


def table(name: str, **changes: Any) -> Table:
    given: dict[str, Any] = {
        "description": f"table {name}",
        "columns": (
            Column(
                name="id",
                data_type="INT",
                constraint=ColumnConstraint.PRIMARY_KEY,
                ordinal_position=1,
            ),
            Column(name="label", data_type="VARCHAR", data_length=40, ordinal_position=2),
        ),
        **changes,
    }
    return Table(name=name, fqn=fqn.child(SCHEMA.fqn, name), database_schema=SCHEMA.fqn, **given)


def foreign_key(*columns: str, to: str) -> TableConstraint:
    target = fqn.child(SCHEMA.fqn, to)
    return TableConstraint(
        constraint_type="FOREIGN_KEY",
        columns=columns,
        referred_columns=tuple(fqn.child(target, "id") for _ in columns),
        referred_table=target,
        relationship_type="MANY_TO_ONE",
    )


def rich_table() -> Table:
    return table(
        "rich",
        table_type=TableType.PARTITIONED,
        schema_definition="CREATE TABLE rich (…)",
        owners=(Owner(name="ada"), Owner(name="nobody")),
        tags=(Tag(classification="Cost", name="high.price", description="Costly."),),
        columns=(
            Column(name="id", data_type="INT"),
            Column(name="sized", data_type="VARCHAR"),
            Column(name="list", data_type="ARRAY"),
            Column(name="odd", data_type="NO SUCH TYPE"),
            Column(name='q"', data_type="TEXT", tags=(Tag(classification="PII", name="Name"),)),
            Column(
                name="struct",
                data_type="STRUCT",
                children=(Column(name="in::side", data_type="CHAR"),),
            ),
        ),
        constraints=(
            TableConstraint(constraint_type="UNIQUE", columns=("id", 'q"')),
            foreign_key("id", to="plain"),
        ),
        partition=(PartitionColumn(column_name='q"', interval_type="COLUMN-VALUE"),),
    )


def small_database() -> list[Entity]:
    """Every entity type, parents first."""
    procedure = StoredProcedure(
        name="refresh()",
        fqn=fqn.child(SCHEMA.fqn, "refresh()"),
        database_schema=SCHEMA.fqn,
        code="BEGIN; END",
        language="plpgsql",
    )
    tables = [table(name) for name in HOSTILE]
    return [SERVICE, DATABASE, SCHEMA, *tables, rich_table(), procedure]
