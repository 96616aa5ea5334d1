# ruff: noqa: PT012 - a failed run is a block
"""What every sink promises."""

import pickle
from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec
import pytest

from rayingest.core import fqn
from rayingest.core.sink import Answer, Catalogue, Row, SinkSession
from rayingest.errors import Refused
from rayingest.model import DatabaseSchema, Entity, EntityType, StoredProcedure, Table

from .conftest import Harness
from .world import (
    DATABASE,
    HOSTILE,
    PASSWORD,
    SCHEMA,
    SERVICE,
    TOKEN,
    small_database,
    table,
)

# Its FQN begins with the other schema's: below that lies nothing of it.
NEIGHBOUR = DatabaseSchema(
    name="sales2", fqn=fqn.child(DATABASE.fqn, "sales2"), database=DATABASE.fqn
)
NEXT_DOOR = Table(
    name="plain",
    fqn=fqn.child(NEIGHBOUR.fqn, "plain"),
    database_schema=NEIGHBOUR.fqn,
    columns=table("x").columns,
)
NAMESAKE = StoredProcedure(
    name="plain",
    fqn=fqn.child(SCHEMA.fqn, "plain"),
    database_schema=SCHEMA.fqn,
    code="BEGIN; END",
)
TABLES = [entity.fqn for entity in small_database() if isinstance(entity, Table)]


def write(session: SinkSession, entities: Sequence[Entity]) -> list[Answer]:
    answers: list[Answer] = []
    rows = [session.encode(entity) for entity in entities]
    for kind, group in groupby(rows, key=lambda row: row.type):
        answers += session.write(kind, list(group))
    return answers


def outcomes(answers: Sequence[Answer]) -> set[str]:
    return {answer.outcome for answer in answers}


def fill(harness: Harness) -> None:
    with harness.sink.open() as session:
        write(session, [*small_database(), NEIGHBOUR, NEXT_DOOR, NAMESAKE])


def delete(session: SinkSession, *fqns: str, seen: Iterable[str] | None = None) -> list[str]:
    """Delete tables; what was answered."""
    told = None if seen is None else list(seen)
    answers = session.delete("table", fqns, scope=SCHEMA.fqn, seen=told)
    assert all(answer.why and answer.hint for answer in answers if answer.outcome == "refused")
    return [answer.outcome for answer in answers]


def read(session: SinkSession) -> Catalogue:
    assert session.catalogue is not None
    return session.catalogue


def test_every_type_of_entity_arrives(harness: Harness) -> None:
    entities = small_database()
    with harness.sink.open() as session:
        answers = write(session, entities)
    assert [answer.why for answer in answers if answer.outcome != "acknowledged"] == []
    for kind in ("databaseService", "database", "databaseSchema", "table", "storedProcedure"):
        wanted = {entity.fqn for entity in entities if entity.type == kind}
        assert set(harness.held(kind)) == wanted


def test_writing_twice_is_writing_once(harness: Harness) -> None:
    entities = small_database()
    for _ in range(2):
        with harness.sink.open() as session:
            write(session, entities)
            first = harness.held("table")
            assert outcomes(write(session, entities)) <= {"acknowledged", "unchanged"}
    assert first.keys() <= harness.held("table").keys()
    assert len(harness.held("table")) == len(HOSTILE) + 1


def test_the_last_write_wins(harness: Harness) -> None:
    entities = small_database()
    with harness.sink.open() as session:
        write(session, entities)
        write(session, [table("plain", description="new")])
    with harness.sink.open() as session:
        write(session, [table("case", description="newer")])
    held = harness.held("table")
    assert held[table("plain").fqn] == "new"
    assert held[table("case").fqn] == "newer"
    assert held[table("Case").fqn] == "table Case"


@pytest.mark.parametrize("at", [0, 3, 6])
def test_a_poisoned_batch_loses_one(harness: Harness, at: int) -> None:
    with harness.sink.open() as session:
        write(session, small_database()[:3])
        rows = [session.encode(table(f"t{number}")) for number in range(7)]
        rows[at] = msgspec.structs.replace(rows[at], body=b'{"name": }')
        answers = session.write("table", rows)
    assert [answer.outcome for answer in answers].count("refused") == 1
    assert answers[at].outcome == "refused"
    assert answers[at].why
    assert set(harness.held("table")) == {row.fqn for row in rows} - {rows[at].fqn}


