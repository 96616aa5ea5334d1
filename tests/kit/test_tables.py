"""Names in SQL, and the tables of a catalogue that they mean."""

from collections.abc import Iterator

import pytest

from rayingest.kit.tables import Tables, split
from rayingest.model import EntityType

HELD = [
    "pg.shop.sales.orders",
    "pg.shop.sales.Users",
    "pg.shop.archive.orders",
    'pg.shop.sales."odd.name"',
    "pg.other.sales.users",
]


class Catalogue:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def list(
        self, entity_type: EntityType, scope: str, *, full: bool = False
    ) -> Iterator[dict[str, object]]:
        self.asked.append(scope)
        yield from ({"fullyQualifiedName": each} for each in HELD if each.startswith(scope))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("orders", ["orders"]),
        ("sales.orders", ["sales", "orders"]),
        ('"sales"."orders"', ["sales", "orders"]),
        ("[sales].[orders]", ["sales", "orders"]),
        ("`p.d.t`", ["p", "d", "t"]),
        ("`p`.`d`.t", ["p", "d", "t"]),
        ('sales."odd.name"', ["sales", "odd.name"]),
        (" sales . orders ", ["sales", "orders"]),
        ("(select 1)", []),
        ("${derived.SQL_TABLE_NAME}", []),
        ("sales.orders o", []),
        ('"open', []),
        ('"a"b', []),
        ("a..b", []),
        ("", []),
        ("a.b.c.d.e", []),
    ],
)
def test_a_name_is_split_as_sql_does(name: str, parts: list[str]) -> None:
    assert split(name) == parts


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sales.orders", "pg.shop.sales.orders"),
        ("SALES.ORDERS", "pg.shop.sales.orders"),
        ("shop.sales.users", "pg.shop.sales.Users"),
        ("other.sales.users", "pg.other.sales.users"),
        ('sales."odd.name"', 'pg.shop.sales."odd.name"'),
        ("orders", None),  # two of them
        ("sales.users", None),
        ("(select 1)", None),
    ],
)
def test_a_table_is_found_by_what_only_it_is_called(name: str, found: str | None) -> None:
    assert Tables.of(Catalogue(), ["pg"]).find(name) == found


def test_a_name_that_nobody_has_ends_as_an_unresolved_reference() -> None:
    assert Tables.of(Catalogue(), ["pg"]).find("sales.nothing") == 'pg."sales.nothing"'


def test_each_place_is_listed_once_and_nothing_without_one() -> None:
    catalogue = Catalogue()
    Tables.of(catalogue, ["pg.shop", "pg.other"])
    assert catalogue.asked == ["pg.shop", "pg.other"]
    assert Tables.of(None, ["pg"]).find("sales.orders") is None
    assert Tables.of(catalogue, []).find("sales.orders") is None
