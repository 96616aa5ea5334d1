"""What the emulator cannot show: statements parsed and bound, and answers as Snowflake's pages have them.

Keys, clustering, GET_DDL, tags and streams are graded `compiled` (bed.py says why). The statements are
parsed in Snowflake's dialect, with every column looked up among those that the vendor documents; what
is made of the answers is shown on rows laid out as documented. No account has judged it.
"""

import re
from types import SimpleNamespace

import pytest
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

from rayingest.core.source import Described, EntityDescriptor
from rayingest.errors import (
    Denied,
    Permanent,
    SessionLost,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.snowflake import (
    changes,
    check,
    facts,
    flows,
    keys,
    listing,
    routines,
    session,
    tables,
    tags,
)
from rayingest.kit.sql.snowflake.columns import COLUMNS
from rayingest.kit.sql.snowflake.errors import classify, classify_connect
from rayingest.kit.sql.snowflake.partitions import clustering
from rayingest.kit.sql.snowflake.session import MOST, SnowSession, quoted
from rayingest.kit.sql.snowflake.shapes import NAMES, shape
from rayingest.kit.sql.snowflake.streams import watched
from rayingest.kit.sql.snowflake.tags import by_place
from rayingest.kit.sql.snowflake.texts import GET_DDL, TOGETHER, ddl
from rayingest.model import EntityType, TableType

# https://docs.snowflake.com/en/sql-reference/info-schema/<view>, those that are used or stand near.
DOCUMENTED = {
    "SCHEMATA": "CATALOG_NAME SCHEMA_NAME SCHEMA_OWNER IS_TRANSIENT CREATED LAST_ALTERED COMMENT",
    "TABLES": "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_OWNER TABLE_TYPE IS_TRANSIENT "
    "CLUSTERING_KEY ROW_COUNT BYTES CREATED LAST_ALTERED LAST_DDL COMMENT IS_TEMPORARY IS_ICEBERG "
    "IS_DYNAMIC IS_HYBRID",
    "VIEWS": "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_OWNER VIEW_DEFINITION IS_SECURE "
    "CREATED LAST_ALTERED LAST_DDL COMMENT",
    "COLUMNS": "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME ORDINAL_POSITION COLUMN_DEFAULT "
    "IS_NULLABLE DATA_TYPE CHARACTER_MAXIMUM_LENGTH CHARACTER_OCTET_LENGTH NUMERIC_PRECISION "
    "NUMERIC_SCALE DATETIME_PRECISION COMMENT",
    "STAGES": "STAGE_CATALOG STAGE_SCHEMA STAGE_NAME STAGE_URL STAGE_REGION STAGE_TYPE STAGE_OWNER COMMENT",
    "PROCEDURES": "PROCEDURE_CATALOG PROCEDURE_SCHEMA PROCEDURE_NAME PROCEDURE_OWNER "
    "ARGUMENT_SIGNATURE DATA_TYPE PROCEDURE_LANGUAGE PROCEDURE_DEFINITION COMMENT",
    "FUNCTIONS": "FUNCTION_CATALOG FUNCTION_SCHEMA FUNCTION_NAME FUNCTION_OWNER ARGUMENT_SIGNATURE "
    "DATA_TYPE FUNCTION_LANGUAGE FUNCTION_DEFINITION COMMENT",
}
TAG_REFERENCES = (
    "TAG_DATABASE TAG_SCHEMA TAG_ID TAG_NAME TAG_VALUE OBJECT_DATABASE OBJECT_SCHEMA OBJECT_ID "
    "OBJECT_NAME OBJECT_DELETED DOMAIN COLUMN_ID COLUMN_NAME APPLY_METHOD"
)
ACCESS_HISTORY = (
    "QUERY_ID QUERY_START_TIME USER_NAME DIRECT_OBJECTS_ACCESSED BASE_OBJECTS_ACCESSED OBJECTS_MODIFIED "
    "OBJECT_MODIFIED_BY_DDL POLICIES_REFERENCED PARENT_QUERY_ID ROOT_QUERY_ID"
)
CATALOGUE = {
    "SHOP": {
        "INFORMATION_SCHEMA": {
            view: dict.fromkeys(names.split(), "VARCHAR") for view, names in DOCUMENTED.items()
        }
    },
    "SNOWFLAKE": {
        "ACCOUNT_USAGE": {
            "TAG_REFERENCES": dict.fromkeys(TAG_REFERENCES.split(), "VARCHAR"),
            "ACCESS_HISTORY": dict.fromkeys(ACCESS_HISTORY.split(), "VARIANT"),
        }
    },
}
VIEWS = {"views": '"SHOP".information_schema', "usage": "SNOWFLAKE.ACCOUNT_USAGE"}
WHERE = {"where": "table_schema = %s and table_name in (%s)"}
MORE = f"{listing.ROUTINES} {listing.STAGES}"
LISTING = listing.LISTING.replace("{more}", MORE)
STATEMENTS = {
    "listing": LISTING.format(**VIEWS, where=listing.ALL, **changes.columns(None)),
    "listing of one": LISTING.format(**VIEWS, where=listing.ONE, **changes.columns(None)),
    "listing with tokens": LISTING.format(**VIEWS, where=listing.ALL, **changes.columns(1)),
    "what tells": changes.TELLING.format(**VIEWS),
    "schemas": listing.SCHEMAS.format(**VIEWS),
    "relations": tables.RELATIONS.format(**VIEWS, **WHERE),
    "stages": tables.STAGES.format(**VIEWS, where="stage_schema = %s and stage_name in (%s)"),
    "columns": COLUMNS.format(**VIEWS, **WHERE),
    "routines": routines.ROUTINES.format(
        **VIEWS, procedures="procedure_schema = %s", functions="function_schema = %s"
    ),
    "schemas told": facts.SCHEMAS.format(**VIEWS),
    "tags of tables": (tags.TAGS + "object_schema = %s and object_name in (%s)").format(**VIEWS),
    "tags of schemas": tags.SCHEMAS.format(**VIEWS),
    "tags of a database": tags.DATABASE.format(**VIEWS),
    "tags tried": tags.TRIAL.format(**VIEWS),
    "recorded": flows.FLOWS.format(usage="SNOWFLAKE.ACCOUNT_USAGE", days=1),
    "views hidden": check.HIDDEN.format(**VIEWS),
    "one table": check.ONE_TABLE.format(**VIEWS),
}
OTHERS = [GET_DDL, session.CANCEL, check.WHO]


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_reads_what_the_vendor_documents(name):
    tree = sqlglot.parse_one(STATEMENTS[name].replace("%s", "'x'"), read="snowflake")
    assert isinstance(tree, exp.Query)
    qualify(tree, dialect="snowflake", schema=CATALOGUE, validate_qualify_columns=True)


def test_a_column_that_is_not_documented_is_noticed():
    wrong = STATEMENTS["columns"].replace("is_nullable", "nullable")
    tree = sqlglot.parse_one(wrong.replace("%s", "'x'"), read="snowflake")
    with pytest.raises(sqlglot.errors.OptimizeError):
        qualify(tree, dialect="snowflake", schema=CATALOGUE, validate_qualify_columns=True)


@pytest.mark.parametrize("statement", OTHERS)
def test_functions_are_parsed(statement):
    assert isinstance(
        sqlglot.parse_one(statement.replace("%s", "'x'"), read="snowflake"), exp.Query
    )


class Answers(SnowSession):
    """A session that answers out of a function, and remembers what it was asked."""

    def __init__(self, answer, *, streams=False):
        config = SimpleNamespace(
            includeStreams=streams,
            includeStages=False,
            includeTransientTables=True,
            accountUsageSchema="SNOWFLAKE.ACCOUNT_USAGE",
        )
        super().__init__(None, database="SHOP", config=config, number=1, beside=lambda: None)
        self.asked = []
        self._answer = answer

    def rows(self, query, parameters=()):
        self.asked.append((query, list(parameters)))
        return self._answer(query, list(parameters))

    stream = shown = rows


def key_rows(kind, schema, table, columns, name="k"):
    ours = {"database_name": "SHOP", "schema_name": schema, "table_name": table}
    if kind == "imported":
        ours = {f"fk_{key}": value for key, value in ours.items()}
        return [
            {**ours, "fk_name": name, "key_sequence": place, "fk_column_name": column,
             "pk_database_name": "Other.Db", "pk_schema_name": "S", "pk_table_name": "T", "pk_column_name": f"P{column}"}
            for place, column in enumerate(columns, 1)
        ]  # fmt: skip
    return [
        {**ours, "constraint_name": name, "key_sequence": str(place), "column_name": column}
        for place, column in enumerate(columns, 1)
    ]


def test_keys_out_of_what_show_says():
    told = {
        "primary": key_rows("primary", "PUBLIC", "A", ["Y", "X"]),
        "unique": [
            *reversed(key_rows("unique", "PUBLIC", "A", ["X", "Z"], "u2")),
            *key_rows("unique", "PUBLIC", "A", ["U"], "u1"),
            *key_rows("unique", "ELSEWHERE", "A", ["N"]),
        ],
        "imported": key_rows("imported", "PUBLIC", "A", ["X", "Y"]),
    }
    source = Answers(lambda statement, _: told[statement.split()[1]])
    found = keys.keys(source, [("PUBLIC", "A"), ("PUBLIC", "B")], "svc")
    assert [query for query, _ in source.asked] == [
        f'show {kind} keys in schema "SHOP"."PUBLIC"' for kind in ("primary", "unique", "imported")
    ]
    assert found["PUBLIC", "A"].of_columns == {"U": "UNIQUE"}
    assert [
        (each.constraint_type, each.columns, each.referred_columns)
        for each in found["PUBLIC", "A"].of_table
    ] == [
        ("PRIMARY_KEY", ("Y", "X"), ()),
        ("UNIQUE", ("X", "Z"), ()),
        ("FOREIGN_KEY", ("X", "Y"), ('svc."Other.Db".S.T.PX', 'svc."Other.Db".S.T.PY')),
    ]
    assert found["PUBLIC", "B"].of_table == ()


def test_keys_of_many_schemas_are_asked_for_at_once():
    source = Answers(lambda *_: [])
    keys.keys(source, [("A", "t"), ("B", "t")], "svc")
    assert [query for query, _ in source.asked] == [
        f'show {kind} keys in database "SHOP"' for kind in ("primary", "unique", "imported")
    ]


def test_an_answer_of_just_so_many_rows_is_not_taken_for_all():
    """Cut for the database and for one of its schemas: what was cut away is found by the table."""

    def answer(statement, _):
        if " database " in statement or statement.endswith('"BIG"'):
            return key_rows("primary", "BIG", "other", [f"C{i}" for i in range(MOST)])
        table = re.search(r'"(\w+)"$', statement)[1]
        return key_rows(
            "primary", "BIG" if ".t" in statement or "BIG" in statement else table, table, ["ID"]
        )

    source = Answers(lambda statement, _: answer(statement, _) if "primary" in statement else [])
    found = keys.keys(source, [("BIG", "t1"), ("BIG", "t2"), ("SMALL", "SMALL")], "svc")
    assert {key: each.of_columns for key, each in found.items()} == {
        ("BIG", "t1"): {"ID": "PRIMARY_KEY"},
        ("BIG", "t2"): {"ID": "PRIMARY_KEY"},
        ("SMALL", "SMALL"): {"ID": "PRIMARY_KEY"},
    }
    assert [query for query, _ in source.asked if "primary" in query] == [
        'show primary keys in database "SHOP"',
        'show primary keys in schema "SHOP"."BIG"',
        'show primary keys in table "SHOP"."BIG"."t1"',
        'show primary keys in table "SHOP"."BIG"."t2"',
        'show primary keys in schema "SHOP"."SMALL"',
    ]
    source.asked.clear()
    assert keys.keys(source, [("BIG", "t1"), ("SMALL", "SMALL")], "svc")
    assert [query for query, _ in source.asked if "primary" in query] == [
        'show primary keys in table "SHOP"."BIG"."t1"',
        'show primary keys in schema "SHOP"."SMALL"',
    ]


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("count", [0, MOST - 1, MOST, MOST + 1, 2 * MOST + 5])
def test_a_show_is_read_page_by_page(count, inclusive):
    """Whether a page begins with the name that it was asked from, or behind it."""
    names = [f"n{i:06}" for i in range(count)]

    def answer(statement, parameters):
        assert f"limit {MOST}" in statement
        start = names.index(parameters[0]) + (not inclusive) if parameters else 0
        return [{"name": each} for each in names[start : start + MOST]]

    assert [each["name"] for each in Answers(answer).pages("show databases")] == names


def test_streams_are_listed_by_schema_where_the_database_has_too_many():
    def answer(statement, _):
        if " in database " in statement:
            return [{"name": f"s{i}", "schema_name": "A"} for i in range(MOST)]
        if " in schema " in statement:
            place = re.search(r'"(\w+)" limit', statement)[1]
            return [{"name": "s", "schema_name": place}]
        if statement.startswith("select schema_name"):
            return [("B",), ("A",)]
        return [("A", 0, "A", ""), ("A", 1, "s", "BASE TABLE"), ("B", 0, "B", "")]

    found = list(listing.listing(Answers(answer, streams=True), Wants()))
    assert [(each.schema, each.name, each.kind) for each in found] == [
        ("A", "A", ""),
        ("A", "s", "BASE TABLE"),  # the stream of that name is left out, and told in the log
        ("B", "B", ""),
        ("B", "s", "STREAM"),
    ]


def snowflake_error(number, text, sqlstate=None, kind="ProgrammingError"):
    errors = pytest.importorskip("snowflake.connector.errors")
    return getattr(errors, kind)(msg=text, errno=number, sqlstate=sqlstate)


def test_too_much_for_one_statement_is_asked_schema_by_schema():
    def answer(statement, parameters):
        if statement.startswith("select schema_name"):
            return [("B",), ("A",)]
        if not parameters:
            raise snowflake_error(90030, "Information schema query returned too much data.")
        place = parameters[0]
        return [(place, 0, place, ""), (place, 1, "T", "BASE TABLE")]

    found = list(listing.listing(Answers(answer), Wants()))
    assert [(each.schema, each.name) for each in found] == [
        ("A", "A"), ("A", "T"), ("B", "B"), ("B", "T"),
    ]  # fmt: skip


KINDS = {
    "BASE TABLE": TableType.REGULAR,
    "EVENT TABLE": TableType.REGULAR,
    "EXTERNAL TABLE": TableType.EXTERNAL,
    "DYNAMIC": TableType.DYNAMIC,
    "ICEBERG": TableType.ICEBERG,
    "TRANSIENT": TableType.TRANSIENT,
    "MATERIALIZED VIEW": TableType.MATERIALIZED_VIEW,
    "VIEW": TableType.SECURE_VIEW,
    "CLUSTERED": TableType.PARTITIONED,
    "STREAM": TableType.STREAM,
}


def described(options):
    """A table of each kind, described out of rows as Snowflake documents them."""
    scope = "svc.SHOP.PUBLIC"
    descriptors = [
        EntityDescriptor(
            EntityType.TABLE, f"{scope}.{kind}", scope, "SHOP",
            {"name": kind, "schema": "PUBLIC", "kind": kind},
        )
        for kind in KINDS
    ]  # fmt: skip

    def answer(statement, parameters):
        if statement.startswith("show streams"):
            return [{"name": "STREAM", "schema_name": "PUBLIC", "owner": "BOSS", "comment": "",
                     "table_name": 'SHOP.PUBLIC."BASE TABLE"'}]  # fmt: skip
        if statement.startswith("show"):
            return []
        if "get_ddl" in statement:
            return [
                (number, f"create {kind} {name}")
                for number, kind, name in zip(*[iter(parameters)] * 3, strict=True)
            ]
        if "tag_references" in statement:
            return [
                ("PUBLIC", "BASE TABLE", None, "COST", "red"),
                ("PUBLIC", "VIEW", "DAY", "PII", ""),
            ]
        if ".columns" in statement:
            return [
                ("PUBLIC", kind, 1, "DAY", "DATE", None, None, None, "YES", None)
                for kind in KINDS
                if kind in parameters[1]
            ]
        rows = [
            ("PUBLIC", kind, "BASE TABLE" if kind == "CLUSTERED" else kind, "BOSS", None,
             "LINEAR(DAY)" if kind == "CLUSTERED" else None, None, None)
            for kind in KINDS if kind not in ("STREAM", "VIEW")
        ]  # fmt: skip
        twin = ("PUBLIC", "MATERIALIZED VIEW", "VIEW", "BOSS", None, None, None, "NO")
        return [
            *rows,
            twin,
            ("PUBLIC", "VIEW", "VIEW", "BOSS", "c", None, "create view v as select 1", "YES"),
        ]

    source = Answers(answer)
    found = {
        each.descriptor.metadata["name"]: each.entities[0]
        for each in tables.tables(source, descriptors, Wants(**options))
        if isinstance(each, Described)
    }
    return source, found


def test_kinds_of_tables():
    source, found = described({"tags": False})
    assert {name: each.table_type for name, each in found.items()} == KINDS
    assert [each.name for each in found["STREAM"].columns] == [
        "DAY", "METADATA$ACTION", "METADATA$ISUPDATE", "METADATA$ROW_ID",
    ]  # fmt: skip
    assert [each.ordinal_position for each in found["STREAM"].columns] == [1, 2, 3, 4]
    assert [each.column_name for each in found["CLUSTERED"].partition] == ["DAY"]
    assert found["VIEW"].schema_definition == "create view v as select 1"
    assert found["MATERIALIZED VIEW"].schema_definition.startswith("create VIEW")
    assert found["BASE TABLE"].schema_definition is None
    assert found["BASE TABLE"].owners == found["BASE TABLE"].tags == ()
    assert len(source.asked) == 8  # with the stream's two, and the materialized view's one


def test_ddl_tags_and_owners():
    source, found = described({"ddl": True, "owners": True})
    assert found["BASE TABLE"].schema_definition == 'create TABLE "SHOP"."PUBLIC"."BASE TABLE"'
    for kind, word in (("DYNAMIC", "DYNAMIC_TABLE"), ("ICEBERG", "ICEBERG_TABLE"),
                       ("EVENT TABLE", "EVENT_TABLE"), ("EXTERNAL TABLE", "TABLE"), ("STREAM", "STREAM")):  # fmt: skip
        assert found[kind].schema_definition.startswith(f"create {word} ")
    assert {each.name for table in found.values() for each in table.owners} == {"BOSS"}
    (tag,) = found["BASE TABLE"].tags
    assert (tag.classification, tag.name) == ("COST", "red")
    (tag,) = found["VIEW"].columns[0].tags
    assert (tag.classification, tag.name) == ("PII", "PII")
    assert sum("get_ddl" in query for query, _ in source.asked) == 1


def test_tags_that_the_role_may_not_see_are_told_once_and_cost_nothing_else(caplog):
    def answer(*_):
        raise snowflake_error(
            2003, "Object 'SNOWFLAKE.ACCOUNT_USAGE.TAG_REFERENCES' does not exist"
        )

    tags._warn.cache_clear()
    for source in (Answers(answer), Answers(answer)):
        for _ in range(3):
            assert tags.table_tags(source, {"A": ["t"]}) == {}
        assert len(source.asked) == 1
    assert [each.message for each in caplog.records] == [
        "Tags are not read: the role may not see SNOWFLAKE.ACCOUNT_USAGE"
    ]


def test_tags_by_place():
    rows = [("S", "T", None, "B", "2"), ("S", "T", None, "A", "1"), ("S", "T", "C", "A", "1")]
    told = by_place(rows)["S", "T"]
    assert [(each.classification, each.name) for each in told[None]] == [("A", "1"), ("B", "2")]
    assert [each.name for each in told["C"]] == ["1"]


def test_one_closed_table_among_many_costs_its_own_ddl_alone():
    closed = quoted("SHOP", "S", "t7")

    def answer(query, parameters):
        if closed in parameters:
            raise snowflake_error(2003, "Object does not exist or not authorized.")
        return [(parameters[i], "create table") for i in range(0, len(parameters), 3)]

    source = Answers(answer)
    wanted = [(("S", f"t{i}"), "BASE TABLE") for i in range(3 * TOGETHER)]
    assert len(dict(ddl(source, wanted))) == 3 * TOGETHER - 1
    assert len(source.asked) < 20


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("LINEAR(DAY, ID)", [("DAY", "COLUMN-VALUE", None), ("ID", "COLUMN-VALUE", None)]),
        ("(DAY)", [("DAY", "COLUMN-VALUE", None)]),
        ('LINEAR("a b", day)', [("a b", "COLUMN-VALUE", None), ("DAY", "COLUMN-VALUE", None)]),
        ("LINEAR(DATE_TRUNC('DAY', AT))", [("AT", "OTHER", "date_trunc")]),
        ('LINEAR(SUBSTRING("NAME", 1, 2), DAY)', [("NAME", "OTHER", "substring"), ("DAY", "COLUMN-VALUE", None)]),
        ("LINEAR(V:x::int)", [("V:x::int", "COLUMN-VALUE", None)]),
        (None, []),
        ("", []),
    ],
)  # fmt: skip
def test_what_a_table_is_clustered_by(key, expected):
    found = clustering(key, {"DAY", "ID", "AT", "NAME", "a b"})
    assert [(each.column_name, each.interval_type, each.interval) for each in found] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("TEXT", 20, None, None), ("VARCHAR", "VARCHAR(20)", 20)),
        (("TEXT", None, None, None), ("VARCHAR", "VARCHAR(16777216)", 16777216)),
        (("BINARY", None, None, None), ("BINARY", "BINARY(8388608)", 8388608)),
        (("NUMBER", None, 38, 0), ("NUMBER", "NUMBER(38,0)", None)),
        (("ARRAY", None, None, None), ("ARRAY", "ARRAY", None)),
        (("OBJECT", None, None, None), ("JSON", "OBJECT", None)),
        (("TIMESTAMP_LTZ", None, None, None), ("TIMESTAMP", "TIMESTAMP_LTZ", None)),
        (("FILE", None, None, None), ("UNKNOWN", "FILE", None)),
    ],
)
def test_types(given, expected):
    found = shape(*given)
    assert (found.data_type, found.display, found.length) == expected
    assert (found.element is not None) == (found.data_type == "ARRAY")