def test_a_crash_between_acknowledgement_and_record_repeats_harmlessly(harness: Harness) -> None:
    entities = small_database()
    with pytest.raises(KeyboardInterrupt), harness.sink.open() as session:
        write(session, entities[:8])
        raise KeyboardInterrupt
    with harness.sink.open() as session:
        answers = write(session, entities[5:])
    assert outcomes(answers) <= {"acknowledged", "unchanged"}
    assert set(harness.held("table")) == {each.fqn for each in entities if each.type == "table"}


def test_a_dry_run_writes_nothing_and_still_refuses(harness: Harness) -> None:
    with harness.sink.open(dry_run=True) as session:
        answers = write(session, small_database())
        with pytest.raises(Refused, match="257"):
            session.encode(table("x" * 257))
    assert outcomes(answers) == {"acknowledged"}
    with harness.sink.open() as session:
        pass
    assert harness.held("table") == {}


def test_an_empty_write_is_fine(harness: Harness) -> None:
    with harness.sink.open() as session:
        assert list(session.write("table", [])) == []


def test_text_that_is_no_unicode_is_refused(harness: Harness) -> None:
    with harness.sink.open() as session, pytest.raises(Refused):
        session.encode(table("plain", description="half a \ud83d pair"))


def test_equal_entities_have_equal_hashes_and_others_do_not(harness: Harness) -> None:
    with harness.sink.open() as session:
        hashes = [session.encode(table("a")).hash, session.encode(table("a")).hash]
        other = session.encode(table("a", description="other")).hash
    assert hashes[0] == hashes[1] != other
    assert len(hashes[0]) == 32


def test_calls_are_counted(harness: Harness) -> None:
    with harness.sink.open() as session:
        assert session.calls == 0
        write(session, [*small_database()[:3]])
        assert session.calls >= 3


def test_a_sink_and_its_rows_travel_and_show_no_secret(harness: Harness) -> None:
    sink = pickle.loads(pickle.dumps(harness.sink))
    assert sink == harness.sink
    with sink.open() as session:
        rows: list[Row] = [session.encode(entity) for entity in small_database()]
        shown = repr((sink, session, rows, pickle.loads(pickle.dumps(rows))))
    assert SCHEMA.fqn in shown
    assert PASSWORD not in shown
    assert TOKEN not in shown


def test_check_says_that_all_is_well(harness: Harness) -> None:
    assert {result.status for result in harness.sink.check()} == {"ok"}


def test_a_sink_says_which_it_is_in_every_run_and_tells_no_secret(harness: Harness) -> None:
    identity = harness.sink.identity
    assert identity == pickle.loads(pickle.dumps(harness.sink)).identity
    assert ":" in identity
    assert PASSWORD not in identity
    assert TOKEN not in identity
    fill(harness)
    assert harness.sink.identity == identity


def test_what_lies_below_a_scope_is_counted(harness: Harness) -> None:
    fill(harness)
    with harness.sink.open() as session:
        count = read(session).count
        assert count(EntityType.TABLE, SCHEMA.fqn) == len(TABLES)
        assert count(EntityType.TABLE, NEIGHBOUR.fqn) == 1
        assert count(EntityType.TABLE, DATABASE.fqn) == len(TABLES) + 1
        assert count(EntityType.TABLE, "") == len(TABLES) + 1
        assert count(EntityType.STORED_PROCEDURE, SCHEMA.fqn) == 2
        assert count(EntityType.DATABASE_SCHEMA, DATABASE.fqn) == 2
        assert count(EntityType.DATABASE, SERVICE.fqn) == 1
        assert count(EntityType.DATABASE_SERVICE, "") == 1
        assert count(EntityType.TABLE, SERVICE.fqn) in (None, len(TABLES) + 1)
        assert count(EntityType.TABLE, fqn.child(DATABASE.fqn, "sal")) == 0
        assert count(EntityType.TABLE, fqn.child(DATABASE.fqn, "no.such")) == 0
        assert count(EntityType.DASHBOARD, SERVICE.fqn) == 0


