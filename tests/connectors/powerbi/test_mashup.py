"""Power Query's language M: where tables come from, and what is not known is told, whatever stands there."""

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rayingest.connectors.dashboard._powerbi.mashup import DEEPEST, parsed
from rayingest.connectors.dashboard._powerbi.model import Model
from rayingest.connectors.dashboard._powerbi.origins import origins
from rayingest.connectors.dashboard._powerbi.tree import NotUnderstood
from rayingest.connectors.dashboard._powerbi.value import Place, Query
from rayingest.kit.tables import Tables

Names = list[tuple[str, ...]]


def read(expression: str, **shared: str) -> tuple[Names, list[str], tuple[str, ...]]:
    """Names of tables, SQL, and what is not known, of a table with this expression."""
    dataset = {
        "tables": [{"name": "T", "source": [{"expression": expression}]}],
        "expressions": [{"name": name, "expression": each} for name, each in shared.items()],
    }
    found = dict(Model.of(dataset).values())
    if "T" not in found:
        return [], [], ("computed",)
    value = found["T"]
    names = [each.names for each in value.reads if isinstance(each, Place)]
    return names, [each.sql for each in value.reads if isinstance(each, Query)], value.unknown


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        (
            'let Source = Sql.Database("srv", "DB"), t = Source{[Schema="dbo",Item="Sales"]}[Data] in t',
            ("DB", "dbo", "Sales"),
        ),
        (
            (
                'let Source = Sql.Databases("srv"), DB = Source{[Name="DB"]}[Data],'
                ' t = DB{[Schema="dbo",Item="Sales"]}[Data] in t'
            ),
            ("DB", "dbo", "Sales"),
        ),
        (
            (
                'let Source = Snowflake.Databases("acc.snowflakecomputing.com", "WH", [Role="R"]),'
                ' DB_Database = Source{[Name="DB",Kind="Database"]}[Data],'
                ' S_Schema = DB_Database{[Name="S",Kind="Schema"]}[Data],'
                ' T_Table = S_Schema{[Name="T",Kind="Table"]}[Data] in T_Table'
            ),
            ("DB", "S", "T"),
        ),
        (
            (
                'let Source = PostgreSQL.Database("h:5432", "shop"),'
                ' #"inventory orders" = Source{[Schema="inventory",Item="orders"]}[Data]'
                ' in #"inventory orders"'
            ),
            ("shop", "inventory", "orders"),
        ),
        (
            (
                'let Source = Oracle.Database("ora", [HierarchicalNavigation=true]),'
                ' HR = Source{[Schema="HR"]}[Data], E = HR{[Name="EMP"]}[Data] in E'
            ),
            ("HR", "EMP"),
        ),
        (
            (
                'let Source = AmazonRedshift.Database("r:5439","dev"), public = Source{[Name="public"]}[Data],'
                ' t = public{[Name="events"]}[Data] in t'
            ),
            ("dev", "public", "events"),
        ),
        (
            (
                'let Source = GoogleBigQuery.Database([BillingProject="b"]), p = Source{[Name="proj"]}[Data],'
                ' d = p{[Name="set",Kind="Schema"]}[Data], t = d{[Name="t",Kind="Table"]}[Data] in t'
            ),
            ("proj", "set", "t"),
        ),
        (
            (
                'let Source = Databricks.Catalogs("h", "/sql/1", [Catalog=null, Database=null]),'
                ' c = Source{[Name="main",Kind="Database"]}[Data], s = c{[Name="s",Kind="Schema"]}[Data],'
                ' t = s{[Name="t",Kind="Table"]}[Data] in t'
            ),
            ("main", "s", "t"),
        ),
        (
            (
                'let Source = MySQL.Database("h", "shop", [ReturnSingleDatabase=true]),'
                ' t = Source{[Schema="shop",Item="orders"]}[Data] in t'
            ),
            ("shop", "orders"),
        ),
    ],
)
def test_ways_to_a_table(expression: str, names: tuple[str, ...]) -> None:
    assert read(expression) == ([names], [], ())


T = 'Sql.Database("s", "d"){[Schema="dbo",Item="%s"]}[Data]'
A, B = T % "a", T % "b"


