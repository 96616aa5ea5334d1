"""`rayingest plan` and `rayingest run --plan`, typed."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import UNTESTED, Said, Shop


def change(shop: Shop, *statements: str) -> None:
    with sqlite3.connect(shop.database) as connection:
        for each in statements:
            connection.execute(each)
    connection.close()


@pytest.fixture
def ran(cli: Callable[..., Said], shop: Shop) -> str:
    """The config of a shop that was ingested once."""
    config = shop.config()
    assert cli("run", config, UNTESTED).code == 0
    return config


def row(said: Said, kind: str) -> list[str]:
    (found,) = [line.split()[1:] for line in said.out.splitlines() if line.split()[:1] == [kind]]
    return found


def test_a_plan_says_what_would_be_done_and_how_long_that_takes(
    cli: Callable[..., Said], shop: Shop
) -> None:
    said = cli("plan", shop.config(), UNTESTED)
    assert said.code == 0, said.err
    assert row(said, "table") == ["3", "3", "0", "0", "0"]
    assert "To create: shop" in said.out
    assert "Measured on 5 entities" in said.out
    assert "a run would take" in said.out
    assert "6 found: 6 to create, 0 to delete." in said.out
    assert "Nothing was written" in said.out
    assert not (shop.folder / "out").exists()
    assert not (shop.folder / "state").exists()


def test_a_plan_after_a_run_names_what_goes(cli: Callable[..., Said], shop: Shop, ran: str) -> None:
    change(shop, "drop view totals", "alter table orders add column more text")
    said = cli("plan", ran, UNTESTED)
    assert said.code == 0, said.err
    assert row(said, "table") == ["2", "0", "1", "1", "1"]
    assert "To delete: shop.default.main.totals" in said.out


def test_without_a_sample_nothing_is_described(
    cli: Callable[..., Said], shop: Shop, ran: str
) -> None:
    said = cli("plan", ran, UNTESTED, "--sample", "0")
    assert row(said, "table") == ["3", "0", "0-3", "0-3", "0"]
    assert "Measured on" not in said.out
    assert "a run would take" not in said.out


def test_the_plan_is_kept_and_run(
    cli: Callable[..., Said], shop: Shop, ran: str, tmp_path: Path
) -> None:
    change(shop, "drop view totals")
    out = str(tmp_path / "plan.json")
    said = cli("plan", ran, UNTESTED, "--out", out)
    assert f"Next: rayingest run {ran} --plan {out}" in said.err
    change(shop, "drop table orders")
    done = cli("run", ran, UNTESTED, "--plan", out)
    assert done.code == 0, done.err
    assert "It is not in the plan" in done.err
    assert shop.written() == ["shop.default.main.customer", "shop.default.main.orders"]


def test_json_is_the_plan(cli: Callable[..., Said], shop: Shop) -> None:
    said = cli("plan", shop.config(), UNTESTED, "--format", "json", "--parallelism", "1,7")
    told = json.loads(said.out)
    assert told["schema"] == "rayingest.plan/1"
    assert told["types"]["table"]["create"] == 3
    assert [each["parallelism"] for each in told["estimates"]] == [1, 7]
    assert ["table", "shop.default.main.orders"] in told["create"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["plan", "CONFIG", "--parallelism", "1,many"], "--parallelism '1,many'"),
        (["plan", "CONFIG", "--parallelism", "0"], "1 or more"),
        (["plan", "CONFIG", "--out", "/nowhere/at/all"], "there is no folder"),
        (["run", "CONFIG", "--plan", "/nowhere/at/all"], "cannot be read"),
        (["run", "CONFIG", "--plan", "CONFIG"], "is no plan"),
        (["run", "CONFIG", "--plan", "CONFIG", "--select", "a"], "goes with none of --select"),
        (["run", "CONFIG", "OTHER", "--plan", "PLAN"], "for a single config"),
    ],
)
def test_what_cannot_be_is_said(
    cli: Callable[..., Said], shop: Shop, arguments: list[str], expected: str, tmp_path: Path
) -> None:
    config, plan = shop.config(), str(tmp_path / "plan.json")
    cli("plan", config, UNTESTED, "--out", plan)
    names = {"CONFIG": config, "PLAN": plan, "OTHER": shop.config(name="other.yaml")}
    said = cli(*(names.get(each, each) for each in arguments), UNTESTED)
    assert said.code == 2
    assert expected in said.err


def test_a_source_that_is_not_there_fails_the_plan(cli: Callable[..., Said], shop: Shop) -> None:
    config = shop.config()
    shop.database.unlink()
    said = cli("plan", config, UNTESTED)
    assert said.code in (1, 2)
    assert "ingested" not in said.out
    assert "Failed:" in said.out