def test_every_type_is_one_of_the_catalogues(contracts):
    import json

    schema = contracts / "openmetadata/schemas/entity/data/table.json"
    known = set(json.loads(schema.read_text())["definitions"]["dataType"]["enum"])
    assert {*NAMES.values(), "VARCHAR", "BINARY", "ARRAY"} <= known


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SHOP.PUBLIC.T", ("SHOP", ("PUBLIC", "T"))),
        ('SHOP."a.b"."c""d"', ("SHOP", ("a.b", 'c"d'))),
        ("No privilege or table dropped", None),
        (None, None),
    ],
)
def test_what_a_stream_watches(name, expected):
    assert watched({"table_name": name}) == expected


@pytest.mark.parametrize(
    ("number", "text", "sqlstate", "kind", "means"),
    [
        (2003, "002003 (42S02): Object 'X' does not exist or not authorized.", "42S02", "ProgrammingError", Denied),
        (2043, "Object does not exist, or operation cannot be performed.", "02000", "ProgrammingError", Denied),
        (3001, "Insufficient privileges to operate on table 'T'", "42501", "ProgrammingError", Denied),
        (606, "No active warehouse selected in the current session.", "57P03", "ProgrammingError", Denied),
        (604, "SQL execution canceled", "57014", "ProgrammingError", TimedOut),
        (630, "Statement reached its statement or warehouse timeout of 5 second(s)", "57014", "ProgrammingError", TimedOut),
        (14, "Query timed out after 2s", "HYT00", "OperationalError", TimedOut),
        (4, "HTTP request failed after retries: max attempts (6) reached; last status 503", None, "OperationalError", Throttled),
        (4, "HTTP request failed after retries: max attempts (6) reached; last status 500", None, "OperationalError", SessionLost),
        (390112, "Your session has expired. Please login again.", "08001", "ProgrammingError", SessionLost),
        (252006, "Cursor is closed.", None, "InterfaceError", SessionLost),
        (90030, "Information schema query returned too much data.", "22000", "ProgrammingError", Permanent),
        (1003, "SQL compilation error: syntax error", "42000", "ProgrammingError", Permanent),
    ],
)  # fmt: skip
def test_what_errors_mean(number, text, sqlstate, kind, means):
    known = classify(snowflake_error(number, text, sqlstate, kind))
    assert type(known) is means
    assert text.removeprefix("002003 (42S02): ") in str(known)
    assert "002003" not in str(known)
    assert classify(ZeroDivisionError()) is None


@pytest.mark.parametrize(
    ("number", "text", "sqlstate", "means"),
    [
        (390100, "Incorrect username or password was specified.", "28000", Unauthorised),
        (390144, "JWT token is invalid.", "28000", Unauthorised),
        (390189, "Role 'X' specified in the connect string does not exist or not authorized.", "28000", Unauthorised),
        (14, "Failed to login: login timed out after 30s", "HYT00", Unreachable),
        (250001, "Failed to login: certificate verify failed", "08001", Unreachable),
    ],
)  # fmt: skip
def test_what_errors_mean_at_a_login(number, text, sqlstate, means):
    known = classify_connect(
        snowflake_error(number, text, sqlstate, "DatabaseError"), "acme", "ada"
    )
    assert type(known) is means
    assert "'acme'" in str(known)
    assert known.hint
