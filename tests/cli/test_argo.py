"""The commands of Argo's Workflow without Ray, as its pods type them: `rayingest-without-ray`."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from rayingest.api.submitting import prepare
from rayingest.launch.argo_groups import CONFIG, GROUP, LISTED, groups_template
from rayingest.testing import StrictCatalogue
from rayingest.testing.connector_suite import LARGEST

from .conftest import SECRET, SERVER, Said, Shop

LONGEST_ARGUMENT = 128 * 1024  # MAX_ARG_STRLEN of Linux
Type = Callable[..., Said]


@pytest.fixture
def config(shop: Shop, catalogue: StrictCatalogue) -> str:
    """A config that Argo is to run: what it says of engines is not for the pods."""
    more = SERVER.format(url=catalogue.url, token=SECRET)
    more += "  distributedExecution: {enabled: true, orchestrator: argo, parallelism: 40}\n"
    return shop.config(sink="{type: metadata-rest, config: {}}", more=more)


@pytest.fixture
def step(config: str, shop: Shop) -> Callable[..., list[str]]:
    """The words of a step, with the paths of this machine for those of the pods."""
    flags = {"image": "registry.example.com/rayingest:1", "state_url": "s3://bucket/state"}
    run = prepare(config, environ={}, flags=flags, run_id="one", submitted_by="tester").run
    templates = {each["name"]: each for each in groups_template(run)["spec"]["templates"]}

    def words(name: str, **given: str) -> list[str]:
        values: dict[str, str] = {CONFIG: config, LISTED: str(shop.folder / "groups.json")}
        container: Any = templates[name]["container"]
        assert container["command"] == ["rayingest"]
        told = [values.get(each, each) for each in container["args"]]
        return [re.sub(r"\{\{.*\.([\w-]+)\}\}", lambda tag: given[tag[1]], each) for each in told]

    return words


def test_groups_arrive_in_any_order(
    cli: Type, step: Callable[..., list[str]], shop: Shop, catalogue: StrictCatalogue
) -> None:
    assert cli(*step("containers")).code == 0
    assert catalogue.entities("databaseSchemas")
    assert not catalogue.entities("tables")
    assert cli(*step("discover", group="2")).code == 0
    groups = json.loads((shop.folder / "groups.json").read_text())
    assert [len(each) for each in groups] == [2, 2, 1]
    for group in reversed(groups):
        said = cli(*step("process", entities=json.dumps(group)))
        assert said.code == 0, said.err
        assert {each["status"] for each in said.lines} == {"ok"}
    tables = catalogue.entities("tables")
    assert {name.rpartition(".")[2] for name in tables} == {"customer", "orders", "totals"}


def test_a_table_without_its_schema_is_refused(
    cli: Type, step: Callable[..., list[str]], shop: Shop
) -> None:
    """Hence the first step: the catalogue takes no table whose schema it does not have."""
    assert cli(*step("discover", group="9")).code == 0
    (group,) = json.loads((shop.folder / "groups.json").read_text())
    said = cli(*step("process", entities=json.dumps([group[-1]])))
    assert said.code == 1
    assert [each["status"] for each in said.lines] == ["failed"]


def test_nothing_that_vanished_is_deleted_by_groups(
    cli: Type, step: Callable[..., list[str]], shop: Shop, catalogue: StrictCatalogue
) -> None:
    config = step("process", entities="")[1]
    assert cli("run", config, "--engine", "local").code == 0
    with closing(sqlite3.connect(shop.database)) as connection:
        connection.execute("drop view totals")
    assert cli(*step("containers")).code == 0
    assert cli(*step("discover", group="9")).code == 0
    (group,) = json.loads((shop.folder / "groups.json").read_text())
    assert cli(*step("process", entities=json.dumps(group))).code == 0
    assert len(catalogue.entities("tables")) == 3
    assert cli("run", config, "--engine", "local").code == 0
    assert len(catalogue.entities("tables")) == 2


def test_the_largest_group_fits_an_argument() -> None:
    assert GROUP * (LARGEST + len(", ")) < LONGEST_ARGUMENT
