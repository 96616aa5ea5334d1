"""`rayingest compare`, typed: against files that a run wrote and somebody changed."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from rayingest.testing import StrictCatalogue

from .conftest import SECRET, SERVER, UNTESTED, Said, Shop


@pytest.fixture
def ran(cli: Callable[..., Said], shop: Shop) -> str:
    """The config of a shop that was ingested once, and has changed since."""
    config = shop.config()
    assert cli("run", config, UNTESTED).code == 0
    with sqlite3.connect(shop.database) as connection:
        connection.execute("alter table orders add column more text")
        connection.execute("create table new (id integer)")
        connection.execute("drop view totals")
    connection.close()
    return config


def test_differences_are_told_and_nothing_is_written(
    cli: Callable[..., Said], shop: Shop, ran: str
) -> None:
    files = sorted(each for each in shop.folder.rglob("*") if each.is_file())
    before = {each: each.read_bytes() for each in files}
    said = cli("compare", ran, UNTESTED, "--progress", "none")
    assert said.code == 0, said.err
    (row,) = [line.split()[1:] for line in said.out.splitlines() if line.split()[:1] == ["table"]]
    assert row == ["3", "3", "1", "1", "1", "1"]
    assert "1 x table columns[]: only here" in said.out
    assert "shop.default.main.orders columns[more]: here 'TEXT'" in said.out
    assert "Only here, a run would create them: shop.default.main.new" in said.out
    assert "would leave them as they are: shop.default.main.totals" in said.out
    assert "4 the same, 1 differ, 1 only here, 1 only in the catalogue." in said.out
    files = sorted(each for each in shop.folder.rglob("*") if each.is_file())
    assert {each: each.read_bytes() for each in files} == before


def test_every_difference_is_a_line_of_the_file(
    cli: Callable[..., Said], ran: str, tmp_path: Path
) -> None:
    out = tmp_path / "differences.jsonl"
    said = cli("compare", ran, UNTESTED, "--out", str(out), "--format", "json")
    told = json.loads(said.out)
    assert told["schema"] == "rayingest.compare/1"
    assert told["types"]["table"]["changed"] == 1
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert {(each["difference"], each["fqn"].rpartition(".")[2]) for each in found} == {
        ("changed", "orders"),
        ("create", "new"),
        ("onlyThere", "totals"),
    }


def test_no_secret_is_compared(
    cli: Callable[..., Said], shop: Shop, catalogue: StrictCatalogue, tmp_path: Path
) -> None:
    server = SERVER.format(url=catalogue.url, token=SECRET)
    config = shop.config(sink="{type: metadata-rest, config: {}}", more=server)
    assert cli("run", config, UNTESTED).code == 0
    out = tmp_path / "differences.jsonl"
    said = cli("compare", config, UNTESTED, "--out", str(out), "--format", "json")
    assert json.loads(said.out)["verdict"].startswith("6 the same, 0 differ")
    assert SECRET not in said.out + said.err + out.read_text()


def test_a_catalogue_that_is_not_there_fails(
    cli: Callable[..., Said], shop: Shop, catalogue: StrictCatalogue
) -> None:
    server = SERVER.format(url="http://127.0.0.1:9/api", token=SECRET)
    more = "  distributedExecution: {sinkOutageSeconds: 0.2}\n"
    config = shop.config(sink="{type: metadata-rest, config: {}}", more=server + more)
    said = cli("compare", config, UNTESTED)
    assert said.code == 1
    assert "Failed:" in said.out
