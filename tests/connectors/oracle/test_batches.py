"""What a batch costs, what its statements look like, and what happens when one is broken off."""

import time
from itertools import islice

import pytest
import sqlglot

from rayingest.errors import SessionLost, TimedOut
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.oracle import connect, keys, objects, routines, tables, texts
from rayingest.kit.sql.oracle.session import FEW, Among
from rayingest.model import EntityType
from rayingest.testing.probe import Probe

from .dictionary import Cursor
from .documented import misplaced_longs
from .standin import CONFIG, connector_of

TABLE, PROCEDURE = EntityType.TABLE, EntityType.STORED_PROCEDURE
COLUMNS = [(f"C{place}", "VARCHAR2(80)") for place in range(10)]


class Recorded:
    """A connection that knows each answer already, so that what is measured is ours."""

    def __init__(self, dictionary):
        self.dictionary = dictionary
        self.known = {}

    def cursor(self):
        return Recalled(self)

    def close(self):
        pass


class Recalled(Cursor):
    def execute(self, text, parameters=()):
        known = self._dictionary.known
        key = (text, tuple(parameters.items()) if parameters else ())
        if key not in known:
            known[key] = self._dictionary.dictionary.answer(text, dict(parameters)).fetchall()
        self._rows = iter(known[key])

    def fetchmany(self):
        return list(islice(self._rows, self.arraysize))


def schema_of(dictionary, owner, number):
    """Tables of ten columns and a key, in one statement for each view: DuckDB is no server for rows."""
    dictionary.user(owner)
    dictionary.table(owner, "T0", *COLUMNS)
    dictionary.key(owner, "T0", "P", "C0", name="T0_PK")
    for view, names in {
        "all_tables": ("table_name",),
        "tab_comments": ("table_name",),
        "tab_cols": ("table_name",),
        "col_comments": ("table_name",),
        "constraints": ("table_name", "constraint_name"),
        "cons_columns": ("table_name", "constraint_name"),
    }.items():
        changed = ", ".join(f"replace({each}, 'T0', 'T' || n) as {each}" for each in names)
        dictionary.engine.execute(
            f"insert into of_{view} select v.* replace ({changed}) from of_{view} v, "  # noqa: S608
            f"range(1, {number}) numbers(n) where owner = '{owner}'"
        )


def test_five_hundred_tables_take_three_statements(dictionary):
    schema_of(dictionary, "HR", 500)
    recorded = Recorded(dictionary)
    probe = Probe(connector_of(recorded), CONFIG)
    descriptors = probe.descriptors(TABLE)
    with probe.open() as source:
        before = source.calls
        assert len(list(source.process_entities(descriptors))) == 500
        assert source.calls - before == 3
        took = time.process_time()
        found = list(source.process_entities(descriptors))
        took = time.process_time() - took
    assert all(len(each.entities[0].columns) == 10 for each in found)
    assert took / 500 < 0.0005


def test_a_session_and_its_listing_take_three_statements(dictionary, probe):
    schema_of(dictionary, "HR", 30)
    with probe.open() as source:
        assert source.calls == 2  # how names compare, and whether the DBA_ views may be read
        listed = list(source.discover_entities(EntityType.DATABASE_SCHEMA))
        assert source.calls == 3
    assert len(listed) > 30


def test_what_is_rare_costs_a_statement_more_for_the_whole_batch(dictionary, probe):
    dictionary.user("HR")
    dictionary.object_type("HR", "INNER", ("A", "DATE"))
    dictionary.object_type("HR", "OUTER", ("B", ("HR", "INNER")))
    for place in range(20):
        dictionary.view("HR", f"V{place}", "select 1 from dual", ("ONE", "NUMBER"))
        dictionary.table("HR", f"T{place}", ("C", ("HR", "OUTER")), partitioned="YES")
        dictionary.routine(
            "HR", f"P{place}", "PROCEDURE", f"procedure p{place} as begin null; end;"
        )
    descriptors = probe.descriptors(TABLE)
    with probe.open() as source:
        before = source.calls
        list(source.process_entities(descriptors))
        assert source.calls - before == 3 + 2 + 1 + 1  # two levels of types, partitions, texts
        before = source.calls
        list(source.process_entities(probe.descriptors(PROCEDURE)))
        assert source.calls - before == 1


@pytest.mark.parametrize("owners", [1, FEW, FEW + 1, 60])
def test_names_of_many_owners_are_asked_for_together(dictionary, probe, owners):
    for place in range(owners):
        dictionary.user(f"U{place}")
        dictionary.table(f"U{place}", "T", ("A", "DATE"), comment=f"of {place}")
        dictionary.table(f"U{place}", f"T{place}", ("A", "DATE"))
    found = probe.entities(TABLE)
    assert len(found) == 2 * owners
    assert {e.description for e in found.values() if e.description} == {
        f"of {place}" for place in range(owners)
    }


