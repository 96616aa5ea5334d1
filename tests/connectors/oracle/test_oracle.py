"""What Oracle has becomes entities of the catalogue: asked of its dictionary as it is documented."""

import pytest

from rayingest.core.source import ScopeListed
from rayingest.errors import Denied, Gone, SessionLost
from rayingest.model import EntityType
from rayingest.testing.probe import sort

from .standin import CONFIG, connector_of
from .story import tell

TABLE, SCHEMA, PROCEDURE = (
    EntityType.TABLE,
    EntityType.DATABASE_SCHEMA,
    EntityType.STORED_PROCEDURE,
)
ID = ("ID", "NUMBER(10)")
HR = "svc.default.hr"


@pytest.fixture
def hr(dictionary):
    dictionary.user("HR")
    return dictionary


def kinds(probe, **changes):
    return {each.name: each.table_type.value for each in probe.entities(TABLE, **changes).values()}


def test_relations_of_every_kind(hr, probe):
    hr.table("HR", "PLAIN", ID)
    hr.table("HR", "ORGANIZED", ID, iot_type="IOT")
    hr.table("HR", "SCRATCH", ID, temporary="Y", duration="SYS$SESSION")
    hr.table("HR", "FEED", ID)
    hr.add("external_tables", owner="HR", table_name="FEED", default_directory_name="IN")
    hr.table("HR", "SALES", ID, partitioned="YES")
    hr.table("HR", "PEOPLE", ID, table_type_owner="HR", table_type="PERSON")
    hr.view("HR", "SEEN", "select id from plain", ID)
    hr.snapshot("HR", "KEPT", "select id from plain", ID, partitioned="YES")
    assert kinds(probe) == {
        "plain": "Regular",
        "organized": "Regular",
        "scratch": "Local",
        "feed": "External",
        "sales": "Partitioned",
        "people": "Regular",
        "seen": "View",
        "kept": "MaterializedView",
    }


def test_what_the_server_keeps_for_itself_is_no_table(hr, probe):
    hr.table("HR", "T", ID)
    hr.table("HR", "SYS_IOT_OVER_1", ID, iot_type="IOT_OVERFLOW", iot_name="T")
    hr.table("HR", "SYSNT1", ID, nested="YES")
    hr.table("HR", "DR$I$K", ID, secondary="Y")
    hr.table("HR", "MLOG$_T", ID)
    hr.table("HR", "RUPD$_T", ID)
    hr.table("HR", "BIN$qWe+/1==$0", ID)
    hr.table("HR", "MLOG$X", ID)  # a user's own
    assert set(kinds(probe)) == {"t", "mlog$x"}


def test_oracles_own_schemas_are_hidden(hr, probe):
    hr.user("SYS", oracles=True)
    hr.table("SYS", "OBJ$", ID)
    assert [each.id for each in probe.descriptors(SCHEMA)] == [HR]


def test_before_oracle_marked_them_they_are_known_by_name(hr, dictionary, probe):
    hr.user("SYSTEM")
    hr.table("HR", "T", ID)
    hr.column("HR", "T", "UNSEEN", "DATE", None, hidden_column="YES")
    old = type(probe)(connector_of(dictionary, version=(11, 2)), CONFIG)
    assert [each.id for each in old.descriptors(SCHEMA)] == [HR]
    assert [each.name for each in old.entities(TABLE)[f"{HR}.t"].columns] == ["id"]


