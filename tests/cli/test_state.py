"""`rayingest state`: what is known from earlier runs, over real runs of a small shop."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import SECRET, Said, Shop

OLD, NEW = "20260101-100000-aaaaaa", "20260102-100000-bbbbbb"
KINDS = ["databaseService", "database", "databaseSchema", "table"]
SCOPE = "shop.default.main"


@pytest.fixture
def run(cli: Callable, shop: Shop) -> Callable[..., Said]:
    """Run the shop's config; the report is what is answered on standard output."""

    def typed(run_id: str, *arguments: str) -> Said:
        said = cli(
            *("run", shop.config(), "--allow-untested", "--run-id", run_id),
            *("--report-json", "-", *arguments),
        )
        assert said.code == 0, said.err
        return said

    return typed


def table_shard(shop: Shop) -> Path:
    (found,) = (shop.folder / "state").rglob("table/*.jsonl")
    return found


def change(shop: Shop, *statements: str) -> None:
    with sqlite3.connect(shop.database) as connection:
        for each in statements:
            connection.execute(each)
    connection.close()


def known(cli: Callable, *arguments: str) -> dict:
    (found,) = cli("state", "show", *arguments, "--format", "json").lines
    return found


def tables(said: Said) -> dict[str, int]:
    return {key: count for key, count in json.loads(said.out)["types"]["table"].items() if count}


# --- show ---


def test_show_says_whose_state_it_is_where_it_is_and_how_much_is_known(
    cli: Callable, shop: Shop, run: Callable
) -> None:
    run(OLD)
    said = cli("state", "show", shop.config())
    assert (said.code, said.err) == (0, "")
    assert f"Service shop, written to file:{shop.folder / 'out'} by c.yaml" in said.out
    assert f"Kept in {shop.folder / 'state' / 'rayingest' / 'shop' / 'state'}" in said.out
    rows = [line.split() for line in said.out.splitlines() if line.strip().endswith(OLD)]
    counts = {"table": "3"}
    assert rows == [[kind, "1", counts.get(kind, "1"), "0", "0", OLD] for kind in KINDS]


def test_scopes_are_listed_on_demand(cli: Callable, shop: Shop, run: Callable) -> None:
    run(OLD)
    assert f"'{SCOPE}'" not in cli("state", "show", shop.config()).out
    assert f"'{SCOPE}'" in cli("state", "show", shop.config(), "--scopes").out


def test_programs_get_the_same_as_json(cli: Callable, shop: Shop, run: Callable) -> None:
    run(OLD)
    change(shop, "create table more (id integer)")
    run(NEW)
    found = known(cli, shop.config())
    assert (found["service"], found["config"], found["unreadable"]) == ("shop", "c.yaml", [])
    assert found["types"]["table"] == {
        "scopes": 1,
        "entities": 4,
        "missing": 0,
        "withheld": 0,
        "run": NEW,
        "samples": [],
    }
    assert found["types"]["database"]["run"] == OLD
    assert [each["scope"] for each in found["scopes"]] == ["", "shop", "shop.default", SCOPE]
    assert found["begun"] is None


def test_what_vanished_and_waits_is_named(cli: Callable, shop: Shop, run: Callable) -> None:
    change(shop, *(f"create table t{number} (id integer)" for number in range(6)))
    run(OLD)
    change(shop, *(f"drop table t{number}" for number in range(6)))
    run(NEW)
    found = known(cli, shop.config())["types"]["table"]
    assert (found["entities"], found["missing"], found["withheld"]) == (9, 6, 6)
    said = cli("state", "show", shop.config())
    assert f"Vanished and not deleted: table {SCOPE}.t0, {SCOPE}.t1, " in said.out
    assert "and 1 more" in said.out


def test_without_a_state_it_says_what_the_next_run_does(cli: Callable, shop: Shop) -> None:
    said = cli("state", "show", shop.config())
    assert (said.code, said.err) == (0, "")
    assert "Nothing is known yet: the next run writes everything" in said.out
    assert known(cli, shop.config())["types"] == {}


def test_a_state_under_another_name_is_pointed_to(cli: Callable, shop: Shop, run: Callable) -> None:
    run(OLD)
    said = cli("state", "show", shop.config(name="renamed.yaml"))
    assert "Nothing is known yet" in said.out
    assert f"under another name: c.yaml -> file:{shop.folder / 'out'}." in said.err


