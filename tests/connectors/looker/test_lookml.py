"""LookML: views out of files, and what they come from."""

import logging
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lkml")
pytest.importorskip("sqlglot")

from rayingest.connectors.dashboard._looker import clone, lookml
from rayingest.connectors.dashboard._looker.clone import cloned
from rayingest.connectors.dashboard.looker import GitHub
from rayingest.errors import ConfigError
from rayingest.testing.looker import VIEWS, write_lookml

from ..dashboards import Place


def project(folder: Path, **files: str) -> lookml.Project:
    for name, text in files.items():
        (folder / f"{name}.lkml").write_text(text)
    return lookml.read(str(folder))


def test_a_view_has_its_table_and_its_fields(tmp_path: Path) -> None:
    write_lookml(tmp_path)
    found = lookml.read(str(tmp_path))
    assert (found.name, set(found.views)) == ("shop", set(VIEWS))
    orders = found.views["orders"]
    assert orders.tables == ("inventory.orders",)
    assert {each.name: each.type for each in orders.fields} == {
        "id": "number",
        "status": "string",
        "created_raw": "date_time",
        "created_date": "date",
        "created_month": "string",
        "revenue": "sum",
    }
    status = next(each for each in orders.fields if each.name == "status")
    assert (status.description, status.tags, status.category) == ("How far.", ("pii",), "dimension")


def test_a_group_of_durations_is_called_as_looker_calls_it(tmp_path: Path) -> None:
    group = "dimension_group: signup { type: duration intervals: [hour, day] }"
    view = project(tmp_path, v=f"view: v {{ {group} }}").views["v"]
    assert {each.name: each.type for each in view.fields} == {
        "hours_signup": "number",
        "days_signup": "number",
    }


def test_a_derived_table_comes_from_what_its_sql_reads(tmp_path: Path) -> None:
    write_lookml(tmp_path)
    derived = lookml.read(str(tmp_path)).views[VIEWS[-1]]
    assert derived.tables == ("inventory.stock",), "not the name of the common table expression"
    assert derived.views == ("orders",)
    assert "with recent" in (derived.sql or "")


def test_refinements_and_what_is_extended_are_worked_in(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        base="view: base { sql_table_name: a.b ;; dimension: id { type: number } }",
        more='view: more { extends: [base, more] dimension: name { label: "N" } }',
        plus='view: +base { dimension: id { label: "Key" } dimension: late { type: yesno } }',
    ).views
    assert [(each.name, each.type, each.label) for each in found["base"].fields] == [
        ("id", "number", "Key"),
        ("late", "yesno", None),
    ]
    assert [each.name for each in found["more"].fields] == ["id", "late", "name"]
    assert found["more"].tables == ("a.b",)


@pytest.mark.parametrize(
    ("table", "tables", "views"),
    [
        ("", ("v",), ()),
        ("sql_table_name: `p.d.t` ;;", ("`p.d.t`",), ()),
        ("sql_table_name: ${other.SQL_TABLE_NAME} ;;", (), ("other",)),
        ("derived_table: { explore_source: orders { column: id {} } }", (), ()),
        ("derived_table: { sql: select 1 from {{ x }} where ;; }", (), ()),
        ('derived_table: { sql: select ${TABLE}.x from s."T.x" ;; }', ('s."T.x"',), ()),
    ],
)
def test_where_a_view_is_from(
    tmp_path: Path, table: str, tables: tuple[str, ...], views: tuple[str, ...]
) -> None:
    found = project(tmp_path, v=f"view: v {{ {table} }}").views["v"]
    assert (found.tables, found.views) == (tables, views)


def test_a_file_that_is_no_lookml_costs_itself_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        found = project(tmp_path, good="view: good {}", bad="view: bad {", odd="\x00")
    assert set(found.views) == {"good"}
    assert "bad.lkml is left out" in caplog.text


def test_a_folder_without_lookml_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no LookML below"):
        lookml.read(str(tmp_path / "nowhere"))


# --- a git host ---


TOKEN = "canary-git-77"  # noqa: S105


def git(*arguments: str, cwd: Path) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A git host that is a folder: `acme/looks` with the shop's LookML, and a branch without."""
    work = tmp_path / "work"
    work.mkdir()
    write_lookml(work)
    git("init", cwd=work)
    git("add", "-A", cwd=work)
    git("commit", "-m", "all", cwd=work)
    git("checkout", "-b", "bare", cwd=work)
    git("rm", "-r", "views", "manifest.lkml", cwd=work)
    git("commit", "-m", "none", cwd=work)
    git("checkout", "main", cwd=work)
    (tmp_path / "host" / "acme").mkdir(parents=True)
    git("clone", "--bare", str(work), str(tmp_path / "host" / "acme" / "looks.git"), cwd=tmp_path)
    return tmp_path / "host"


