"""What the user must change: told before anything is read or written, with place and next step."""

import sys
from pathlib import Path
from typing import Any

import pytest

import rayingest as ri
from rayingest.config import ConfigErrors
from rayingest.errors import ConfigError, MissingDriver

from ..running import PASSWORD, TOKEN, World, tells


def refused(config: Path) -> ConfigErrors:
    with pytest.raises(ConfigErrors) as caught:
        ri.load(config)
    text = str(caught.value) + repr(caught.value.problems)
    assert PASSWORD not in text
    assert TOKEN not in text
    return caught.value


@pytest.mark.parametrize("expression", ["*_tmp", "a(b", "[z-a]"])
def test_an_invalid_regex_names_line_key_and_expression(world: World, expression: str) -> None:
    config = world.config(options={"tableFilterPattern": {"excludes": ["ok", expression]}})
    (problem,) = refused(config).problems
    line = next(
        at for at, text in enumerate(config.read_text().splitlines(), 1) if expression in text
    )
    assert f"{config}:{line}:" in str(problem.mark)
    assert "tableFilterPattern" in str(problem.path) + problem.message
    assert expression in problem.message
    assert "regular expression" in problem.message
    assert problem.hint
    assert world.catalogue is not None
    assert world.catalogue.stats["requests"] == 0


def test_all_problems_are_told_at_once(world: World) -> None:
    config = world.config(
        options={"tableFilterPattern": {"includes": ["("]}, "includeTabels": True},
        connection={"hostPrt": "x"},
        server={"authProvider": "nonsense"},
    )
    problems = refused(config).problems
    assert len(problems) == 4
    assert all(str(config) in str(each.mark) for each in problems)
    hints = " ".join(f"{each.message} {each.hint}" for each in problems)
    assert "includeTables" in hints
    assert "hostPort" in hints


def test_a_variable_that_is_not_set_names_key_and_variable(world: World) -> None:
    config = world.config(connection={"authType": {"password": "${CANARY_PASSWORD_NOT_SET}"}})
    (problem,) = refused(config).problems
    assert "CANARY_PASSWORD_NOT_SET" in problem.message
    assert "password" in str(problem.path) + problem.message


def test_an_option_that_the_driver_does_not_know_is_the_configs_fault(world: World) -> None:
    run = world.run(world.config(connection={"connectionOptions": {"nonsense": "1"}}))
    assert (run.report.state, run.report.exit_code) == ("failed", 2)
    tells(run.report, "nonsense", "connectionOptions", "libpq")


def test_a_service_that_the_catalogue_does_not_have_is_named(world: World) -> None:
    config = world.config(source={"serviceConnection": None})
    with pytest.raises(ConfigError, match="no databaseService 'svc'") as caught:
        ri.load(config).run(allow_untested=True)
    assert "serviceConnection" in str(caught.value.hint)


def test_the_ray_wheel_absent_names_the_extra(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    job = ri.load(world.config(), flags={"engine": "ray"})
    with pytest.raises(MissingDriver, match="'ray'") as caught:
        job.run(allow_untested=True)
    assert caught.value.hint == "pip install 'rayingest[ray]'"


def test_the_orchestrator_that_starts_us_names_those_that_we_start(world: World) -> None:
    config = world.config(execution={"enabled": True, "orchestrator": "airflow"})
    (problem,) = refused(config).problems
    assert "Airflow" in problem.message
    assert "orchestrator: ray, kuberay or argo" in str(problem.hint)


def test_repr_of_everything_that_a_user_may_print_holds_no_secret(world: World) -> None:
    job: Any = ri.load(world.config())
    texts = [repr(job), repr(job.config), str(job.config), repr(job.config.settings)]
    texts += [repr(job.config.server), repr(job.config.connection), repr(job.config.redacted())]
    assert not [text for text in texts if PASSWORD in text or TOKEN in text]