@pytest.mark.parametrize(
    ("expression", "items"),
    [
        (f"Table.SelectRows({A}, each [Order ID] > 5 and not ([in] = null))", "a"),
        (f'Table.TransformColumnTypes({A}, {{{{"id", Int64.Type}}, {{"n", type nullable text}}}})', "a"),
        (f'Table.NestedJoin({A}, {{"id"}}, {B}, {{"id"}}, "b", JoinKind.LeftOuter)', "ab"),
        (f"Table.Combine({{{A}, {B}}})", "ab"),
        (f"if Text.Length(x) > 1 then {A} else {B}", "ab"),
        (f"try {A} otherwise {B}", "ab"),
        (f"{A} meta [x = 1]", "a"),
        (f"let t = {A}, /* {B} */ u = t // {B}\nin u[[id], [name]]", "a"),
        (f'let f = (x as text, optional y) as table => {T.replace(chr(34) + "%s" + chr(34), "x")} in f("b")', "b"),
        (f'Table.AddColumn({A}, "x", (row) => row[id] + 1, type number)', "a"),
        (f'Table.AddColumn({A}, "x", each Table.RowCount({B}))', "ab"),
        ('#table(type table [a = number, b = text], {{1, "x"}})', ""),
        ('Table.FromRows(Json.Document(Binary.Decompress(Binary.FromText("i45", 0), 1)), {"a"})', ""),
        ('PowerBI.Dataflows(null){[workspaceId="w"]}[Data]{[dataflowId="d"]}[Data]', ""),
    ],
)  # fmt: skip
def test_what_flows_through_steps_and_functions(expression: str, items: str) -> None:
    names, sql, unknown = read(expression)
    assert ["".join(each[2:]) for each in names] == [*items]
    assert (sql, unknown) == ([], ())


def test_hundreds_of_steps_are_followed() -> None:
    steps = ", ".join(f"s{n} = Table.SelectRows(s{n - 1}, each [id] > {n})" for n in range(1, 500))
    assert read(f"let s0 = {A}, {steps} in s499") == ([("d", "dbo", "a")], [], ())


def test_a_step_that_nobody_takes_says_nothing() -> None:
    assert read(f'let a = {A}, b = Excel.Workbook("x"), c = () => c() in a')[2] == ()


def test_parameters_and_other_queries_are_followed() -> None:
    told = read(
        'let Source = Warehouse{[Schema=Schema & "_v" & "1", Item="t"]}[Data] in Source',
        Warehouse='Sql.Database(Server, #"Data base")',
        Server='"s" meta [IsParameterQuery=true, Type="Text"]',
        Schema='"dbo"',
        **{"Data base": '"shop" meta [IsParameterQuery=true]'},
    )
    assert told == ([("shop", "dbo_v1", "t")], [], ())


