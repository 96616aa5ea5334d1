"""Which tables and columns a view is made of, by its statement alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rayingest.kit.sql.known import Known
from rayingest.kit.sql.lineage import in_sql, view_lineage
from rayingest.kit.sql.origins import Origins, origins
from rayingest.model import Column, EntityType, Table

COLUMNS = {
    "s.d.sales.orders": ("id", "total"),
    "s.d.sales.customer": ("id", "name"),
    "s.d.sales.pay": ("oid", "day"),
    "s.d.sales.old": ("a", "b", "c", "e", "f"),
    "s.d.sales.mixed": ("Id", "TOTAL", "day"),
    "s.D.UP.ORDERS": ("ID", "TOTAL"),
    "s.d.twin.T": ("x",),
    "s.d.twin.t": ("y",),
    "other.d.sales.far": ("z",),
}


class Catalogue:
    """Tables as a catalogue lists them."""

    def list(self, entity_type, scope, *, full=False):
        assert entity_type is EntityType.TABLE
        assert full
        for name, columns in COLUMNS.items():
            if name.startswith(f"{scope}."):
                told = [{"name": each} for each in columns]
                yield {"fullyQualifiedName": name, "columns": told}


KNOWN = Known.of(Catalogue(), ["s", "other"])


def ask(sql, dialect="postgres", whose="s.d.sales.v", others=()):
    """What a statement reads, without the service's name."""
    told = origins(sql, whose, dialect, KNOWN, others)
    assert isinstance(told, Origins)
    tables = sorted(each.removeprefix("s.") for each in told.tables)
    if told.columns is None:
        return tables, None
    return tables, [[each.removeprefix("s.d.sales.") for each in one] for one in told.columns]


@pytest.mark.parametrize(
    ("sql", "tables", "columns"),
    [
        ("select id, total from orders", ["d.sales.orders"], [["orders.id"], ["orders.total"]]),
        ("create view v as select * from orders", ["d.sales.orders"], [["orders.id"], ["orders.total"]]),
        ("create materialized view v (p, q) as (select total, 1 from orders)", ["d.sales.orders"], [["orders.total"], []]),
        ("select o.total + c.id as x from orders o join sales.customer c using (id)", ["d.sales.customer", "d.sales.orders"], [["orders.total", "customer.id"]]),
        ("select id from orders union all select oid from pay", ["d.sales.orders", "d.sales.pay"], [["orders.id", "pay.oid"]]),
        ("with x as (select total t from orders) select t from x", ["d.sales.orders"], [["orders.total"]]),
        ("with orders as (select name from customer) select name from orders", ["d.sales.customer"], [["customer.name"]]),
        ("with recursive r as (select id n from orders union all select n + 1 from r) select n from r", ["d.sales.orders"], [["orders.id"]]),
        ("select (select max(day) from pay where oid = o.id) from orders o", ["d.sales.orders", "d.sales.pay"], [["pay.day"]]),
        ("select id from orders where id in (select oid from pay)", ["d.sales.orders", "d.sales.pay"], [["orders.id"]]),
        ("select s.t from (select total t from orders) as s", ["d.sales.orders"], [["orders.total"]]),
        ("select case when id > 1 then name end from customer", ["d.sales.customer"], [["customer.id", "customer.name"]]),
        ("select row_number() over (partition by name order by id) from customer", ["d.sales.customer"], [["customer.name", "customer.id"]]),
        ("select g from generate_series(1, 2) g", [], [[]]),
        ("select 1", [], [[]]),
        ("select * from nowhere", ["d.sales.nowhere"], None),
        ("select n.a from nowhere n", ["d.sales.nowhere"], [["nowhere.a"]]),
        ("select b from orders join old on true", ["d.sales.old", "d.sales.orders"], [["old.b"]]),
        ("select id from v", [], [[]]),
    ],
)  # fmt: skip
def test_a_statement_tells_its_tables_and_columns(sql, tables, columns):
    assert ask(sql) == (tables, columns)


def test_missing_parts_of_a_name_are_those_of_the_view():
    assert ask("select x.id from orders x")[0] == ["d.sales.orders"]
    assert ask("select x.id from sales.orders x", whose="s.d.elsewhere.v")[0] == ["d.sales.orders"]
    assert ask("select 1 from other_db.a.b")[0] == ["other_db.a.b"]
    assert ask("select 1 from host.other_db.a.b", dialect="tsql")[0] == ["host.other_db.a.b"]


def test_case_is_forgiven_where_only_one_table_can_be_meant():
    told = origins("select Id from Orders", "s.D.UP.v", "snowflake", KNOWN)
    assert told == Origins(("s.D.UP.ORDERS",), (("s.D.UP.ORDERS.ID",),))
    assert ask("select t.y from twin.t")[0] == ["d.twin.t"]
    assert ask("select 1 from Twin.t")[0] == ["d.Twin.t"]  # two could be meant: none is guessed