def test_counts_follow_what_is_written_and_deleted(harness: Harness) -> None:
    with harness.sink.open() as session:
        assert read(session).count(EntityType.TABLE, SCHEMA.fqn) == 0
        write(session, small_database())
        assert read(session).count(EntityType.TABLE, SCHEMA.fqn) == len(TABLES)
        write(session, [table("plain", description="again"), table("new")])
        assert read(session).count(EntityType.TABLE, SCHEMA.fqn) == len(TABLES) + 1
        delete(session, *TABLES[:3])
        assert read(session).count(EntityType.TABLE, SCHEMA.fqn) == len(TABLES) - 2


def test_what_is_below_a_scope_is_listed_and_got(harness: Harness) -> None:
    fill(harness)
    with harness.sink.open() as session:
        delete(session, TABLES[1])
        left = {name for name in TABLES if name != TABLES[1]}
        for scope, wanted in ((SCHEMA.fqn, left), (SERVICE.fqn, left | {NEXT_DOOR.fqn})):
            listed = read(session).list(EntityType.TABLE, scope)
            assert {each["fullyQualifiedName"] for each in listed} == wanted
        found = read(session).get(EntityType.TABLE, [*TABLES[:3], "no.such.table.x"])
        assert set(found) == {TABLES[0], TABLES[2]}
        assert found[TABLES[0]]["description"] == "table plain"


@pytest.mark.parametrize("told", [True, False])
def test_exactly_these_are_deleted(harness: Harness, told: bool) -> None:
    fill(harness)
    gone = [table(name).fqn for name in ("plain", "with.dot", 'quo"te', "ünï😀", "tab\tnew\nline")]
    stay = [name for name in TABLES if name not in gone]
    with harness.sink.open() as session:
        assert delete(session, *gone, seen=stay if told else None) == ["acknowledged"] * len(gone)
        assert read(session).count(EntityType.TABLE, SCHEMA.fqn) == len(stay)
    assert set(harness.held("table")) == {*stay, NEXT_DOOR.fqn}
    assert set(harness.held("storedProcedure")) >= {NAMESAKE.fqn}
    assert set(harness.held("databaseSchema")) == {SCHEMA.fqn, NEIGHBOUR.fqn}


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("name", [*HOSTILE, "rich"])
def test_every_name_can_be_deleted_and_costs_no_other(
    harness: Harness, name: str, told: bool
) -> None:
    with harness.sink.open() as session:
        write(session, small_database())
        gone = table(name).fqn
        stay = {each for each in TABLES if each != gone}
        assert delete(session, gone, seen=stay if told else None) == ["acknowledged"]
    assert set(harness.held("table")) == stay


def test_a_schema_takes_along_what_is_in_it_and_nothing_else(harness: Harness) -> None:
    fill(harness)
    with harness.sink.open() as session:
        (answer,) = session.delete(
            "databaseSchema", [SCHEMA.fqn], scope=DATABASE.fqn, seen=[NEIGHBOUR.fqn]
        )
        assert answer.outcome == "acknowledged"
        assert read(session).count(EntityType.TABLE, DATABASE.fqn) == 1
    assert set(harness.held("databaseSchema")) == {NEIGHBOUR.fqn}
    assert set(harness.held("table")) == {NEXT_DOOR.fqn}
    assert harness.held("storedProcedure") == {}
    assert set(harness.held("database")) == {DATABASE.fqn}
    assert set(harness.held("databaseService")) == {SERVICE.fqn}


def test_deleting_twice_is_deleting_once(harness: Harness) -> None:
    fill(harness)
    for wanted in ("acknowledged", "unchanged"):
        with harness.sink.open() as session:
            assert delete(session, *TABLES[:4], seen=TABLES[4:]) == [wanted] * 4
            assert delete(session, *TABLES[:4], seen=TABLES[4:]) == ["unchanged"] * 4
    assert set(harness.held("table")) == {*TABLES[4:], NEXT_DOOR.fqn}


def test_what_is_not_there_is_unchanged(harness: Harness) -> None:
    fill(harness)
    unknown = [fqn.child(SCHEMA.fqn, name) for name in ("no", "no.such", 'n"o')]
    with harness.sink.open() as session:
        assert delete(session, unknown[0], TABLES[0], *unknown[1:]) == [
            "unchanged", "acknowledged", "unchanged", "unchanged",
        ]  # fmt: skip
        assert delete(session) == []
    assert set(harness.held("table")) == {*TABLES[1:], NEXT_DOOR.fqn}