@pytest.mark.parametrize(
    "expression",
    [
        'Value.NativeQuery(Sql.Database("s", "d"), "select *#(lf)from ""a"" b", null, [EnableFolding=true])',
        'Sql.Database("s", "d", [Query="select *#(000A)from ""a"" b", CommandTimeout=#duration(0, 1, 0, 0)])',
    ],
)
def test_sql_is_read_as_it_is_sent(expression: str) -> None:
    assert read(expression) == ([], ['select *\nfrom "a" b'], ())


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ('Excel.Workbook(File.Contents("x"), null, true)', "Excel.Workbook"),
        ('Odbc.Query("dsn=x", "select 1")', "Odbc.Query"),
        ('Sql.Database("s", Database)', "Sql.Database with a computed name"),
        ('Sql.Database("s", "d"){[Schema="dbo", Item=Text.Upper("t")]}[Data]', "a computed name"),
        ('Sql.Database("s", "d"){0}[Data]', "a computed name"),
        ('Sql.Database("s", "d")', "all of d"),
        ('Value.NativeQuery(Sql.Database("s", "d"), Text.Format("x", {}))', "a computed query"),
        ("Elsewhere", "Elsewhere"),
        ("let a = b, b = a in a", "leads to itself"),
        ("let f = (x) => f(x) in f(1)", "too deep"),
        ("#shared[T]", "#shared"),
        ("let a = 1", "'in' is missing"),
        ("Table.Combine({a, b", "',' is missing"),
        ("Table.Combine({a, ", "ends too early"),
        ("a ; b", "';' has no meaning"),
        (")", "closes nothing"),
        ("(" * 1000 + ")" * 1000, "too deep"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_told_and_not_guessed(expression: str, why: str) -> None:
    names, sql, unknown = read(expression)
    assert (names, sql) == ([], [])
    assert why in " ".join(unknown)


@pytest.mark.parametrize(
    "expression",
    [
        "CALENDAR(DATE(2020, 1, 1), TODAY())",
        "-- all of them\nSUMMARIZE('Sales', 'Sales'[Region], \"n\", COUNTROWS('Sales'))",
        "VAR x = FILTER(Sales, [a] > 1) RETURN x",
        "'Sales'",
        "Calendar(Date(Year(Min('Sales'[Date])), 1, 1), Date(2030, 12, 31))",
        "distinct(Sales[Region])",
    ],
)
def test_what_is_computed_in_dax_reads_nothing_new(expression: str) -> None:
    assert read(expression) == ([], [], ("computed",))


@pytest.mark.parametrize("expression", ["GET()", f"if (1 = 1) then {A} else null", f"({A})"])
def test_a_function_of_ones_own_and_the_words_of_m_are_no_dax(expression: str) -> None:
    assert read(expression, GET=f"() => {A}") == ([("d", "dbo", "a")], [], ())


def test_names_of_sql_are_completed_with_the_database_that_is_asked() -> None:
    sql = 'Value.NativeQuery(Sql.Database("s", "two"), "select * from dbo.a join one.dbo.a x on 1 = 1")'
    dataset: dict[str, Any] = {"tables": [{"name": "T", "source": [{"expression": sql}]}]}
    known = {("one", "dbo", "a"): "m.one.dbo.a", ("two", "dbo", "a"): "m.two.dbo.a"}
    found = origins(dataset, "a test", Tables(known, ("m",)))
    assert set(found.tables) == {"m.one.dbo.a", "m.two.dbo.a"}
    assert found.behind == {}


def test_a_name_that_several_tables_have_is_not_guessed() -> None:
    sql = 'Value.NativeQuery(Oracle.Database("s"), "select * from a")'
    dataset: dict[str, Any] = {"tables": [{"name": "T", "source": [{"expression": sql}]}]}
    found = origins(dataset, "a test", Tables({("a",): ""}, ("m",)))
    assert (found.tables, found.unknown) == ((), ["T (a)"])


@pytest.mark.parametrize("name", ['a""b', "[x]", "a.b", " ", "ä'`"])
def test_names_with_quotes_and_dots_break_nothing(name: str) -> None:
    expression = T.replace("%s", name)
    dataset: dict[str, Any] = {"tables": [{"name": "T", "source": [{"expression": expression}]}]}
    found = origins(dataset, "a test", Tables({}, ("m",)))
    assert bool(found.tables) != bool(found.unknown)


# --- hostile ---

PIECES = st.sampled_from(
    [
        "let", "in", "each", "if", "then", "else", "try", "otherwise", "error", "type", "as", "is", "meta",
        "table", "nullable", "function", "a", "b", "x.y", '#"q r"', '"t"', "1", "(", ")", "[", "]", "{", "}",
        "=", "=>", ",", "&", "+", "@", "?", "...", "not", "/*", "//", "\n", '"', "#", "'", "Sql.Database",
        "Value.NativeQuery", "Table.Combine", "null", "f",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=60).map(" ".join))
@example("((((((")
@example("type")
@example("[")
@example("a[")
@example("a[[b]")
@example("() =>")
@example('"#(zz)"')
def test_whatever_stands_there_is_a_tree_or_not_understood(text: str) -> None:
    with suppress(NotUnderstood):
        parsed(text)
    read(text, a=text, f="(x) => x", b='"b"')


@given(st.text(max_size=80))
def test_any_text_at_all(text: str) -> None:
    read(text)


@pytest.mark.parametrize(
    "text",
    [
        "/*" * 50_000,
        '"' * 100_001,
        "(" * 100_000,
        "{" * 50_000 + "}" * 50_000,
        "a(" * 50 + ")" * 50,
        "let " + ",".join(f"a{n} = f(a{n - 1}, a{n - 1})" for n in range(1, 3000)) + " in a2999",
        'let a0 = "x",' + ",".join(f"a{n} = a{n - 1} & a{n - 1}" for n in range(1, 60)) + " in a59",
        "let f = (x) => g(x) + g(x), g = (x) => h(x) + h(x), h = (x) => f(x) in f(1)",
        "let "
        + ",".join(f"f{n} = (x) => f{n + 1}(x) + f{n + 1}(x)" for n in range(40))
        + ", f40 = (x) => x in f0(1)",
        " & ".join(['"x"'] * 40_000),
    ],
    ids=range(10),
)  # fmt: skip
def test_nothing_takes_long(text: str) -> None:
    started = time.process_time()
    read(text)
    assert time.process_time() - started < 5


def test_depth_is_bounded_well_below_pythons_own() -> None:
    inside = "(" * (DEEPEST - 1) + "1" + ")" * (DEEPEST - 1)
    assert parsed(inside)
    with pytest.raises(NotUnderstood, match="too deep"):
        parsed(f"(({inside}))")