TYPES = [
    ("NUMBER", "NUMBER", "NUMBER"),
    ("NUMBER(8,2)", "NUMBER", "NUMBER(8,2)"),
    ("NUMBER(5,-2)", "NUMBER", "NUMBER(5,-2)"),
    ("INTEGER", "NUMBER", "NUMBER(*,0)"),
    ("FLOAT(63)", "FLOAT", "FLOAT(63)"),
    ("BINARY_DOUBLE", "DOUBLE", "BINARY_DOUBLE"),
    ("VARCHAR2(80)", "VARCHAR", "VARCHAR2(80)"),
    ("VARCHAR2(80 CHAR)", "VARCHAR", "VARCHAR2(80 CHAR)"),
    ("NVARCHAR2(80)", "VARCHAR", "NVARCHAR2(80)"),
    ("CHAR(13)", "CHAR", "CHAR(13)"),
    ("RAW(16)", "VARBINARY", "RAW(16)"),
    ("LONG", "TEXT", "LONG"),
    ("NCLOB", "CLOB", "NCLOB"),
    ("BFILE", "BLOB", "BFILE"),
    ("UROWID", "ROWID", "UROWID"),
    ("DATE", "DATE", "DATE"),
    ("TIMESTAMP(6)", "TIMESTAMP", "TIMESTAMP(6)"),
    ("TIMESTAMP(3) WITH TIME ZONE", "TIMESTAMPZ", "TIMESTAMP(3) WITH TIME ZONE"),
    ("TIMESTAMP(6) WITH LOCAL TIME ZONE", "TIMESTAMPZ", "TIMESTAMP(6) WITH LOCAL TIME ZONE"),
    ("INTERVAL DAY(2) TO SECOND(6)", "INTERVAL", "INTERVAL DAY(2) TO SECOND(6)"),
    ("INTERVAL YEAR(2) TO MONTH", "INTERVAL", "INTERVAL YEAR(2) TO MONTH"),
    ("BOOLEAN", "BOOLEAN", "BOOLEAN"),
    ("JSON", "JSON", "JSON"),
    ("VECTOR", "ARRAY", "VECTOR"),
    (("PUBLIC", "XMLTYPE"), "XML", "XMLTYPE"),
    (("MDSYS", "SDO_GEOMETRY"), "GEOMETRY", "SDO_GEOMETRY"),
    (("SYS", "ANYDATA"), "VARIANT", "ANYDATA"),
    ("UNDEFINED", "UNKNOWN", "UNDEFINED"),
]


def test_types(hr, probe):
    hr.table("HR", "T", *((f"C{place}", kind) for place, (kind, *_) in enumerate(TYPES)))
    columns = probe.entities(TABLE)[f"{HR}.t"].columns
    told = [(each.data_type, each.data_type_display) for each in columns]
    assert told == [(data_type, display) for _, data_type, display in TYPES]


def test_lengths_are_those_that_were_declared(hr, probe):
    hr.table("HR", "T", ("A", "VARCHAR2(80 CHAR)"), ("B", "NCHAR(5)"), ("C", "NUMBER(8,2)"))
    a, b, c = probe.entities(TABLE)[f"{HR}.t"].columns
    assert (a.data_length, b.data_length, c.data_length) == (80, 5, None)
    assert (c.precision, c.scale) == (8, 2)


def test_invisible_columns_come_last_and_hidden_ones_not_at_all(hr, probe):
    hr.table("HR", "T", ("Z", "DATE"), ("A", "DATE"))
    hr.column("HR", "T", "QUIET", "DATE", None, hidden_column="YES", internal_column_id=3)
    own = {"hidden_column": "YES", "user_generated": "NO", "internal_column_id": 4}
    hr.column("HR", "T", "SYS_NC00004$", "NUMBER(1)", None, virtual_column="YES", **own)
    hr.column("HR", "T", "V", "NUMBER(1)", 3, virtual_column="YES", internal_column_id=5)
    found = probe.entities(TABLE)[f"{HR}.t"].columns
    assert [(each.name, each.ordinal_position) for each in found] == [
        ("z", 1),
        ("a", 2),
        ("v", 3),
        ("quiet", 4),
    ]


