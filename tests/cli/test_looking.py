"""Commands that look before a run: init, validate, check, connectors, schema."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import SECRET, Shop


def test_init_prints_a_config_and_what_it_wants(cli: Callable) -> None:
    said = cli("init", "--source", "postgres", "--sink", "openmetadata")
    assert said.code == 0
    assert "  type: postgres" in said.out
    assert "export POSTGRES_PASSWORD=…" in said.err
    assert "POSTGRES_PASSWORD=" not in said.out


def test_init_writes_a_file_that_is_valid_once_its_variables_are_set(
    cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = str(tmp_path / "new.yaml")
    said = cli("init", "--source", "postgres", "--sink", "openmetadata", "-o", target)
    assert (said.code, said.out) == (0, "")
    assert f"rayingest validate {target}" in said.err
    for name in (
        "POSTGRES_USERNAME",
        "POSTGRES_PASSWORD",
        "POSTGRES_DATABASE",
        "OPENMETADATA_JWT_TOKEN",
    ):
        assert name in said.err
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("POSTGRES_HOST_PORT", "localhost:5432")
    assert cli("validate", target).code == 0


def test_init_overwrites_only_when_told_to(cli: Callable, tmp_path: Path) -> None:
    target = tmp_path / "mine.yaml"
    target.write_text("precious")
    said = cli("init", "--output", str(target))
    assert said.code == 2
    assert "--force" in said.err
    assert target.read_text() == "precious"
    assert cli("init", "--output", str(target), "--force").code == 0
    assert "source:" in target.read_text()


def test_init_knows_what_was_meant(cli: Callable) -> None:
    said = cli("init", "--source", "postgress")
    assert said.code == 2
    assert "Did you mean 'postgres'?" in said.err


def test_validate_tells_everything_at_once(cli: Callable, shop: Shop) -> None:
    config = shop.config(options="includeTabels: true", sink="{type: fiel}")
    said = cli("validate", config)
    assert said.code == 2
    assert f"{config}:7:" in said.out
    assert "includeTables" in said.out
    assert f"{config}:8:" in said.out
    assert said.out.endswith("2 problems\n")


def test_validate_sums_up_what_is_fine(cli: Callable, shop: Shop) -> None:
    said = cli("validate", "-c", shop.config(options="queryLogDuration: 2"), "--parallelism", "4")
    assert said.code == 0
    assert said.out.count("\n") == 1
    for word in ("sqlite", "'shop'", "file", "local", "4 at once"):
        assert word in said.out
    assert "queryLogDuration" in said.err


def test_validate_answers_programs_too(cli: Callable, shop: Shop) -> None:
    (good,) = cli("validate", shop.config(), "--format", "json").lines
    assert (good["valid"], good["connector"], good["parallelism"]) == (True, "sqlite", 1)
    said = cli("validate", shop.config(sink="{type: fiel}"), "--format", "json")
    (bad,) = said.lines
    assert said.code == 2
    assert bad["problems"][0]["line"] == 8


def test_a_config_comes_from_standard_input(spawn: Callable, shop: Shop) -> None:
    text = Path(shop.config()).read_text()
    out, _ = spawn("validate", "-").communicate(text, timeout=30)
    assert out.startswith("stdin is fine")


def test_set_and_overlay_change_the_config(cli: Callable, shop: Shop, tmp_path: Path) -> None:
    overlay = tmp_path / "more.yaml"
    overlay.write_text("workflowConfig: {distributedExecution: {enabled: true, parallelism: 7}}")
    (told,) = cli(
        "validate",
        shop.config(),
        "--overlay",
        str(overlay),
        "--set",
        "source.serviceName=x",
        "--format",
        "json",
    ).lines
    assert (told["service"], told["engine"], told["parallelism"]) == ("x", "ray", 7)


def test_check_tells_source_and_sink(
    cli: Callable, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # wherever the tests run, no path is wrapped
    said = cli("check", shop.config())
    assert said.code == 0
    assert "connect" in said.out
    assert "can be written" in said.out


def test_check_of_a_source_that_is_not_there_is_4_and_tries_the_sink_all_the_same(
    cli: Callable, shop: Shop
) -> None:
    config = shop.config()
    shop.database.unlink()
    said = cli("check", config, "--format", "json")
    assert said.code == 4
    by_side = {each["side"]: each for each in json.loads(said.out)}
    assert by_side["source"]["status"] == "failed"
    assert by_side["source"]["grant"]
    assert by_side["sink"]["status"] == "ok"
    assert "error:" in said.err


def test_connectors_are_listed(cli: Callable) -> None:
    said = cli("connectors")
    assert said.code == 0
    assert "sqlite" in said.out
    assert "postgres" in said.out


def test_connectors_for_programs_have_the_promised_keys(cli: Callable) -> None:
    found = json.loads(cli("connectors", "--format", "json").out)
    assert {"postgres", "sqlite"} <= {each["name"] for each in found}
    assert all(set(each) == {"name", "family", "extra", "grade", "capabilities"} for each in found)


def test_one_connector_in_detail(cli: Callable) -> None:
    said = cli("connectors", "postgres")
    assert "rayingest[postgres]" in said.out
    assert "hostPort" in said.out
    assert "Host and port" in said.out
    (told,) = cli("connectors", "sqlite", "--format", "json").lines
    assert "comments" in told["lacks"]
    said = cli("connectors", "postgress")
    assert said.code == 2
    assert "Did you mean 'postgres'?" in said.err


def test_schemas_are_json_schemas(cli: Callable) -> None:
    assert (
        "hostPort" in json.loads(cli("connectors", "postgres", "--json-schema").out)["properties"]
    )
    assert "$defs" in json.loads(cli("schema").out)
