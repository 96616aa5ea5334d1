"""The suite of rayingest, on a folder with two notebooks."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rayingest.core.source import Capability
from rayingest.testing.connector_suite import CHECKS, Case, case, shows


def write(folder: Path, name: str, *kinds: str, tags: tuple[str, ...] = ()) -> None:
    cells = [
        {"id": f"c{at}", "cell_type": "code", "outputs": [{"data": {kind: "…"}}]}
        for at, kind in enumerate(kinds)
    ]
    heading = {"id": "h", "cell_type": "markdown", "source": [f"# All about {name}\n"]}
    text = json.dumps({"nbformat": 4, "metadata": {"tags": tags}, "cells": [heading, *cells]})
    (folder / f"{name}.ipynb").write_text(text)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("notebooks")
    write(folder, "sales", "image/png", "text/plain", tags=("certified",))
    write(folder, "stock", "text/html")
    return case("notebooks", {"folder": str(folder)})


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_is_a_connector(check: Callable[[Case], None], story: Case) -> None:
    check(story)


@pytest.mark.parametrize("capability", Capability)
def test_what_it_claims_is_shown(capability: Capability, story: Case) -> None:
    if capability in story.connector.capabilities:
        assert shows(story, capability)