def test_object_types_are_structs_to_their_last_attribute(hr, probe):
    hr.object_type("HR", "STREET", ("NAME", "VARCHAR2(40)"), ("NO", "NUMBER(4)"))
    hr.object_type("HR", "ADDRESS", ("STREET", ("HR", "STREET")), ("Zip", "CHAR(5)"))
    hr.collection("HR", "ADDRESSES", ("HR", "ADDRESS"))
    hr.collection("HR", "PHONES", "VARCHAR2(20)")
    hr.table(
        "HR",
        "PERSON",
        ("HOME", ("HR", "ADDRESS")),
        ("OTHERS", ("HR", "ADDRESSES")),
        ("PHONES", ("HR", "PHONES")),
        ("BOSS", ("HR", "ADDRESS"), {"data_type_mod": "REF"}),
    )
    home, others, phones, boss = probe.entities(TABLE)[f"{HR}.person"].columns
    assert (home.data_type, home.data_type_display) == ("STRUCT", "HR.ADDRESS")
    street, post = home.children
    assert [(each.name, each.data_type_display) for each in street.children] == [
        ("name", "VARCHAR2(40)"),
        ("no", "NUMBER(4)"),
    ]
    assert post.name == "Zip"
    assert (others.data_type, others.array_data_type) == ("ARRAY", "STRUCT")
    assert others.children == home.children
    assert (phones.data_type, phones.array_data_type) == ("ARRAY", "VARCHAR")
    assert (boss.data_type, boss.data_type_display) == ("UNKNOWN", 'REF "HR"."ADDRESS"')


def test_a_type_that_holds_itself_ends_there(hr, probe):
    hr.object_type("HR", "PART", ("NO", "NUMBER(4)"), ("PARTS", ("HR", "PARTS")))
    hr.collection("HR", "PARTS", ("HR", "PART"))
    hr.table("HR", "T", ("C", ("HR", "PART")))
    (column,) = probe.entities(TABLE)[f"{HR}.t"].columns
    number, parts = column.children
    assert (number.data_type, number.precision) == ("NUMBER", 4)
    assert (parts.data_type, parts.array_data_type, parts.children) == ("ARRAY", "STRUCT", ())
    assert len([text for text, _ in hr.said if "coll_types c" in text]) == 2  # one a level


def test_a_type_that_the_account_may_not_see_is_a_struct_of_nothing(hr, probe):
    hr.table("HR", "T", ("C", ("OTHER", "SECRET")))
    (column,) = probe.entities(TABLE)[f"{HR}.t"].columns
    assert (column.data_type, column.children) == ("STRUCT", ())


def test_keys_over_schemas_and_several_columns(hr, probe):
    hr.user("SALES")
    hr.table("HR", "PLACE", ("A", "NUMBER(1)"), ("B", "NUMBER(1)"), ("C", "NUMBER(1)"))
    place = hr.key("HR", "PLACE", "P", "A", "B", name="PLACE_PK")
    hr.key("HR", "PLACE", "U", "C")
    hr.table("SALES", "VISIT", ("X", "NUMBER(1)"), ("Y", "NUMBER(1)"))
    hr.key("SALES", "VISIT", "R", "Y", "X", name="PLACE_PK", refers=place)
    found = probe.entities(TABLE)
    (primary,) = found[f"{HR}.place"].constraints
    assert (primary.constraint_type, primary.columns) == ("PRIMARY_KEY", ("a", "b"))
    assert str(found[f"{HR}.place"].columns[2].constraint) == "UNIQUE"
    (foreign,) = found["svc.default.sales.visit"].constraints
    assert foreign.columns == ("y", "x")
    assert foreign.referred_table == f"{HR}.place"
    assert foreign.referred_columns == (f"{HR}.place.a", f"{HR}.place.b")


def test_comments(hr, probe):
    hr.table("HR", "T", (*ID, {"comment": "number"}), comment="table's")
    hr.view("HR", "V", "select id from t", (*ID, {"comment": "seen"}), comment="view's")
    hr.snapshot("HR", "M", "select id from t", ID, comment="kept")
    hr.snapshot("HR", "BARE", "select id from t", ID)
    found = probe.entities(TABLE)
    assert {each.name: each.description for each in found.values()} == {
        "t": "table's",
        "v": "view's",
        "m": "kept",
        "bare": None,
    }
    assert [found[f"{HR}.{each}"].columns[0].description for each in "tv"] == ["number", "seen"]


