"""The parser: every flag, its variable, its help; and what help costs."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from rayingest import __version__
from rayingest.cli.app import command, commands, flags, variable

WANTED = {
    "init": "--source --sink --output -o --force",
    "validate": "--config -c --set --overlay --format",
    "check": "--config -c --format",
    "discover": "--config -c --type --entity-type --limit --format --group --output -o --explain",
    "run": "--config -c --engine --address --parallelism --run-id --state-url --select --exclude "
    "--dry-run --preview --timeout --max-failures --partial-ok --allow-untested --set --overlay "
    "--report-json --progress --log-format --verbose -v --quiet -q "
    "--accept-config-change --take-over --full-refresh --allow-deletions --plan --jobs",
    "submit": "--config -c --mode --namespace -n --image --name --manifest --dry-run --logs-pod "
    "--parallelism --run-id --state-url --allow-untested --set --overlay --verbose -v --quiet -q "
    "--wait --follow -f --on-interrupt --context --partial-ok --report-json",
    "plan": "--config -c --sample --out --parallelism --select --exclude --format",
    "compare": "--config -c --out --parallelism --select --exclude --format",
    "resume": "--config -c --service --state-url --accept-config-change --take-over --partial-ok",
    "retry": "--config -c --service --state-url --run-id --partial-ok",
    "process": "--config -c --entity --dry-run",
    "connectors": "--json-schema --format",
    "runs list": "--service --limit --format --state-url",
    "runs show": "--service --state-url",
    "runs report": "--output -o --service --state-url",
    "runs diff": "--format --service --state-url",
    "runs log": "--service --state-url",
    "status": "--namespace -n --context --address --state-url --format",
    "logs": "--namespace -n --context --address --state-url --follow -f",
    "stop": "--namespace -n --context --address",
    "gc": "--older-than --namespace -n --context --address --dry-run",
    "runs prune": "--keep --older-than --service --dry-run --state-url",
    "state show": "--config -c --set --overlay --state-url --scopes --format",
    "state export": "--config -c --set --overlay --state-url --output -o",
    "state reset": "--config -c --set --overlay --state-url --type --scope --yes",
    "schema": "",
}
HEAVY = ("pydantic", "sqlalchemy", "ray", "httpx2", "rich", "yaml", "msgspec")


@pytest.mark.parametrize("name", WANTED)
def test_every_flag_of_the_issue_is_there(name: str) -> None:
    has = {spelling for each in dict(commands(command()))[name].params for spelling in each.opts}
    assert set(WANTED[name].split()) <= has


def test_there_are_no_other_commands() -> None:
    assert set(dict(commands(command()))) == set(WANTED)


@pytest.mark.parametrize(("name", "flag"), [(n, f) for n, f in flags(command())], ids=str)
def test_every_flag_has_a_variable_and_help(name: str, flag: object) -> None:
    assert flag.envvar == variable(flag)  # type: ignore[attr-defined]
    assert flag.envvar.startswith("RAYINGEST_")  # type: ignore[attr-defined]
    assert flag.help  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["run", "runs list", "runs prune", "state reset"])
def test_variables_are_shown_in_help(cli: Callable, name: str) -> None:
    told = " ".join(cli(*name.split(), "--help").out.split())
    assert all(variable(flag) in told for of, flag in flags(command()) if of == name)


def test_a_variable_means_the_same_everywhere() -> None:
    spelled: dict[str, set[str]] = {}
    for _, flag in flags(command()):
        spelled.setdefault(variable(flag), set()).add(flag.opts[0])
    assert all(len(each) == 1 for each in spelled.values()), spelled


def imported(code: str) -> set[str]:
    told = f"{code}\nimport sys\nsys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return {each.partition(".")[0] for each in done.stderr.split()}


def test_help_imports_nothing_heavy() -> None:
    found = imported("from rayingest.cli.app import program\nassert program(['--help']) == 0")
    assert not found.intersection(HEAVY)
    found = imported(
        "from rayingest.cli.app import program\nassert program(['run', '--help']) == 0"
    )
    # Newer typers look at defaults with pydantic.
    assert not found.intersection(set(HEAVY) - {"pydantic"})


def test_importing_rayingest_imports_nothing_heavy() -> None:
    assert not imported("import rayingest").intersection({*HEAVY, "typer"})


def test_connectors_imports_no_driver() -> None:
    found = imported("from rayingest.cli.app import program\nassert program(['connectors']) == 0")
    assert not found.intersection({"psycopg", "pymysql", "sqlalchemy", "ray"})


def test_python_m_is_the_same_program(spawn: Callable) -> None:
    out, err = spawn("--version").communicate(timeout=30)
    assert out.startswith(f"rayingest {__version__} ")
    assert err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense"],
        ["nonsense"],
        ["run", "c.yaml", "--parallelism", "0"],
        ["run", "c.yaml", "--engine", "dask"],
        ["run", "c.yaml", "--timeout", "soon"],
        ["run", "c.yaml", "--max-failures", "many"],
        ["run"],
        ["run", "a.yaml", "--config", "b.yaml"],
        ["run", "nowhere.yaml"],
        ["discover", "c.yaml", "--type", "tabel"],
        ["process", "c.yaml"],
        ["connectors", "--json-schema"],
        ["runs", "nonsense"],
        ["runs", "list", "--limit", "0"],
        ["runs", "show"],
        ["runs", "diff", "one"],
        ["runs", "prune"],
        ["runs", "prune", "--keep", "0"],
        ["runs", "prune", "--older-than", "-1"],
        ["state", "nonsense"],
        ["state", "show"],
        ["state", "show", "nowhere.yaml"],
        ["state", "reset", "nowhere.yaml", "--type", "table"],
    ],
)
def test_misuse_is_2_and_says_so_on_standard_error_alone(
    cli: Callable, arguments: list[str]
) -> None:
    said = cli(*arguments)
    assert (said.code, said.out) == (2, "")
    assert "rror" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("above", [[], ["runs"], ["state"]], ids=str)
def test_without_a_command_help_is_shown(cli: Callable, above: list[str]) -> None:
    said = cli(*above)
    assert "Commands:" in said.out + said.err
