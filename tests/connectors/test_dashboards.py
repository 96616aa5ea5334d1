"""What holds for every dashboard tool: one suite, each against its own server."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from rayingest.core import registry
from rayingest.testing.conformance import settings_for, tell
from rayingest.testing.rest import serving

from . import goldens
from .dashboards import TOOLS, Place, place_of

NAMES = sorted(TOOLS)
Making = Callable[..., AbstractContextManager[Place[Any]]]


pytestmark = pytest.mark.usefixtures("hurried")


def needed(tool: str) -> None:
    if TOOLS[tool].driver:
        pytest.importorskip(TOOLS[tool].driver)


@pytest.fixture(params=NAMES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place[Any]]:
    needed(request.param)
    with place_of(request.param, tmp_path) as made:
        yield made


def all_of(place: Place[Any]) -> set[str]:
    return {f"bi.{each.replace('::', '_')}" for each in place.world.ids()}


def replaced(told: Any, old: str, new: str) -> Any:
    """The same with another value instead of one, at any depth."""
    if isinstance(told, Mapping):
        return {key: replaced(each, old, new) for key, each in told.items()}
    return new if told == old else told


def test_every_dashboard_tool_has_a_server() -> None:
    assert {each for each in registry.locations() if registry.family(each) == "dashboard"} == set(
        NAMES
    )


def test_all_arrive_and_each_is_asked_for_once(place: Place[Any]) -> None:
    run = place.run()
    assert run.report.exit_code == 0
    assert place.held("dashboards").keys() == all_of(place)
    assert place.held("charts").keys() == {
        each for made in place.held("dashboards").values() for each in made.get("charts", ())
    }
    log = place.world.log
    assert len(log) - len(set(log)) < 0.6 * len(all_of(place)), (
        "pages of listings are alike, no more"
    )


def test_a_second_run_writes_nothing(place: Place[Any]) -> None:
    place.run()
    before = len(place.catalogue.log)
    run = place.run()
    assert run.report.exit_code == 0
    assert run.report.entities["dashboard"]["unchanged"] == len(all_of(place))
    assert place.catalogue.log[before:] == []


def test_what_is_gone_is_deleted_when_it_is_allowed(place: Place[Any]) -> None:
    """What an account may not see is not listed either: most tools hide."""
    place.run()
    lost = place.world.ids()[2]
    charts = set(place.held("dashboards")[f"bi.{lost}"]["charts"])
    place.world.gone.add(lost)
    if registry.load(place.tool).listing_hides:
        first = place.run()
        assert place.held("dashboards").keys() == all_of(place) | {f"bi.{lost}"}
        assert {each.rule for each in first.report.withheld} == {"hidden"}
    place.run(allow_deletions=registry.load(place.tool).listing_hides)
    assert f"bi.{lost}" not in place.held("dashboards")
    assert charts
    assert not charts & place.held("charts").keys()
    assert len(place.held("dashboards")) == len(place.world.ids()) - 1


def test_one_that_fails_throttles_and_forgets_tokens_loses_nothing(place: Place[Any]) -> None:
    place.world.fails, place.world.throttles = 0.2, 0.2
    if not place.world.tokens:  # somebody logs in
        place.world.token_calls = 4
    run = place.run()
    assert run.report.exit_code == 0, run.report.errors
    assert place.held("dashboards").keys() == all_of(place)
    assert len(place.world.refused) > 3


def test_what_vanished_or_is_forbidden_is_passed_over(place: Place[Any]) -> None:
    """The second is forbidden, the last one vanishes after it was listed."""
    if TOOLS[place.tool].together:
        pytest.skip(
            "a dashboard is not asked for by itself: tests/connectors/<name> has its folder"
        )
    ids = place.world.ids()
    asked: list[str] = []

    def vanish(path: str) -> None:
        asked.append(path)
        if path.endswith(f"/{ids[0]}"):
            place.world.gone.add(ids[3])

    place.world.denied.add(ids[1])
    place.world.before = vanish
    run = place.run(place.config(execution={"parallelism": 1}))
    assert run.report.exit_code == 0
    assert run.report.types["dashboard"]["skipped"] == 2
    assert run.report.types["dashboard"]["failed"] == 0
    (told,) = run.report.errors
    assert (told.kind, told.samples) == ("Forbidden", [f"bi.{ids[1]}"])
    assert told.hint


def test_wrong_credentials_are_said_in_a_sentence(place: Place[Any]) -> None:
    wrong = replaced(TOOLS[place.tool].login, TOOLS[place.tool].secret, "wrong")
    assert wrong != TOOLS[place.tool].login
    report = place.run(place.config(wrong)).report
    assert report.exit_code == 1
    assert any(each.kind == "Unauthorised" and each.hint for each in report.errors)


def test_nobody_there_is_said_in_a_sentence(place: Place[Any]) -> None:
    nowhere = dict.fromkeys(TOOLS[place.tool].addresses, "http://127.0.0.1:9")
    report = place.run(place.config(nowhere)).report
    assert report.exit_code == 1
    assert "Nobody answers at 127.0.0.1:9" in report.verdict


@pytest.mark.parametrize("tool", NAMES)
def test_entities_and_facts_are_those_of_the_golden_file(
    request: pytest.FixtureRequest, tmp_path: Path, tool: str
) -> None:
    """A small world, entity for entity as it is sent; `--write-golden` stores it anew: read the diff."""
    needed(tool)
    made = TOOLS[tool]
    with serving(made.world(**made.small)) as url, made.hurried():
        connector = registry.load(tool)
        login = {**made.at(url), **made.more(tmp_path)}
        told = tell(connector, settings_for(connector, login))
    write = request.config.getoption("--write-golden")
    goldens.hold(tool, told, write=write, spelled={url: "URL"})


@pytest.mark.parametrize("tool", [each for each in NAMES if TOOLS[each].judged])
def test_whoever_judges_is_there(tool: str) -> None:
    """A grade of `contract` rests on a test that holds the server against it: <tool>/test_server.py."""
    assert not TOOLS[tool].judge or distribution(TOOLS[tool].judge).version
    assert (Path(__file__).parent / tool / "test_server.py").is_file()


def test_a_server_is_asked_as_often_at_once_as_it_likes(place: Place[Any]) -> None:
    """Whoever refuses a tenth of the calls is asked less often at the same time."""
    if place.tool == "looker":
        pytest.skip("it goes through the vendor's client and has no limit by default")
    place.world.throttles = 0.1
    run = place.run(place.config(execution={"parallelism": 8}))
    assert run.report.exit_code == 0
    limits = run.report.limits
    assert sum(each.calls for each in limits) >= len(all_of(place))
    assert sum(each.refused for each in limits) > 0


def test_what_the_catalogue_has_lost_is_written_again(place: Place[Any]) -> None:
    place.run()
    lost = f"bi.{place.world.ids()[0]}"
    place.catalogue._state.store.by_fqn["dashboards"][lost].deleted = True
    assert lost not in place.held("dashboards")
    assert place.run().report.exit_code == 0
    assert place.held("dashboards").keys() == all_of(place)
