"""What the stock client sent for a PostgreSQL database, rebuilt from our entities: same meaning.

Differences that are ignored, and why:
* `sourceHash`: each client's own.
* foreign keys: the stock client patches them in afterwards (`PATCH /tables/{id}`), we put the whole
  table again; compared is the table with its patch applied.
* in a patch: `fullyQualifiedName` and `ordinalPosition` of columns, which the server had answered.
* the service: the stock client sends every default of the connection and its `supports…` flags,
  we send what the user wrote.
"""

import json
from typing import Any

from rayingest.core import fqn
from rayingest.model import (
    Column,
    ColumnConstraint,
    Database,
    DatabaseSchema,
    DatabaseService,
    Table,
    TableConstraint,
    TableType,
)
from rayingest.sinks.openmetadata.session import OpenMetadataSession
from rayingest.testing.catalogue import StrictCatalogue

from ..recorded import needs_recorded, sent, tables
from .world import openmetadata

pytestmark = needs_recorded


def column(recorded: dict[str, Any]) -> Column:
    constraint = recorded.get("constraint")
    return Column(
        name=recorded["name"],
        data_type=recorded["dataType"],
        data_type_display=recorded.get("dataTypeDisplay"),
        array_data_type=recorded.get("arrayDataType"),
        data_length=length if (length := recorded["dataLength"]) > 1 else None,  # 1: it has none
        precision=recorded.get("precision"),
        scale=recorded.get("scale"),
        constraint=ColumnConstraint(constraint) if constraint else None,
        description=recorded.get("description"),
    )


def table(recorded: dict[str, Any]) -> Table:
    constraints = tuple(
        TableConstraint(
            constraint_type=each["constraintType"],
            columns=tuple(each["columns"]),
            referred_columns=tuple(each.get("referredColumns") or ()),
            relationship_type=each.get("relationshipType"),
        )
        for each in recorded.get("tableConstraints") or ()
    )
    return Table(
        name=recorded["name"],
        fqn=fqn.child(recorded["databaseSchema"], recorded["name"]),
        database_schema=recorded["databaseSchema"],
        description=recorded.get("description"),
        table_type=TableType(recorded["tableType"]),
        columns=tuple(column(each) for each in recorded["columns"]),
        constraints=constraints,
        schema_definition=recorded.get("schemaDefinition"),
    )


def meaning(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what is ignored."""
    return {key: value for key, value in body.items() if key != "sourceHash" and value}


def test_tables_with_their_foreign_keys(catalogue: StrictCatalogue) -> None:
    recorded = tables()
    assert len(recorded) > 100
    assert any(each.get("schemaDefinition") for each in recorded.values())
    with openmetadata(catalogue).open() as session:
        for name, body in recorded.items():
            row = session.encode(table(body))
            assert row.fqn == name
            assert meaning(json.loads(row.body)) == meaning(body)


def test_databases_schemas_and_the_service(catalogue: StrictCatalogue) -> None:
    with openmetadata(catalogue).open() as session:
        for body in sent("PUT", "/databases/bulk"):
            name = fqn.child(body["service"], body["name"])
            entity = Database(name=body["name"], fqn=name, service=body["service"])
            assert meaning(_sent_by(session, entity)) == meaning(body)
        for body in sent("PUT", "/databaseSchemas/bulk"):
            name = fqn.child(body["database"], body["name"])
            schema = DatabaseSchema(name=body["name"], fqn=name, database=body["database"])
            assert meaning(_sent_by(session, schema)) == meaning(body)
        (body,) = sent("PUT", "/services/databaseServices")
        service = DatabaseService(
            name=body["name"], fqn=body["name"], service_type=body["serviceType"]
        )
        ours = _sent_by(session, service)
    assert {key: ours[key] for key in ("name", "serviceType")} == {
        key: body[key] for key in ("name", "serviceType")
    }
    assert set(ours["connection"]["config"]) <= set(body["connection"]["config"])


def _sent_by(session: OpenMetadataSession, entity: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(session.encode(entity).body)
    return found