@pytest.mark.parametrize(
    "dialect",
    ["sqlite", "duckdb", "bigquery", "tsql", "oracle, normalization_strategy=case_insensitive"],
)
@pytest.mark.parametrize("sql", ["select ID, total, Day", "select *", "select x.iD, TOTAL, x.day"])
def test_columns_are_found_in_any_case_where_it_does_not_count(dialect, sql):
    told = ask(f"{sql} from Mixed x", dialect)
    assert told == (["d.sales.mixed"], [["mixed.Id"], ["mixed.TOTAL"], ["mixed.day"]])


def test_other_services_are_looked_in_when_they_are_named():
    assert origins("select z from far", "s.d.sales.v", "postgres", KNOWN).tables == (
        "s.d.sales.far",
    )
    told = origins("select z from far", "s.d.sales.v", "postgres", KNOWN, ["other"])
    assert told == Origins(("other.d.sales.far",), (("other.d.sales.far.z",),))


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("mysql", "create view `v` as select `o`.`total` AS `t` from `sales`.`orders` `o`"),
        ("bigquery", "select o.total from `d.sales.orders` as o"),
        ("tsql", "create view v as select [o].[total] from [sales].[orders] as [o]"),
        ("sqlite", "CREATE VIEW v AS SELECT total FROM orders"),
        ("duckdb", "CREATE VIEW v AS SELECT total FROM sales.orders;"),
        ("clickhouse", "CREATE VIEW sales.v (`t` Int32) AS SELECT total AS t FROM sales.orders"),
        ("hive", "SELECT `orders`.`total` FROM `sales`.`orders`"),
        ("trino", 'SELECT total FROM "d"."sales"."orders"'),
        ("databricks", "SELECT total FROM d.sales.orders"),
        ("redshift", "CREATE VIEW v AS SELECT orders.total FROM sales.orders WITH NO SCHEMA BINDING"),
    ],
)  # fmt: skip
def test_each_dialect_is_read(dialect, sql):
    assert ask(sql, dialect) == (["d.sales.orders"], [["orders.total"]])


def test_what_cannot_be_parsed_is_told_and_costs_only_itself(caplog):
    assert ask("select 1 +") == ([], None)
    assert ask("grant select on x to y") == ([], None)
    assert "The statement of s.d.sales.v cannot be parsed" in caplog.text
    assert "The statement of s.d.sales.v has no query" in caplog.text


def view(sql, *columns):
    return Table(
        name="v",
        fqn="s.d.sales.v",
        database_schema="s.d.sales",
        columns=tuple(Column(name=each, data_type="INT") for each in columns),
        schema_definition=sql,
    )


def test_an_edge_has_the_statement_and_the_columns_by_place():
    sql = "create view v (p, q) as select total, 1 from orders"
    ((edge,), whole) = view_lineage(view(sql, "p", "q"), KNOWN, in_sql("postgres"))
    assert whole
    assert (edge.kind, edge.target_fqn, edge.payload["fromFqn"]) == (
        "lineage",
        "s.d.sales.v",
        "s.d.sales.orders",
    )
    assert edge.payload["details"] == {
        "source": "ViewLineage",
        "sqlQuery": sql,
        "columnsLineage": [
            {"fromColumns": ["s.d.sales.orders.total"], "toColumn": "s.d.sales.v.p"}
        ],
    }


def test_columns_that_do_not_pair_up_are_left_out():
    ((edge,), _) = view_lineage(view("select * from orders", "only"), KNOWN, in_sql("postgres"))
    assert edge.payload["details"].keys() == {"source", "sqlQuery"}
    assert view_lineage(view(None), KNOWN, in_sql("postgres")).facts == []
    assert Known.of(None, ["s"]) == Known()


@pytest.mark.parametrize(
    ("sql", "whole"),
    [
        ("select 1", True),
        ("select 1 from orders", True),
        ("select 1 from orders, nowhere", False),
        ("select 1 +", False),
        ("grant select on x to y", False),
        (None, False),
    ],
)
def test_only_a_text_that_was_read_to_its_last_name_tells_all_edges(sql, whole):
    assert view_lineage(view(sql), KNOWN, in_sql("postgres")).whole is whole


SQL = st.lists(
    st.sampled_from(
        [
            "select",
            "from",
            "where",
            "(",
            ")",
            ",",
            "*",
            ".",
            "a",
            "b",
            "orders",
            "customer",
            "with",
            "as",
            "union",
            "all",
            "join",
            "on",
            "using",
            "id",
            "total",
            "'x'",
            '"',
            "`",
            "[",
            "]",
            ";",
            "--",
            "/*",
            "lateral",
            "unnest",
            "values",
            "null",
            "create",
            "view",
            "=",
            "1",
            "over",
            "partition",
            "by",
        ]
    ),
    max_size=25,
).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(sql=SQL, dialect=st.sampled_from(["postgres", "mysql", "bigquery", "snowflake", "tsql"]))
def test_no_text_raises(sql, dialect):
    origins(sql, "s.d.sales.v", dialect, KNOWN)


@settings(max_examples=60, deadline=None)
@given(sql=SQL)
def test_no_query_raises(sql):
    statement = f"create view v as select id, {sql} from orders"  # noqa: S608 - for the parser
    origins(statement, "s.d.sales.v", "postgres", KNOWN)