def credentials(host: Path, **more: str) -> GitHub:
    given = {"repositoryOwner": "acme", "repositoryName": "looks", "gitHostURL": f"file://{host}"}
    return GitHub.model_validate({"type": "GitHub", **given, **more})


def test_a_repository_is_cloned_read_and_gone(host: Path) -> None:
    with cloned(credentials(host), 60) as folder:
        assert set(lookml.read(folder).views) == set(VIEWS)
    assert not Path(folder).exists()


def test_a_branch_is_another_state(host: Path) -> None:
    with (
        cloned(credentials(host, type="BitBucket", branch="bare"), 60) as folder,
        pytest.raises(ConfigError, match="no LookML below"),
    ):
        lookml.read(folder)


def test_what_git_says_is_told_without_the_token(host: Path) -> None:
    given = credentials(host, repositoryName="nothing", token=TOKEN)
    with (
        pytest.raises(ConfigError, match=r"acme/nothing\.git cannot be cloned") as caught,
        cloned(given, 60),
    ):
        pass
    assert "gitCredentials" in str(caught.value.hint)
    assert "canary" not in f"{caught.value}{caught.value.hint}"


def test_a_login_in_the_address_is_not_told(host: Path) -> None:
    given = credentials(host, gitHostURL=f"http://me:{TOKEN}@127.0.0.1:9")
    with (
        pytest.raises(ConfigError, match=r"127\.0\.0\.1:9/acme/looks\.git cannot") as caught,
        cloned(given, 60),
    ):
        pass
    assert "canary" not in str(caught.value)


def test_the_token_is_for_its_host_alone(host: Path) -> None:
    given = credentials(host, gitHostURL="https://git.example:8443/x", token=TOKEN)
    environ = clone._environment(given)
    assert environ["GIT_CONFIG_KEY_0"] == "http.https://git.example:8443/.extraHeader"
    assert "canary" not in environ["GIT_CONFIG_VALUE_0"]


def test_a_run_reads_the_repository_of_its_config(place: Place[Any], host: Path) -> None:
    given = {"repositoryOwner": "acme", "repositoryName": "looks", "gitHostURL": f"file://{host}"}
    place.run(place.config({"gitCredentials": {"type": "GitHub", **given}}))
    assert {f"bi.model.shop_{each}_view" for each in VIEWS} <= place.held(
        "dashboard/datamodels"
    ).keys()


def test_tables_flow_through_views_and_explores_into_dashboards(
    place: Place[Any], files: str
) -> None:
    place.stock("orders", "users", "stock")
    config = place.config({"gitCredentials": files}, lineageInformation={"dbServiceNames": ["pg"]})
    run = place.run(config)
    assert run.report.exit_code == 0
    held = place.held("dashboard/datamodels")
    views = {f"bi.model.shop_{each}_view" for each in VIEWS}
    assert views == {name for name, each in held.items() if each["dataModelType"] == "LookMlView"}
    assert len(held) == 5 + 5
    assert "with recent" in held["bi.model.shop_inventory_view"]["sql"]
    dashboards = place.held("dashboards").keys()
    edges = {(source, target) for source, target in place.edges() if target not in dashboards}
    model = "bi.model.shop_"
    expected = {
        ("pg.shop.inventory.orders", f"{model}orders_view"),
        ("pg.shop.inventory.users", f"{model}users_view"),
        ("pg.shop.inventory.stock", f"{model}inventory_view"),
        (f"{model}orders_view", f"{model}inventory_view"),
        *((f"{model}{each}_view", f"{model}{each}") for each in VIEWS),
        *((f"{model}users_view", f"{model}{each}") for each in VIEWS if each != "users"),
    }
    assert edges == expected
    assert run.report.unresolved == 2, "products and events are not in the catalogue"


def test_a_pattern_leaves_out_views_and_explores_with_their_lineage(
    place: Place[Any], files: str
) -> None:
    pattern = {"excludes": ["orders"]}
    place.run(place.config({"gitCredentials": files}, dataModelFilterPattern=pattern))
    held = place.held("dashboard/datamodels")
    kept = [each for each in VIEWS if each != "orders"]
    assert held.keys() == {f"bi.model.shop_{each}{end}" for each in kept for end in ("", "_view")}
    assert not [each for each in place.edges() if "orders" in "".join(each)]
