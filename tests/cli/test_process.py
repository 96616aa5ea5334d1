"""`rayingest process`."""

import json
from collections.abc import Callable
from pathlib import Path

from .conftest import Shop

ORDERS = "shop.default.main.orders"


def descriptor(cli: Callable, config: str, name: str = "orders") -> str:
    found = cli("discover", config, "--type", "table").lines
    return json.dumps(next(each for each in found if each["id"].endswith(name)))


def test_an_id_is_found_and_written(cli: Callable, shop: Shop) -> None:
    said = cli("process", shop.config(), "--entity", ORDERS, "--entity", "default.main.customer")
    assert said.code == 0
    assert [(each["id"], each["status"]) for each in said.lines] == [
        (ORDERS, "ok"),
        ("shop.default.main.customer", "ok"),
    ]
    assert said.lines[0]["written"] == [{"type": "table", "fqn": ORDERS, "outcome": "acknowledged"}]
    assert set(shop.written()) == {ORDERS, "shop.default.main.customer"}


def test_json_needs_no_discovery(cli: Callable, shop: Shop) -> None:
    config = shop.config()
    said = cli("process", config, "--entity", descriptor(cli, config))
    assert [each["id"] for each in said.lines] == [ORDERS]


def test_a_group_of_argo_is_taken_as_it_is(cli: Callable, shop: Shop) -> None:
    config = shop.config()
    (group,) = cli("discover", config, "--type", "table", "--group", "5").out.splitlines()
    assert len(cli("process", config, "--entity", group).lines) == 3


def test_descriptors_come_from_a_file(cli: Callable, shop: Shop, tmp_path: Path) -> None:
    config, file = shop.config(), tmp_path / "some.jsonl"
    cli("discover", config, "--type", "table", "-o", str(file))
    assert len(cli("process", config, "--entity", f"@{file}").lines) == 3
    assert cli("process", config, "--entity", f"@{file}.nowhere").code == 2


def test_names_come_from_standard_input(spawn: Callable, shop: Shop) -> None:
    process = spawn("process", shop.config(), "--entity", "-")
    out, _ = process.communicate(f"{ORDERS}\n", timeout=60)
    assert json.loads(out)["id"] == ORDERS
    assert process.returncode == 0


def test_dry_run_writes_nothing(cli: Callable, shop: Shop) -> None:
    said = cli("process", shop.config(), "--entity", ORDERS, "--dry-run")
    assert said.lines[0]["status"] == "ok"
    assert shop.written() == []


def test_show_prints_what_would_be_written(cli: Callable, shop: Shop) -> None:
    said = cli("process", shop.config(), "--entity", ORDERS, "--show")
    ((entity,),) = [each["entities"] for each in said.lines]
    assert [each["name"] for each in entity["columns"]] == ["id", "customer"]
    assert shop.written() == []


def test_an_unknown_name_is_2_with_the_nearest(cli: Callable, shop: Shop) -> None:
    said = cli("process", shop.config(), "--entity", "default.main.order")
    assert said.code == 2
    assert "Did you mean 'default.main.orders'?" in said.err
    assert "--explain" in said.err


def test_what_is_no_descriptor_is_2(cli: Callable, shop: Shop) -> None:
    said = cli("process", shop.config(), "--entity", '{"type": "tabel", "id": "x"}')
    assert (said.code, said.out) == (2, "")


def test_what_vanished_is_skipped_and_says_why(cli: Callable, shop: Shop) -> None:
    config = shop.config()
    gone = descriptor(cli, config).replace("orders", "gone")
    (line,) = cli("process", config, "--entity", gone).lines
    assert line["status"] == "skipped"
    assert line["why"].startswith("Gone: ")


def test_the_exit_code_follows_the_results_and_the_report_is_kept(
    cli: Callable, shop: Shop, tmp_path: Path
) -> None:
    config, report = shop.config(), tmp_path / "report.json"
    wanted = descriptor(cli, config)
    shop.database.unlink()
    said = cli("process", config, "--entity", wanted, "--report-json", str(report))
    assert said.code == 1
    assert json.loads(report.read_text())["state"] == "failed"
    assert f"rayingest check {config}" in said.err
