"""A connector in a package of its own: installed, found by its entry point, held to the suite, and run."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from rayingest.core import fqn
from rayingest.core.source import Capability, Described, EntityDescriptor, Failed, ScopeListed
from rayingest.errors import Permanent
from rayingest.model import EntityType
from rayingest.testing import connector_suite as suite
from rayingest.testing.conformance import settings_for, tell
from rayingest.testing.connector_suite import Case

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "examples" / "connector-package"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment of a process that has the package."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--target", str(folder)]
    ran([*pip, *options, str(PACKAGE)], os.environ)
    path = os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "XDG_STATE_HOME": str(folder / "state")}


def ran(command: list[str], environ: Mapping[str, str], cwd: Path = ROOT) -> str:
    done = subprocess.run(
        command, env=dict(environ), cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass(installed: Mapping[str, str], tmp_path: Path) -> None:
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        "--import-mode=importlib",
    ]
    said = ran(
        [sys.executable, "-m", "pytest", *options, str(PACKAGE / "tests")], installed, tmp_path
    )
    assert f"{len(suite.CHECKS) + len(Capability)} passed" in said


def test_it_is_listed_and_run_like_ours(installed: Mapping[str, str], tmp_path: Path) -> None:
    told = ran([sys.executable, "-m", "rayingest", "connectors", "--format", "json"], installed)
    (ours,) = [each for each in json.loads(told) if each["name"] == "notebooks"]
    assert (ours["family"], ours["grade"]) == ("dashboard", "declared")
    (tmp_path / "a.ipynb").write_text(
        json.dumps({"cells": [{"id": "c", "outputs": [{"data": {"image/png": ""}}]}]})
    )
    config = tmp_path / "notebooks.yaml"
    config.write_text(
        f"""source:
  type: notebooks
  serviceName: desk
  serviceConnection: {{config: {{folder: "{tmp_path}"}}}}
  sourceConfig: {{config: {{}}}}
sink: {{type: file, config: {{path: "{tmp_path}/out"}}}}
"""
    )
    ran([sys.executable, "-m", "rayingest", "run", str(config), "--allow-untested"], installed)
    files = {each.name for each in (tmp_path / "out").rglob("*.jsonl")}
    assert {"dashboard.jsonl", "chart.jsonl"} <= files


# --- the suite sees what is wrong ---


@pytest.fixture(scope="module")
def module() -> Any:
    spec = spec_from_file_location("acme_notebooks", PACKAGE / "acme_notebooks" / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    sys.modules["acme_notebooks"] = made
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def told(module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Case]:
    for name in ("a", "b"):
        (tmp_path / f"{name}.ipynb").write_text("{}")

    def made(discover: Any = None, process: Any = None, **changes: Any) -> Case:
        class Source(module.Notebooks):  # type: ignore[misc, name-defined]
            def discover_entities(self, *given: Any) -> Iterator[Any]:
                found = super().discover_entities(*given)
                return discover(found) if discover else found

            def process_entities(self, *given: Any) -> Iterator[Any]:
                answers = super().process_entities(*given)
                return process(answers) if process else answers

        monkeypatch.setattr(module, "Notebooks", Source)
        connector = replace(module.CONNECTOR, **changes)
        settings = settings_for(connector, {"folder": str(tmp_path)})
        return Case("notebooks", connector, settings, tell(connector, settings))

    return made


def test_a_good_one_passes(told: Callable[..., Case]) -> None:
    for check in suite.CHECKS:
        check(told())


def renamed(answers: Iterator[Described], name: str) -> Iterator[Described]:
    for each in answers:
        (made,) = each.entities
        parent = fqn.split(made.fqn)[0]
        yield replace(each, entities=[changed(made, name=name, fqn=fqn.child(parent, name))])


def changed(made: Any, **changes: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(made, **changes)


CALLS: list[int] = []


def nth(answers: Iterator[Described]) -> Iterator[Described]:
    for each in answers:
        CALLS.append(1)
        (made,) = each.entities
        yield replace(each, entities=[changed(made, description=str(len(CALLS)))])


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        (suite.everything_found_is_described, {"process": lambda told: iter(list(told)[1:])}),
        (
            suite.everything_found_is_described,
            {"process": lambda told: (Failed(each.descriptor, Permanent("no")) for each in told)},
        ),
        (
            suite.everything_found_is_described,
            {"discover": lambda found: (each for each in found if isinstance(each, ScopeListed))},
        ),
        (suite.scopes_count_right, {"discover": lambda found: iter(list(found)[1:])}),
        (suite.scopes_count_right, {"discover": lambda found: iter(list(found)[:-1])}),
        (
            suite.scopes_count_right,
            {
                "discover": lambda found: (
                    changed(each, complete=False) if isinstance(each, ScopeListed) else each
                    for each in found
                )
            },
        ),
        (
            suite.descriptors_are_small_unique_and_travel,
            {
                "discover": lambda found: (
                    changed(each, metadata={"file": each.metadata["file"], "x": "y" * 1000})
                    if isinstance(each, EntityDescriptor)
                    else each
                    for each in found
                )
            },
        ),
        (
            suite.descriptors_are_small_unique_and_travel,
            {"discover": lambda found: (each for one in found for each in (one, one))},
        ),
        (suite.one_by_one_says_the_same_as_a_batch, {"process": nth}),
        (
            suite.parents_come_before_their_children,
            {"dependencies": {EntityType.DASHBOARD: EntityType.DASHBOARD_DATA_MODEL}},
        ),
        (suite.names_are_the_catalogues, {"process": lambda told: renamed(told, "a::b")}),
        (suite.gaps_have_a_reason, {"lacks": {}}),
        (suite.gaps_have_a_reason, {"lacks": dict.fromkeys(Capability, " ")}),
    ],
)
def test_a_check_sees_what_is_wrong(
    told: Callable[..., Case], check: Callable[[Case], None], wrong: dict[str, Any]
) -> None:
    with pytest.raises(AssertionError):
        check(told(**wrong))


def test_a_secret_is_seen_wherever_it_is_shown(told: Callable[..., Case]) -> None:
    from pydantic import SecretStr

    given = told()
    connection = given.settings.connection.model_copy(
        update={"sourcePythonClass": SecretStr("b.ipy")}
    )
    with pytest.raises(AssertionError, match=r"a secret is shown: .*\*\*\*"):
        suite.secrets_stay_inside(
            replace(given, settings=replace(given.settings, connection=connection))
        )
    assert pickle.dumps(given.connector.prepare(given.settings, None))
