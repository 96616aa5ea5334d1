"""How entities are spelled for OpenMetadata, and what they refer to."""

import json
import sys
import time
from typing import Any

from pydantic import BaseModel

from rayingest.connectors.database.duckdb import DuckdbConnection
from rayingest.core import fqn
from rayingest.core.sink import identity
from rayingest.model import Column, Owner, StoredProcedure, Tag
from rayingest.sinks.openmetadata import OpenMetadata, settings
from rayingest.sinks.openmetadata.session import OpenMetadataSession
from rayingest.testing.catalogue import Faults, StrictCatalogue

from .world import (
    HOSTILE,
    PASSWORD,
    SERVICE,
    foreign_key,
    openmetadata,
    rich_table,
    table,
)


def body(session: OpenMetadataSession, entity: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(session.encode(entity).body)
    return found


def test_columns_get_what_openmetadata_asks_for(session: OpenMetadataSession) -> None:
    columns = {column["name"]: column for column in body(session, rich_table())["columns"]}
    assert columns["sized"]["dataLength"] == 1
    assert columns["list"]["arrayDataType"] == "UNKNOWN"
    assert columns["odd"] == {
        "name": "odd",
        "dataType": "UNKNOWN",
        "dataTypeDisplay": "NO SUCH TYPE",
        "dataLength": 1,
    }
    assert columns["q__reserved__quote__"]["displayName"] == 'q"'
    assert columns["struct"]["children"][0]["name"] == "in__reserved__colon__side"
    assert columns["struct"]["children"][0]["dataLength"] == 1
    assert columns["id"] == {"name": "id", "dataType": "INT", "dataLength": 1}


def test_constraints_and_partitions_name_columns_as_columns_are_named(
    session: OpenMetadataSession,
) -> None:
    spelled = body(session, rich_table())
    assert spelled["tableConstraints"][0]["columns"] == ["id", "q__reserved__quote__"]
    assert spelled["tablePartition"]["columns"] == [
        {"columnName": "q__reserved__quote__", "intervalType": "COLUMN-VALUE"}
    ]
    assert spelled["tableConstraints"][1] == {
        "constraintType": "FOREIGN_KEY",
        "columns": ["id"],
        "referredColumns": [fqn.child(table("plain").fqn, "id")],
        "relationshipType": "MANY_TO_ONE",
    }


def test_hostile_names_come_back_as_they_were(
    session: OpenMetadataSession, catalogue: StrictCatalogue
) -> None:
    columns = tuple(Column(name=name, data_type="INT") for name in [*HOSTILE, ""][:-2])
    rows = [session.encode(table(name, columns=columns)) for name in HOSTILE]
    assert {answer.outcome for answer in session.write("table", rows)} == {"acknowledged"}
    held = catalogue.entities("tables")
    for name in HOSTILE:
        entity = held[table(name).fqn]
        assert entity.get("displayName", entity["name"]) == name
        shown = [each.get("displayName", each["name"]) for each in entity["columns"]]
        assert shown == [column.name for column in columns]


def test_an_empty_table_and_a_very_wide_one(session: OpenMetadataSession) -> None:
    wide = tuple(Column(name=f"c{number}", data_type="INT") for number in range(1000))
    rows = [session.encode(table("empty", columns=())), session.encode(table("wide", columns=wide))]
    assert {answer.outcome for answer in session.write("table", rows)} == {"acknowledged"}


def test_languages_are_openmetadata_s(session: OpenMetadataSession) -> None:
    def language(told: str | None) -> Any:
        procedure = StoredProcedure(
            name="p", fqn="s.d.s.p", database_schema="s.d.s", code="", language=told
        )
        return body(session, procedure)["storedProcedureCode"].get("language")

    assert [language(each) for each in ("plpgsql", "PL/SQL", "plpython3u", "c", None)] == [
        "SQL",
        "SQL",
        "Python",
        "External",
        None,
    ]


def test_foreign_keys_wait_for_their_targets(
    session: OpenMetadataSession, catalogue: StrictCatalogue
) -> None:
    row = session.encode(table("child", constraints=(foreign_key("id", to="parent"),)))
    assert row.needs == (identity("table", table("parent").fqn),)
    partial, full = json.loads(row.partial or b""), json.loads(row.body)
    assert "tableConstraints" not in partial
    assert partial["sourceHash"] != full["sourceHash"] == row.hash
    first = type(row)(row.type, row.fqn, row.partial or b"", row.hash)
    for each in (first, session.encode(table("parent")), row):
        (answer,) = session.write("table", [each])
        assert answer.outcome == "acknowledged"
    assert catalogue.entities("tables")[row.fqn]["tableConstraints"] == full["tableConstraints"]
    assert session.encode(table("parent")).needs == ()


def test_a_target_that_exists_nowhere_is_dropped(session: OpenMetadataSession) -> None:
    keys = (foreign_key("id", to="here"), foreign_key("label", to="nowhere"))
    row = session.encode(table("child", constraints=keys))
    less = session.without(row, [identity("table", table("nowhere").fqn)])
    assert less.needs == (identity("table", table("here").fqn),)
    assert less.hash == session.encode(table("child", constraints=keys[:1])).hash
    assert len(json.loads(less.body)["tableConstraints"]) == 1
    assert json.loads(less.body)["sourceHash"] == less.hash != row.hash
    none = session.without(row, row.needs)
    assert "tableConstraints" not in json.loads(none.body)
    assert (none.needs, none.partial) == ((), None)
    assert none.hash == session.encode(table("child")).hash
    assert session.without(row, ["other.thing"]) is row


def test_owners_are_looked_up_once_and_unknown_ones_dropped(
    session: OpenMetadataSession, catalogue: StrictCatalogue
) -> None:
    ada, crew = catalogue.add_user("ada"), catalogue.add_team("crew")
    owners = (Owner(name="ada@example.com"), Owner(name="crew"), Owner(name="nobody"))
    before = session.calls
    rows = [session.encode(table(f"t{number}", owners=owners)) for number in range(20)]
    assert session.calls == before + 5
    assert json.loads(rows[0].body)["owners"] == [
        {"id": ada, "type": "user"},
        {"id": crew, "type": "team"},
    ]
    assert session.unknown_owners == ["nobody"]
    assert {answer.outcome for answer in session.write("table", rows)} == {"acknowledged"}


def test_tags_are_created_once_before_they_are_worn(
    session: OpenMetadataSession, catalogue: StrictCatalogue
) -> None:
    tags = (Tag(classification="Cost", name="high"), Tag(classification="Cost", name="a.b"))
    rows = [session.encode(table(f"t{number}", tags=tags)) for number in range(5)]
    assert catalogue.entities("tags") == {}
    for _ in range(2):
        assert {answer.outcome for answer in session.write("table", rows)} == {"acknowledged"}
    assert [write["fqn"] for write in catalogue.writes("classifications")] == ["Cost"]
    assert sorted(write["fqn"] for write in catalogue.writes("tags")) == ['Cost."a.b"', "Cost.high"]


def test_a_tag_that_somebody_described_is_left_alone(
    session: OpenMetadataSession, catalogue: StrictCatalogue
) -> None:
    catalogue.add_tag("PII.Name")
    row = session.encode(table("t", tags=(Tag(classification="PII", name="Name"),)))
    assert session.write("table", [row])[0].outcome == "acknowledged"
    assert catalogue.writes("classifications") == catalogue.writes("tags") == []


def test_a_tag_that_cannot_be_created_is_named_in_the_refusal(
    session: OpenMetadataSession, catalogue: StrictCatalogue
) -> None:
    catalogue.faults = Faults(refuse="^secret$")
    row = session.encode(table("t", tags=(Tag(classification="PII", name="secret"),)))
    (answer,) = session.write("table", [row])
    assert answer.outcome == "refused"
    assert "PII.secret could not be created (400" in (answer.hint or "")


def test_the_connection_is_sent_as_the_user_wrote_it(catalogue: StrictCatalogue) -> None:
    with openmetadata(catalogue).open() as session:
        row = session.encode(SERVICE)
        session.write(row.type, [row])
    stored = catalogue.entities("services/databaseServices")[SERVICE.fqn]["connection"]["config"]
    assert stored == {
        "type": "Postgres",
        "username": "reader",
        "hostPort": "db:5432",
        "database": "shop",
        "authType": {"password": PASSWORD},
    }
    assert PASSWORD not in row.public.decode()
    assert "**********" in row.public.decode()


def test_a_bare_service_never_replaces_one_that_has_a_connection(
    catalogue: StrictCatalogue,
) -> None:
    full = openmetadata(catalogue)
    for sink in (full, OpenMetadata(server=full.server)):
        with sink.open() as session:
            (answer,) = session.write("databaseService", [session.encode(SERVICE)])
            assert answer.outcome == "acknowledged"
    assert "connection" in catalogue.entities("services/databaseServices")[SERVICE.fqn]
    assert len(catalogue.writes("services/databaseServices")) == 1


def test_only_what_the_user_set_is_stored() -> None:
    class Connection(BaseModel):
        username: str
        sslMode: str = "disable"  # noqa: N815
        connectionArguments: dict[str, Any] = {}  # noqa: N815

    given = Connection(username="u", connectionArguments={"password": "canary", "timeout": 3})
    service = settings.service({"storeServiceConnection": True}, given)
    assert settings.reveal(service.connection) == {
        "username": "u",
        "connectionArguments": {"password": "canary", "timeout": 3},
    }
    assert "canary" not in repr((service, service.connection))
    assert settings.service({"storeServiceConnection": False}, given).connection is None


def test_what_is_written_down_empty_is_not_stored() -> None:
    """`databaseSchema:` with nothing behind it: a catalogue's schemas know no null."""
    given = DuckdbConnection(database="a.duckdb", databaseSchema=None)
    stored = settings.service({"storeServiceConnection": True}, given).connection
    assert stored == {"database": "a.duckdb"}


def test_encoding_is_cheap(session: OpenMetadataSession) -> None:
    columns = tuple(
        Column(name=f"column_{number}", data_type="INT", ordinal_position=number + 1)
        for number in range(15)
    )
    tables = [table(f"t{number}", columns=columns) for number in range(2000)]
    started = time.process_time()
    for each in tables:
        session.encode(each)
    per_table = (time.process_time() - started) / len(tables) * 1000
    sys.stderr.write(f"{per_table:.4f} ms of CPU per table of 15 columns\n")
    assert per_table < 0.2
