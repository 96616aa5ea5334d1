# ruff: noqa: S608 - the questions are ours
"""The SQLite catalogue: one can ask it, and it leaves alone what has not changed."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rayingest.errors import ConfigError, SinkDown
from rayingest.model import Column, EntityType, Fact
from rayingest.sinks.sql import Sql
from rayingest.sinks.sql.schema import BELOW

from .world import SCHEMA, rich_table, small_database, table


@pytest.fixture
def sink(tmp_path: Path) -> Sql:
    return Sql(path=str(tmp_path / "catalogue.db"))


def fill(sink: Sql) -> None:
    with sink.open() as session:
        for entity in small_database():
            row = session.encode(entity)
            session.write(row.type, [row])


def ask(sink: Sql, question: str) -> list[Any]:
    with closing(sqlite3.connect(sink.path)) as connection:
        return connection.execute(question).fetchall()


def test_everything_can_be_asked(sink: Sql) -> None:
    fill(sink)
    rich = rich_table().fqn
    where = f"WHERE table_fqn = '{rich}'"
    assert ask(sink, f"SELECT name, path, data_type FROM columns {where} ORDER BY position") == [
        ("id", "id", "INT"),
        ("sized", "sized", "VARCHAR"),
        ("list", "list", "ARRAY"),
        ("odd", "odd", "UNKNOWN"),
        ('q"', "q__reserved__quote__", "TEXT"),
        ("struct", "struct", "STRUCT"),
        ("in::side", "struct.in__reserved__colon__side", "CHAR"),
    ]
    assert ask(sink, f"SELECT constraint_type, column_name FROM constraints {where}") == [
        ("UNIQUE", "id"),
        ("UNIQUE", 'q"'),
    ]
    ((column, referred, relation),) = ask(
        sink,
        f"SELECT column_name, referred_column_fqn, relationship_type FROM foreign_keys {where}",
    )
    assert (column, referred, relation) == ("id", f"{SCHEMA.fqn}.plain.id", "MANY_TO_ONE")
    assert ask(sink, "SELECT owner_name FROM owners") == [("ada",), ("nobody",)]
    assert sorted(ask(sink, "SELECT column_path, tag_fqn FROM tags")) == [
        ("", 'Cost."high.price"'),
        ("q__reserved__quote__", "PII.Name"),
    ]
    assert ask(sink, "SELECT column_name, interval_type FROM partitions") == [
        ('q"', "COLUMN-VALUE")
    ]
    assert ask(sink, "SELECT name, language FROM procedures") == [("refresh()", "SQL")]
    overview = f"SELECT columns, foreign_keys FROM table_overview WHERE fqn = '{rich}'"
    assert ask(sink, overview) == [(7, 1)]
    assert ('quo"te',) in ask(sink, "SELECT name FROM tables")


def test_a_change_replaces_all_that_belonged_to_the_table(sink: Sql) -> None:
    fill(sink)
    changed = table("rich", columns=(Column(name="only", data_type="INT"),))
    with sink.open() as session:
        rows = [session.encode(changed), session.encode(table("plain"))]
        answers = session.write("table", rows)
    assert [answer.outcome for answer in answers] == ["acknowledged", "unchanged"]
    for each in ("columns", "constraints", "foreign_keys", "partitions"):
        left = ask(sink, f"SELECT count(*) FROM {each} WHERE table_fqn = '{changed.fqn}'")
        assert left == [(1 if each == "columns" else 0,)]
    assert ask(sink, "SELECT count(*) FROM tags") == [(0,)]


def test_what_is_deleted_leaves_nothing_behind(sink: Sql) -> None:
    fill(sink)
    plain, rich = table("plain").fqn, rich_table().fqn
    with sink.open() as session:
        for target in (rich, plain):
            row = session.encode_fact(usage(target))
            session.write(row.type, [row])
        session.delete("table", [rich], scope=SCHEMA.fqn)
    for each in ("columns", "constraints", "foreign_keys", "partitions"):
        assert ask(sink, f"SELECT count(*) FROM {each} WHERE table_fqn = '{rich}'") == [(0,)]
    assert ask(sink, "SELECT count(*) FROM owners") == [(0,)]
    assert ask(sink, "SELECT count(*) FROM tags") == [(0,)]
    assert ask(sink, "SELECT target_fqn FROM facts") == [(plain,)]
    with sink.open() as session:
        session.delete("databaseSchema", [SCHEMA.fqn], scope="")
    for each in ("schemas", "tables", "procedures", "columns", "facts"):
        assert ask(sink, f"SELECT count(*) FROM {each}") == [(0,)]
    assert ask(sink, "SELECT count(*) FROM databases") == [(1,)]


def test_a_deletion_that_fails_deletes_nothing(sink: Sql) -> None:
    fill(sink)
    with sink.open() as session:
        session.connect().execute(
            "CREATE TEMP TRIGGER full BEFORE DELETE ON columns BEGIN SELECT RAISE(ROLLBACK, 'x'); END"
        )
        with pytest.raises(sqlite3.IntegrityError):
            session.delete("databaseSchema", [SCHEMA.fqn], scope="")
        session.connect().execute("DROP TRIGGER full")
        assert session.catalogue.count(EntityType.DATABASE_SCHEMA, "") == 1
        (answer,) = session.delete("databaseSchema", [SCHEMA.fqn], scope="")
        assert answer.outcome == "acknowledged"


def test_what_lies_below_is_found_by_index(sink: Sql) -> None:
    fill(sink)
    below = BELOW.format(home="tables").replace("?", "'[]'")
    plans = [
        "SELECT count(*) FROM tables WHERE fqn > 'a.' AND fqn < 'a/'",
        below,
    ]
    for plan in plans:
        steps = [step for *_, step in ask(sink, f"EXPLAIN QUERY PLAN {plan}")]
        assert any("SEARCH tables" in step and "INDEX" in step for step in steps), steps


def test_a_dry_run_makes_no_file(sink: Sql) -> None:
    with sink.open(dry_run=True) as session:
        (answer,) = session.delete("table", ["a.b.c.d"], scope="a.b.c")
        assert answer.outcome == "unchanged"
        assert session.catalogue.count(EntityType.TABLE, "") == 0
        assert session.catalogue.get(EntityType.TABLE, ["a.b.c.d"]) == {}
    assert not Path(sink.path).exists()


def test_an_entity_is_read_as_its_own_table_holds_it(sink: Sql) -> None:
    fill(sink)
    with sink.open() as session:
        (found,) = session.catalogue.get(EntityType.TABLE, [rich_table().fqn]).values()
        hashed = session.encode(rich_table()).hash
        assert list(session.catalogue.list(EntityType.DASHBOARD, "")) == []
    assert (found["name"], found["tableType"], found["sourceHash"]) == (
        "rich", "Partitioned", hashed,
    )  # fmt: skip
    assert found["schemaFqn"] == SCHEMA.fqn


def usage(target: str) -> Fact:
    return Fact(
        target_type=EntityType.TABLE, target_fqn=target, kind="usage", key="d", payload={"n": 1}
    )


def test_facts_are_kept(sink: Sql) -> None:
    fact = Fact(
        target_type=EntityType.TABLE, target_fqn="s.t", kind="usage", key="day", payload={"n": 1}
    )
    with sink.open() as session:
        row = session.encode_fact(fact)
        assert session.write(row.type, [row])[0].outcome == "acknowledged"
        assert session.write(row.type, [row])[0].outcome == "unchanged"
    assert ask(sink, "SELECT kind, target_fqn, key, payload FROM facts") == [
        ("usage", "s.t", "day", '{"n":1}')
    ]


def test_a_number_that_sqlite_cannot_hold_costs_one_table(sink: Sql) -> None:
    huge = table("huge", columns=(Column(name="x", data_type="CHAR", data_length=2**70),))
    with sink.open() as session:
        rows = [session.encode(each) for each in (table("a"), huge, table("b"))]
        answers = session.write("table", rows)
    assert [answer.outcome for answer in answers] == ["acknowledged", "refused", "acknowledged"]
    assert [name for (name,) in ask(sink, "SELECT name FROM tables")] == ["a", "b"]


def test_another_file_is_not_touched(sink: Sql) -> None:
    with closing(sqlite3.connect(sink.path)) as connection:
        connection.execute("CREATE TABLE mine (x)")
        connection.commit()
    assert [result.status for result in sink.check()] == ["failed"]
    with pytest.raises(ConfigError, match="not a catalogue"):
        fill(sink)
    Path(sink.path).write_bytes(b"no database at all, but long enough to be looked at" * 30)
    with pytest.raises(ConfigError, match="no SQLite file"):
        fill(sink)


def test_a_full_disk_is_said(sink: Sql) -> None:
    with sink.open() as session:
        session.connect().execute("PRAGMA max_page_count = 45")
        rows = [session.encode(table(f"t{number}")) for number in range(1000)]
        with pytest.raises(SinkDown, match="full"):
            session.write("table", rows)
        assert session.write("table", rows[:3])[0].outcome == "acknowledged"
    assert ask(sink, "SELECT count(*) FROM tables") == [(3,)]


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    sink = Sql(path=str(tmp_path / "new" / "catalogue.db"))
    assert [result.status for result in sink.check()] == ["ok"]
