"""The shape of the code: layers, types and style, checked by the tools that know."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def tool(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"\n{done.stdout}{done.stderr}"


def is_module(path: Path) -> bool:
    return path.suffix == ".py" or (path / "__init__.py").exists()


def test_a_layer_imports_only_what_is_below_it() -> None:
    tool("-c", "from importlinter.cli import lint_imports_command as run; run()")


def test_every_package_has_its_place_among_the_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = contracts["contracts"][0]["layers"]
    placed = {name.strip(" ()") for line in layers for name in line.split("|")}
    found = {each.stem for each in (ROOT / "rayingest").iterdir() if is_module(each)}
    assert found - {"__init__"} <= placed


@pytest.mark.timeout(300)
def test_types_are_right() -> None:
    tool("-m", "mypy")


def test_nothing_is_left_to_lint() -> None:
    tool("-m", "ruff", "check", ".")


def test_everything_is_formatted() -> None:
    tool("-m", "ruff", "format", "--check", ".")