@pytest.mark.parametrize("number", [1, 2, 3, 511, 513, 1100])
def test_lists_are_short_and_of_few_lengths(number):
    among = Among([("HR", f"T{place:04}") for place in range(number)])
    text = f"select 1 from t where {among.where('owner', 'name')}"  # noqa: S608 - names are bound
    lists = [each.split(")")[0].count(":") for each in text.split(" in (")[1:]]
    assert sum(lists) >= number
    assert all(each <= 512 and each & (each - 1) == 0 for each in lists)
    assert set(among.binds.values()) == {"HR", *(f"T{place:04}" for place in range(number))}
    assert sqlglot.parse_one(text, dialect="oracle")


def test_longs_stand_where_oracle_lets_them():
    """The judge of the stand-in is one: it finds what is wrong."""
    for wrong in (
        "select text from all_views w where w.text like '%x%'",
        "select w.text from all_views w union all select w.text from all_views w",
        "select v.text from (select w.text from all_views w) v",
        "select w.text from all_views w order by w.text",
    ):
        tree = sqlglot.parse_one(wrong.replace("select text", "select w.text"), dialect="oracle")
        assert list(misplaced_longs(tree)), wrong
    for right in (texts.VIEWS, texts.SNAPSHOTS, routines.SOURCE, tables.RELATIONS, keys.KEYS):
        text = right.replace("{v}", "all")
        for part in ("where", "tables", "views", "snapshots"):
            text = text.replace("{" + part + "}", "1 = 1")
        assert not list(misplaced_longs(sqlglot.parse_one(text, dialect="oracle"))), right


def test_the_views_that_are_tried_are_those_that_are_read(dictionary, probe):
    """Each DBA_ view in a statement is among those whose rights are looked at first."""
    dictionary.user("HR")
    dictionary.object_type("HR", "KIND", ("A", "DATE"))
    dictionary.table("HR", "T", ("C", ("HR", "KIND")), partitioned="YES")
    dictionary.view("HR", "V", "select 1 from dual", ("ONE", "NUMBER"))
    dictionary.snapshot("HR", "M", "select 1 from dual", ("ONE", "NUMBER"))
    dictionary.routine("HR", "P", "PROCEDURE", "procedure p as begin null; end;")
    probe.entities(TABLE)
    probe.entities(PROCEDURE)
    read = set()
    for text, _ in dictionary.said:
        if text not in (connect.BINARY, connect.MAY_READ_DBA.replace("{v}", "dba")):
            tree = sqlglot.parse_one(text, dialect="oracle")
            read |= {table.name for table in tree.find_all(sqlglot.exp.Table)}
    assert {each for each in read if each.startswith("dba_")} == {f"dba_{e}" for e in connect.DBA}
    assert objects.ATTRIBUTES.count("{v}") == 2


def test_a_statement_that_is_cancelled_says_so(dictionary, probe):
    """From another thread, while a batch has its session."""
    schema_of(dictionary, "HR", 5)
    descriptors = probe.descriptors(TABLE)
    with probe.open() as source:
        answers = source.process_entities(descriptors)
        next(answers)
        source.cancel()
        assert dictionary.cancelled.wait(10)
        list(answers)
        with pytest.raises(TimedOut, match="ORA-01013"):
            list(source.process_entities(descriptors))


def test_a_connection_that_is_cut_in_a_listing_leaves_no_shorter_one(dictionary, probe):
    oracledb = pytest.importorskip("oracledb")
    for place in range(3):
        schema_of(dictionary, f"U{place}", 700)
    seen = []

    def read(source):
        for each in source.discover_entities(EntityType.DATABASE_SCHEMA):
            seen.append(each)
            if len(seen) == 900:
                text = "DPY-4011: the database or network closed the connection"
                dictionary.interrupt = oracledb.OperationalError(text)

    with probe.open() as source:
        with pytest.raises(SessionLost, match="DPY-4011"):
            read(source)
        dictionary.interrupt = None
        again = list(source.discover_entities(EntityType.DATABASE_SCHEMA))
    ends = [each for each in seen if type(each).__name__ == "ScopeListed"]
    assert {each.scope for each in ends} == {"svc.default.u0"}
    assert len(again) > 2100


def test_wants_without_ddl_never_ask_for_it(dictionary, probe):
    schema_of(dictionary, "HR", 3)
    probe.entities(TABLE)
    assert not [text for text, _ in dictionary.said if "get_ddl" in text]
    assert not Wants().ddl
