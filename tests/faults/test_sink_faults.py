"""The catalogue goes wrong: what the user is told, what arrives all the same, and who is blamed."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from rayingest.testing import StrictCatalogue
from rayingest.testing.catalogue import Faults

from ..running import COLLECTIONS, TOKEN, World, outcome, tells, told

HUNDRED = ";".join(f"create table t{at:03} (i int)" for at in range(100))


def arrived(world: World) -> list[int]:
    return [len(found) for found in world.outcome().values()]


# --- not there ---


def test_a_sink_that_is_down_at_the_start_is_waited_for_then_named(world: World) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        where = f"http://127.0.0.1:{unused.getsockname()[1]}/api"
        run = world.run(world.config(server={"hostPort": where}))
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    tells(run.report, where, "does not answer", "Nothing is lost")
    assert any("the run waits for it" in each for each in world.said)
    assert run.report.types["databaseService"]["ok"] == 0
    assert all(each.status != "failed" for each in run.entities())


def test_a_sink_that_comes_back_in_time_costs_nothing(world: World, clean: Any) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(down_next=10)
    run = world.run(world.config(execution={"sinkOutageSeconds": 60}))
    assert (run.report.state, run.report.exit_code) == ("success", 0)
    assert world.outcome() == clean
    assert {each.attempts for each in run.entities()} == {1}


def test_a_sink_that_goes_away_in_the_middle_stops_the_run_and_keeps_what_it_took(
    world: World,
) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(down_next=10**6, only="tables/bulk")
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    tells(run.report, world.catalogue.url, "does not answer", "Nothing is lost")
    assert run.report.types["databaseSchema"]["ok"] == 3
    assert arrived(world)[:3] == [1, 1, 3]
    # Nobody is blamed: run again and everything arrives.
    world.catalogue.faults = Faults()
    assert world.run().report.exit_code == 0
    assert len(world.outcome()["tables"]) == 60


# --- it answers with a status ---


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_sink_is_asked_again_and_nobody_notices(
    world: World, clean: Any, status: int
) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(status_for_next=[(status, 3)], only="PUT")
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("success", 0)
    assert run.report.errors == []
    assert world.outcome() == clean


@pytest.mark.parametrize("status", [429, 503])
def test_a_sink_that_stays_busy_stops_the_run_with_its_status(world: World, status: int) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(fail_rate={status: 1.0}, only="tables")
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    tells(run.report, world.catalogue.url, str(status), "Nothing is lost")
    assert arrived(world)[:3] == [1, 1, 3]


def test_a_wrong_token_says_where_to_renew_it(world: World) -> None:
    assert world.catalogue is not None
    world.catalogue.set_token("another")
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    tells(run.report, world.catalogue.url, "does not accept our credentials", "jwtToken")
    assert world.catalogue.writes() == []


def test_a_token_that_expires_in_the_middle_stops_the_run_and_blames_nobody(
    world: World,
) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(fail_rate={401: 1.0}, only="tables")
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    tells(run.report, world.catalogue.url, "does not accept our credentials", "jwtToken")
    assert run.failures == []
    assert run.report.types["databaseSchema"]["ok"] == 3


def test_a_token_that_may_not_write_says_which_role_it_needs(world: World) -> None:
    assert world.catalogue is not None
    world.catalogue.forbidden = True
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    tells(run.report, world.catalogue.url, "we may not write databaseService", "role")
    assert run.failures == []


def test_an_address_without_the_api_is_the_configs_fault_with_the_right_one(world: World) -> None:
    assert world.catalogue is not None
    run = world.run(world.config(server={"hostPort": world.catalogue.host_port}))
    assert (run.report.state, run.report.exit_code) == ("failed", 2)
    assert run.failures == []
    tells(run.report, "HTML page", f"Set hostPort to {world.catalogue.url}")


def test_a_login_page_in_between_is_told_as_a_page(world: World) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(html=True)
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("failed", 2)
    assert run.failures == []
    tells(run.report, world.catalogue.url, "HTML page", "login page")


def test_another_api_version_is_404_with_what_to_check(world: World) -> None:
    run = world.run(world.config(server={"apiVersion": "v7"}))
    assert (run.report.state, run.report.exit_code) == ("failed", 2)
    assert run.failures == []
    tells(run.report, "/api/v7", "does not exist", "apiVersion")


def test_a_server_that_does_not_know_a_type_costs_that_type_alone(world: World) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(fail_rate={404: 1.0}, only="storedProcedures")
    run = world.run()
    assert run.report.exit_code == 1  # 9 of 74 are more than a tenth
    tells(run.report, "/api/v1/storedProcedures does not exist", "does not know this type")
    assert arrived(world) == [1, 1, 3, 60, 0]


# --- it refuses rows ---


def test_one_row_refused_in_a_bulk_of_100_is_the_only_loss(world_of: Callable[..., World]) -> None:
    world = world_of("one_refused", HUNDRED)
    assert world.catalogue is not None
    world.catalogue.faults = Faults(refuse="^t042$")
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("partialSuccess", 3)
    assert [each.id for each in run.failures] == ["svc.one_refused.public.t042"]
    tells(run.report, "t042 is refused")
    assert run.report.entities["table"] == {
        "emitted": 100,
        "acknowledged": 99,
        "refused": 1,
        "unchanged": 0,
    }
    assert len(world.outcome()["tables"]) == 99


def test_one_row_that_poisons_its_batch_is_the_only_loss(world_of: Callable[..., World]) -> None:
    world = world_of("one_poison", HUNDRED)
    assert world.catalogue is not None
    world.catalogue.faults = Faults(poison_batch="^t042$")
    run = world.run()
    assert run.report.exit_code == 3
    assert [each.id for each in run.failures] == ["svc.one_poison.public.t042"]
    assert len(world.outcome()["tables"]) == 99


def test_a_refused_schema_fails_what_is_in_it_and_nothing_else(
    world_of: Callable[..., World],
) -> None:
    world = world_of("schema_refused", "create schema bad; create table bad.a (i int);" + HUNDRED)
    assert world.catalogue is not None
    world.catalogue.faults = Faults(refuse="^bad$")
    run = world.run()
    assert run.report.exit_code == 3
    assert {each.id for each in run.failures} == {
        "svc.schema_refused.bad",
        "svc.schema_refused.bad.a",
    }
    tells(run.report, "bad is refused", "failed (parent): svc.schema_refused.bad")
    assert len(world.outcome()["tables"]) == 100


def test_a_refused_service_ends_the_run_with_its_reason(world: World) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(refuse="^svc$")
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    assert "svc is refused" in run.report.verdict
    assert [each.count for each in run.report.errors] == [1, 73]
    assert arrived(world) == [0, 0, 0, 0, 0]


def test_a_batch_too_large_is_halved_and_one_row_too_large_is_the_only_loss(
    world_of: Callable[..., World], contracts: Any
) -> None:
    world = world_of(
        "too_large",
        HUNDRED,
        f"create table huge ({', '.join(f'a_long_column_name_{at:04} int' for at in range(300))})",
    )
    with StrictCatalogue(token=TOKEN, max_bytes=9_000) as small:
        world.catalogue = small
        run = world.run()
        assert run.report.exit_code == 3
        assert [each.id for each in run.failures] == ["svc.too_large.public.huge"]
        tells(run.report, "413", "limit on the size of a request body")
        assert len(outcome(small)["tables"]) == 100


@pytest.mark.parametrize("status", [400, 403, 404, 413, 500])
def test_a_status_for_one_bulk_is_no_ones_loss(world: World, clean: Any, status: int) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(status_for_next=[(status, 1)], only="tables/bulk")
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("success", 0)
    assert world.outcome() == clean


def test_a_sink_that_answers_500_to_every_row_is_down_and_nobody_is_blamed(world: World) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(fail_rate={500: 1.0}, only="tables")
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    tells(run.report, world.catalogue.url, "500")
    assert run.failures == []


# --- the line breaks ---


def test_an_answer_torn_after_the_write_writes_it_again_without_harm(
    world: World, clean: Any
) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(torn_next=3)
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("success", 0)
    assert world.outcome() == clean


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_many_faults_at_once_lose_nothing(world: World, clean: Any, seed: int) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(
        fail_rate={429: 0.1, 500: 0.05, 503: 0.1}, torn_rate=0.1, down_next=2, seed=seed
    )
    run = world.run(world.config(execution={"sinkOutageSeconds": 60}))
    lost = {each.id for each in run.failures}
    held = world.outcome()
    for collection in COLLECTIONS:
        kept = {name for name in clean[collection] if not beneath(name, lost)}
        assert kept <= held[collection].keys(), told(run.report)
    assert lost == set(), told(run.report)


def beneath(name: str, lost: set[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in lost)


@pytest.mark.slow  # what is under way has ten seconds to end
def test_a_sink_that_never_answers_ends_with_the_time_limit(world: World) -> None:
    assert world.catalogue is not None
    world.catalogue.faults = Faults(hang="tables/bulk")
    run = world.run(timeout=1.0)
    assert (run.report.state, run.report.exit_code) == ("stalled", 5)
    tells(run.report, "The time limit of 1 s passed")
    assert run.report.types["databaseSchema"]["ok"] == 3


@pytest.mark.parametrize("fault", ["sink", "source"])
def test_a_run_that_was_given_up_leaves_no_thread_and_writes_no_more(
    world: World, fault: str
) -> None:
    assert world.catalogue is not None
    before = set(threading.enumerate())
    if fault == "sink":
        world.catalogue.faults = Faults(down_next=10**6, only="tables/bulk")
        world.run()
    else:
        world.run(world.config(connection={"hostPort": "127.0.0.1:1"}))
    world.catalogue.faults = Faults()
    count = len(world.catalogue.writes())
    ours = ("sink", "slot-", "watch", "open", "listing-")
    for each in set(threading.enumerate()) - before:
        if each.name.startswith(ours):
            each.join(6)
            assert not each.is_alive(), each
    assert len(world.catalogue.writes()) == count
