"""`rayingest discover`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Shop

TABLES = {f"shop.default.main.{each}" for each in ("customer", "orders", "totals")}


def test_descriptors_are_json_lines_on_standard_output(cli: Callable, shop: Shop) -> None:
    said = cli("discover", shop.config())
    assert said.code == 0
    assert {each["id"] for each in said.lines} == {"shop.default", "shop.default.main", *TABLES}
    assert all({"type", "id", "scope", "batch", "metadata"} >= set(each) for each in said.lines)


@pytest.mark.parametrize("spelling", ["TABLE", "table", "tables", "Table"])
@pytest.mark.parametrize("flag", ["--type", "--entity-type"])
def test_types_are_taken_in_any_spelling(
    cli: Callable, shop: Shop, flag: str, spelling: str
) -> None:
    said = cli("discover", shop.config(), flag, spelling)
    assert {each["id"] for each in said.lines} == TABLES


def test_limit_stops(cli: Callable, shop: Shop) -> None:
    assert len(cli("discover", shop.config(), "--type", "table", "--limit", "2").lines) == 2


def test_json_is_one_array(cli: Callable, shop: Shop) -> None:
    found = json.loads(cli("discover", shop.config(), "--type", "table", "--format", "json").out)
    assert {each["id"] for each in found} == TABLES


def test_groups_are_arrays_of_so_many(cli: Callable, shop: Shop) -> None:
    arguments = ("discover", shop.config(), "--type", "table", "--group", "2")
    assert [len(each) for each in cli(*arguments).lines] == [2, 1]
    assert [len(each) for each in json.loads(cli(*arguments, "--format", "json").out)] == [2, 1]


def test_nothing_found_is_an_empty_array(cli: Callable, shop: Shop) -> None:
    config = shop.config(options="tableFilterPattern: {includes: [nothing]}")
    said = cli("discover", config, "--type", "table", "--format", "json")
    assert (said.code, json.loads(said.out)) == (0, [])


@pytest.mark.parametrize("flag", ["-o", "--output"])
def test_a_file_appears_whole(cli: Callable, shop: Shop, tmp_path: Path, flag: str) -> None:
    target = tmp_path / "found.jsonl"
    said = cli("discover", shop.config(), flag, str(target))
    assert (said.code, said.out) == (0, "")
    assert len(target.read_text().splitlines()) == 5
    assert not list(tmp_path.glob(".found*"))


def test_a_failed_discovery_leaves_the_old_file(cli: Callable, shop: Shop, tmp_path: Path) -> None:
    target = tmp_path / "found.jsonl"
    target.write_text("old")
    config = shop.config()
    shop.database.unlink()
    said = cli("discover", config, "-o", str(target))
    assert said.code == 1
    assert "error: SQLite file" in said.err
    assert "  → " in said.err
    assert target.read_text() == "old"
    assert not list(tmp_path.glob(".found*"))


def test_explain_names_the_pattern(cli: Callable, shop: Shop) -> None:
    config = shop.config(options="tableFilterPattern: {excludes: [ord]}")
    said = cli("discover", config, "--explain", "default.main.orders")
    assert "as table: dropped: tableFilterPattern.excludes 'ord' matches" in said.out
    told = json.loads(cli("discover", config, "--explain", "customer", "--format", "json").out)
    assert {each["kept"] for each in told if each["type"] == "table"} == {True}


def test_who_stops_reading_is_no_error(spawn: Callable, shop: Shop) -> None:
    process = spawn("discover", shop.config())
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