def test_views_have_the_whole_text_with_the_names_of_their_columns(hr, probe):
    long, short = f"select {'id, ' * 2000} id from t", "select id from t"  # noqa: S608
    hr.view("HR", "V", long, ("TOTAL", "NUMBER"), ("Sum", "NUMBER"))
    hr.snapshot("HR", "M", short, ID)
    told = {each.name: each.schema_definition for each in probe.entities(TABLE).values()}
    assert told == {
        "v": f'CREATE VIEW "HR"."V" ("TOTAL", "Sum") AS\n{long}',
        "m": f'CREATE MATERIALIZED VIEW "HR"."M" ("ID") AS\n{short}',
    }


def test_partitions_of_both_levels(hr, probe):
    hr.table(
        "HR", "T", ("DAY", "DATE"), ("N", "NUMBER(5)"), ("REGION", "CHAR(2)"), partitioned="YES"
    )
    hr.partition("HR", "T", "RANGE", "DAY", "N", interval="1", sub=("LIST", "REGION"))
    hr.table("HR", "H", ("N", "NUMBER(5)"), partitioned="YES")
    hr.partition("HR", "H", "HASH", "N")
    hr.table("HR", "CHILD", ("N", "NUMBER(5)"), partitioned="YES")
    hr.partition("HR", "CHILD", "REFERENCE")
    found = probe.entities(TABLE)
    told = [(e.column_name, e.interval_type, e.interval) for e in found[f"{HR}.t"].partition]
    assert told == [
        ("day", "TIME-UNIT", "1"),
        ("n", "INTEGER-RANGE", "1"),
        ("region", "COLUMN-VALUE", None),
    ]
    assert [e.interval_type for e in found[f"{HR}.h"].partition] == ["OTHER"]
    assert found[f"{HR}.child"].partition == ()


def test_routines_with_their_bodies(hr, probe):
    hr.routine("HR", "RAISE", "PROCEDURE", "procedure raise as\nbegin null; end;\n")
    hr.routine("HR", "PAY", "PACKAGE", "package pay as\nend;\n")
    hr.routine("HR", "PAY", "PACKAGE BODY", "package body pay as\nend;\n")
    hr.routine("HR", "HIDDEN", "FUNCTION", "function hidden wrapped\na000000\nb2\n")
    hr.routine("HR", "UNSEEN", "FUNCTION", "")
    found = {each.name: each for each in probe.entities(PROCEDURE).values()}
    assert {name: each.procedure_type for name, each in found.items()} == {
        "RAISE": "StoredProcedure",
        "PAY": "StoredPackage",
        "HIDDEN": "Function",
        "UNSEEN": "Function",
    }
    assert found["PAY"].code == (
        "CREATE OR REPLACE package pay as\nend;\n\nCREATE OR REPLACE package body pay as\nend;"
    )
    assert found["HIDDEN"].code == "CREATE OR REPLACE function hidden wrapped"
    assert found["UNSEEN"].code == 'CREATE OR REPLACE FUNCTION "HR"."UNSEEN"'


def test_only_what_is_wanted_is_listed(hr, probe):
    hr.table("HR", "T", ID)
    hr.view("HR", "V", "select id from t", ID)
    hr.snapshot("HR", "M", "select id from t", ID)
    hr.routine("HR", "P", "PROCEDURE", "procedure p as begin null; end;")
    assert set(kinds(probe, options={"includeViews": False})) == {"t"}
    assert set(kinds(probe, options={"includeTables": False})) == {"v", "m"}
    assert not probe.descriptors(PROCEDURE, options={"includeStoredProcedures": False})


def test_what_was_dropped_meanwhile_is_gone(hr, probe):
    hr.table("HR", "T", ID)
    hr.routine("HR", "P", "PROCEDURE", "procedure p as begin null; end;")
    listed = [*probe.descriptors(TABLE), *probe.descriptors(PROCEDURE)]
    for view in ("all_tables", "objects", "tab_cols"):
        hr.engine.execute(f"delete from of_{view}")  # noqa: S608 - our own names
    with probe.open() as source:
        found, failed = sort(source.process_entities(listed))
    assert not found
    assert {type(each) for each in failed.values()} == {Gone}