def test_the_config_is_found_as_in_other_commands(
    cli: Callable, shop: Shop, run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = str(shop.folder / "elsewhere")
    run(OLD, "--state-url", elsewhere)
    path = shop.config()
    assert "Nothing is known yet" in cli("state", "show", path).out
    assert known(cli, "-c", path, "--state-url", elsewhere)["types"]
    assert known(cli, path, "--set", f"workflowConfig.distributedExecution.stateUrl={elsewhere}")[
        "types"
    ]
    assert not known(cli, path, "--state-url", elsewhere, "--set", "source.serviceName=o")["types"]
    monkeypatch.setenv("RAYINGEST_STATE_URL", elsewhere)
    monkeypatch.setenv("RAYINGEST_CONFIG", path)
    assert known(cli)["types"]


def test_a_torn_shard_is_named_and_costs_no_other(cli: Callable, shop: Shop, run: Callable) -> None:
    run(OLD)
    shard = table_shard(shop)
    shard.write_bytes(shard.read_bytes()[:-10])
    said = cli("state", "show", shop.config())
    assert said.code == 0
    told = f"What is known of table in '{SCOPE}' cannot be read: {shard}: it is incomplete."
    assert told in said.err
    assert all(kind in said.out for kind in KINDS)
    (broken,) = known(cli, shop.config())["unreadable"]
    assert (broken["url"], broken["type"], broken["scope"]) == (str(shard), "table", SCOPE)


def test_without_an_index_a_torn_shard_has_no_scope(
    cli: Callable, shop: Shop, run: Callable
) -> None:
    run(OLD)
    shard = table_shard(shop)
    shard.write_bytes(b"")
    (shard.parents[1] / "index.jsonl").unlink()
    said = cli("state", "show", shop.config())
    assert f"What is known of a scope cannot be read: {shard}" in said.err
    assert "table" not in known(cli, shop.config())["types"]


def test_a_run_that_was_cut_off_is_named(cli: Callable, shop: Shop, run: Callable) -> None:
    run(OLD)
    (table_shard(shop).parents[1] / "open.json").write_text(json.dumps({"run": NEW}))
    assert f"Run {NEW} writes now, or was cut off" in cli("state", "show", shop.config()).err


# --- export ---


def test_export_is_a_line_for_the_key_and_one_for_each_entity(
    cli: Callable, shop: Shop, run: Callable
) -> None:
    run(OLD)
    said = cli("state", "export", shop.config())
    assert (said.code, said.err) == (0, "")
    key, *records = said.lines
    assert (key["record"], key["service"], key["config"]) == ("key", "shop", "c.yaml")
    assert sorted(each["id"] for each in records if each["scope"] == SCOPE) == sorted(
        shop.written()
    )
    assert all(each["written"][0]["hash"] for each in records)


def test_export_to_a_file_prints_nothing(cli: Callable, shop: Shop, run: Callable) -> None:
    run(OLD)
    target = shop.folder / "known.jsonl"
    assert cli("state", "export", shop.config(), "-o", str(target)).out == ""
    assert target.read_text() == cli("state", "export", shop.config()).out


def test_an_export_that_lacks_a_scope_says_so_and_is_partial(
    cli: Callable, shop: Shop, run: Callable
) -> None:
    run(OLD)
    table_shard(shop).write_bytes(b"torn")
    said = cli("state", "export", shop.config())
    assert said.code == 3
    assert [each["record"] for each in said.lines] == ["key", "known", "known", "known"]
    assert str(table_shard(shop)) in said.err


def test_without_a_state_the_export_is_its_key_alone(cli: Callable, shop: Shop) -> None:
    said = cli("state", "export", shop.config())
    assert (said.code, [each["record"] for each in said.lines]) == (0, ["key"])


# --- reset ---


def test_reset_does_nothing_without_yes_but_says_what_it_would_do(
    cli: Callable, shop: Shop, run: Callable
) -> None:
    run(OLD)
    said = cli("state", "reset", shop.config())
    assert (said.code, said.out) == (2, "")
    assert "This would forget 6 entities in 4 scopes." in said.err
    assert "writes everything again, and deletes nothing that vanished before it" in said.err
    assert tables(run(NEW)) == {"discovered": 3, "unchanged": 3}


def test_after_a_reset_everything_is_written_and_nothing_is_deleted(
    cli: Callable, shop: Shop, run: Callable
) -> None:
    run(OLD)
    change(shop, "drop view totals")
    said = cli("state", "reset", shop.config(), "--yes")
    assert (said.code, said.out) == (0, "")
    assert "Forgotten: 6 entities in 4 scopes." in said.err
    assert known(cli, shop.config())["types"] == {}
    assert tables(run(NEW)) == {"discovered": 2, "ok": 2}
    assert f"{SCOPE}.totals" in shop.written()


def test_one_scope_is_forgotten_alone(cli: Callable, shop: Shop, run: Callable) -> None:
    run(OLD)
    one = ("--type", "TABLE", "--scope", SCOPE, "--yes")
    said = cli("state", "reset", shop.config(), *one)
    assert said.code == 0
    assert f"Forgotten: 3 entities in '{SCOPE}'." in said.err
    assert f"The next run writes everything in '{SCOPE}' again" in said.err
    assert set(known(cli, shop.config())["types"]) == set(KINDS) - {"table"}
    types = json.loads(run(NEW).out)["types"]
    assert types["table"]["ok"] == 3
    assert all(types[each]["unchanged"] == 1 for each in KINDS[:3])


def test_what_waits_for_its_deletion_is_forgotten_with_a_word(
    cli: Callable, shop: Shop, run: Callable
) -> None:
    change(shop, *(f"create table t{number} (id integer)" for number in range(6)))
    run(OLD)
    change(shop, *(f"drop table t{number}" for number in range(6)))
    run(NEW)
    said = cli("state", "reset", shop.config(), "--yes")
    assert "What waits for its deletion (6) stays in the sink for good." in said.err


def test_an_unknown_scope_is_refused_with_the_nearest(
    cli: Callable, shop: Shop, run: Callable
) -> None:
    run(OLD)
    one = ("--type", "table", "--scope", "shop.default.mian", "--yes")
    said = cli("state", "reset", shop.config(), *one)
    assert said.code == 2
    assert "Nothing is known of table entities in a scope 'shop.default.mian'." in said.err
    assert f"Did you mean '{SCOPE}'?" in said.err


def test_a_torn_shard_can_be_forgotten_without_an_index(
    cli: Callable, shop: Shop, run: Callable
) -> None:
    run(OLD)
    shard = table_shard(shop)
    shard.write_bytes(b"torn")
    (shard.parents[1] / "index.jsonl").unlink()
    one = ("--type", "table", "--scope", SCOPE, "--yes")
    said = cli("state", "reset", shop.config(), *one)
    assert said.code == 0, said.err
    assert f"Forgotten: 0 entities in '{SCOPE}', and 1 unreadable shard." in said.err
    assert not shard.exists()
    assert known(cli, shop.config())["unreadable"] == []


def test_where_nothing_is_known_there_is_nothing_to_forget(cli: Callable, shop: Shop) -> None:
    said = cli("state", "reset", shop.config())
    assert (said.code, said.out) == (0, "")
    assert "Nothing is known of 'shop': there is nothing to forget." in said.err


def test_nothing_is_forgotten_while_a_run_writes(cli: Callable, shop: Shop, run: Callable) -> None:
    run(OLD)
    (table_shard(shop).parents[1] / "open.json").write_text(json.dumps({"run": OLD}))
    (ended,) = (shop.folder / "state").rglob("ended.json")
    ended.unlink()  # it is this very process that drives it, as far as anybody can see
    said = cli("state", "reset", shop.config(), "--yes")
    assert said.code == 1
    assert f"Run {OLD} is writing to it now." in said.err
    assert known(cli, shop.config())["types"]["table"]["entities"] == 3


@pytest.mark.parametrize("half", [("--type", "table"), ("--scope", SCOPE)], ids=str)
def test_half_a_scope_is_no_scope(cli: Callable, shop: Shop, half: tuple[str, str]) -> None:
    said = cli("state", "reset", shop.config(), *half, "--yes")
    assert said.code == 2
    assert "--type and --scope belong together" in said.err


@pytest.mark.parametrize("command", ["show", "export", "reset"])
def test_no_secret_is_told(cli: Callable, shop: Shop, command: str) -> None:
    sink = (
        "{type: metadata-rest}\nworkflowConfig:\n  openMetadataServerConfig:\n"
        "    hostPort: http://127.0.0.1:9/api\n    authProvider: openmetadata\n"
        f"    securityConfig: {{jwtToken: {SECRET}}}"
    )
    said = cli("state", command, shop.config(sink=sink))
    assert said.code == 0, said.err
    assert SECRET not in said.out + said.err