def test_nothing_is_deleted_where_nothing_ever_was(harness: Harness) -> None:
    with harness.sink.open() as session:
        assert delete(session, *TABLES[:4], seen=[]) == ["unchanged"] * 4


def test_a_dry_run_deletes_nothing_and_answers_as_if(harness: Harness) -> None:
    with harness.sink.open(dry_run=True) as session:
        assert delete(session, *TABLES[:3], seen=[]) == ["unchanged"] * 3
        assert read(session).count(EntityType.TABLE, SCHEMA.fqn) == 0
    fill(harness)
    with harness.sink.open(dry_run=True) as session:
        no = fqn.child(SCHEMA.fqn, "no")
        assert delete(session, TABLES[0], no, *TABLES[1:3], seen=TABLES[3:]) == [
            "acknowledged", "unchanged", "acknowledged", "acknowledged",
        ]  # fmt: skip
        answers = session.delete("databaseSchema", [SCHEMA.fqn], scope=DATABASE.fqn)
        assert outcomes(answers) == {"acknowledged"}
        assert read(session).count(EntityType.TABLE, SCHEMA.fqn) == len(TABLES)
    with harness.sink.open() as session:
        pass
    assert set(harness.held("table")) == {*TABLES, NEXT_DOOR.fqn}
    assert set(harness.held("databaseSchema")) == {SCHEMA.fqn, NEIGHBOUR.fqn}


@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_written_again_is_alive(harness: Harness, at_once: bool) -> None:
    fill(harness)
    again = [table(name) for name in HOSTILE[:4]]
    changed = [table("select", description="another")]
    with harness.sink.open() as session:
        delete(session, *(each.fqn for each in [*again, *changed]))
        if at_once:
            assert outcomes(write(session, [*again, *changed])) == {"acknowledged"}
    if not at_once:
        assert again[0].fqn not in harness.held("table")
        with harness.sink.open() as session:
            for each in (*again, *changed):  # one by one, and the same bytes as ever
                assert outcomes(write(session, [each])) == {"acknowledged"}
            assert read(session).count(EntityType.TABLE, SCHEMA.fqn) == len(TABLES)
    held = harness.held("table")
    assert set(held) == {*TABLES, NEXT_DOOR.fqn}
    assert held[changed[0].fqn] == "another"
    assert held[again[1].fqn] == again[1].description


def test_a_schema_and_its_tables_written_again_are_alive(harness: Harness) -> None:
    fill(harness)
    with harness.sink.open() as session:
        session.delete("databaseSchema", [SCHEMA.fqn], scope=DATABASE.fqn)
    with harness.sink.open() as session:
        write(session, [SCHEMA, table("plain"), table("new")])
    assert set(harness.held("databaseSchema")) == {SCHEMA.fqn, NEIGHBOUR.fqn}
    alive = {table("plain").fqn, table("new").fqn}
    assert set(harness.held("table")) == {*alive, NEXT_DOOR.fqn}


def test_a_crash_after_a_deletion_repeats_harmlessly(harness: Harness) -> None:
    fill(harness)
    with pytest.raises(KeyboardInterrupt), harness.sink.open() as session:
        delete(session, *TABLES[:4], seen=TABLES[4:])
        write(session, [table("plain"), table("new")])
        raise KeyboardInterrupt
    with harness.sink.open() as session:
        wanted = ["acknowledged", *["unchanged"] * 3]
        assert delete(session, *TABLES[:4]) == wanted
    assert set(harness.held("table")) == {*TABLES[4:], table("new").fqn, NEXT_DOOR.fqn}


def test_two_catalogues_are_not_taken_for_one(tmp_path, monkeypatch) -> None:
    from rayingest.sinks.file import File
    from rayingest.sinks.memory import Memory
    from rayingest.sinks.sql import Sql

    monkeypatch.chdir(tmp_path)
    here, there = str(tmp_path / "a"), str(tmp_path / "b")
    sinks = [File(path=here), File(path=there), Sql(path=here), Sql(path=there)]
    sinks += [Memory(name="a"), Memory(name="b")]
    assert len({sink.identity for sink in sinks}) == len(sinks)
    assert File(path="a").identity == File(path=f"{here}/").identity == sinks[0].identity
    assert Sql(path="./a").identity == sinks[2].identity