def test_a_table_that_shows_no_columns_is_denied_alone(hr, probe):
    hr.table("HR", "T", ID)
    hr.table("HR", "SHUT")
    found, failed = probe.answers(TABLE)
    assert list(found) == [f"{HR}.t"]
    assert isinstance(failed[f"{HR}.shut"], Denied)
    assert 'GRANT SELECT ON "HR"."SHUT"' in failed[f"{HR}.shut"].hint


def test_the_story_is_told_the_same_in_a_batch_and_one_by_one(dictionary, probe):
    tell(dictionary)
    for entity_type in (TABLE, PROCEDURE):
        probe.agree(entity_type, options={"includeDDL": True})


# --- rights ---


@pytest.fixture
def modest(hr):
    """An account without the catalogue's role, which may read some tables."""
    hr.catalogue_role = False
    hr.table("HR", "MINE", ID, ("THEIRS", "NUMBER(10)"))
    hr.table("HR", "SECRET", ID)
    hr.key("HR", "MINE", "R", "THEIRS", refers=hr.key("HR", "SECRET", "P", "ID"))
    hr.key("HR", "MINE", "P", "ID")
    hr.grant("HR", "MINE")
    return hr


def test_without_the_catalogues_role_what_one_has_a_right_to_is_read(modest, probe):
    (mine,) = probe.entities(TABLE).values()
    assert mine.name == "mine"
    assert str(mine.columns[0].constraint) == "PRIMARY_KEY"
    assert mine.constraints == ()  # the other end of the reference is not shown


def test_an_absent_table_of_such_an_account_proves_nothing(modest, probe):
    assert probe.connector.listing_hides


def test_dba_views_are_read_where_they_may_be(modest, probe):
    modest.catalogue_role = True
    assert set(kinds(probe)) == {"mine", "secret"}
    assert set(kinds(probe, useDBATable=False)) == {"mine"}


def test_one_schema(hr, probe):
    hr.user("SALES")
    hr.table("SALES", "T", ID)
    one = {
        "oracleConnectionType": {"databaseSchema": "sales"},
        "connectionOptions": {"service_name": "FREEPDB1"},
    }
    assert [each.id for each in probe.descriptors(SCHEMA, **one)] == ["svc.default.sales"]
    with pytest.raises(Exception, match="there is no schema 'nobody'"):
        probe.listing(**{**one, "oracleConnectionType": {"databaseSchema": "nobody"}})


def test_the_database_is_called_as_the_config_says(hr, probe):
    (found,) = probe.descriptors(EntityType.DATABASE, databaseName="erp")
    assert found.id == "svc.erp"


def test_ddl_where_it_is_asked_for(hr, probe):
    for name in ("A", "B", "C"):
        hr.table("HR", name, ID)
    assert all(each.schema_definition is None for each in probe.entities(TABLE).values())
    hr.ddl_denied = {"B"}
    found = probe.entities(TABLE, options={"includeDDL": True})
    assert {each.name: bool(each.schema_definition) for each in found.values()} == {
        "a": True,
        "b": False,
        "c": True,
    }


def test_a_connection_that_is_lost_over_the_ddl_is_no_table_without_it(hr, probe, monkeypatch):
    oracledb = pytest.importorskip("oracledb")
    hr.table("HR", "T", ID)

    def lost(tree):
        if "get_ddl" in tree.sql().lower():
            raise oracledb.OperationalError("DPY-4011: the network closed the connection")

    monkeypatch.setattr(hr, "_refuse", lost)
    with pytest.raises(SessionLost):
        probe.entities(TABLE, options={"includeDDL": True})


def test_ends_of_scopes_are_complete(hr, probe):
    hr.table("HR", "T", ID)
    ends = [each for each in probe.listing() if isinstance(each, ScopeListed)]
    assert all(each.complete for each in ends)
    assert {(each.type, each.count) for each in ends} >= {(TABLE, 1), (SCHEMA, 1), (PROCEDURE, 0)}
