"""Tables out of SQL."""

import logging

import pytest

from rayingest.kit.queries import STAND_IN, known_tables, tables_read
from rayingest.kit.tables import Tables


@pytest.mark.parametrize(
    ("sql", "dialect", "tables"),
    [
        ("select 1", None, ()),
        ("select * from a.b join C on true; select * from d", None, ("a.b", "C", "d")),
        ("with x as (select * from y) select * from x, z.x", None, ("z.x", "y")),
        ('select * from "odd.name"."t"', "postgres", ('"odd.name".t',)),
        ("select * from `p.d.t`", "bigquery", ("p.d.t",)),
        ("select top 3 * from [db].[dbo].[t]", "tsql", ("db.dbo.t",)),
        ("", None, ()),
    ],
)
def test_tables_are_told_once_as_they_are_spelled(
    sql: str, dialect: str | None, tables: tuple[str, ...]
) -> None:
    assert tables_read(sql, "x", dialect) == tables


def test_only_tables_of_the_catalogue_are_told() -> None:
    tables = Tables({("orders",): "pg.shop.inventory.orders"}, ("pg",))
    sql = f"select * from orders, {STAND_IN}, {STAND_IN}_2, x"  # noqa: S608 - only parsed
    told = known_tables(sql, "q", None, tables)
    assert list(told) == ["pg.shop.inventory.orders", "pg.x"], "x will be told as unresolved"
    assert list(known_tables("select * from orders", "q", None, Tables())) == []
    assert list(known_tables(None, "q", None, tables)) == []


def test_what_cannot_be_parsed_is_told_and_costs_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        assert tables_read("select from where (", "panel 3") == ()
    assert "The SQL of panel 3 cannot be parsed" in caplog.text
