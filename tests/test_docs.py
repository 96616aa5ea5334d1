"""The documentation says what the code does."""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import rayingest as ri
from rayingest.api.connectors import connectors
from rayingest.cli.app import command, commands, flags
from rayingest.cli.exits import Exit
from rayingest.config.execution import DistributedExecution
from rayingest.config.models import WorkflowConfig
from rayingest.config.options import DatabaseMetadata
from rayingest.config.server import OpenMetadataServer
from rayingest.config.sinks import SINKS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
EXAMPLES = sorted(each for each in (ROOT / "examples").glob("*.yaml") if each.stem != "rayingest")
VARIABLES = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
# Spelt in two halves, so that this file does not hold them itself.
FORBIDDEN = ["/wo" + "rk/", "/ro" + "ot/", "py" + "pi.org", "python" + "hosted", "T" + "ODO"]
FORBIDDEN += ["docker" + ".io", "ghcr" + ".io", "deb.debian" + ".org"]


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def program(name: str) -> ModuleType:
    """A program beside the pages, as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    return program("generate")


# --- nothing is missing ---


def test_the_generated_parts_are_what_the_code_says(generate: Any) -> None:
    stale = [
        ids(each) for each in PAGES if generate.generated(each.read_text()) != each.read_text()
    ]
    assert not stale, f"run `python3 dev.py docs`: {stale}"


def test_everything_that_can_be_generated_stands_somewhere(generate: Any) -> None:
    text = "".join(each.read_text() for each in PAGES)
    assert all(f"<!-- generated: {name} -->" in text for name in generate.GENERATED)


@pytest.mark.parametrize("name", sorted(dict(commands(command()))))
def test_every_command_is_documented(name: str) -> None:
    assert f"### rayingest {name}\n" in page("cli.md")


def test_every_flag_and_its_variable_are_documented() -> None:
    text = page("cli.md")
    missing = [
        f"{name} {option.opts[0]}"
        for name, option in flags(command())
        if option.opts[0] not in text or f"`{option.envvar}`" not in text
    ]
    assert not missing


@pytest.mark.parametrize("code", list(Exit), ids=lambda code: code.name)
def test_every_exit_code_is_documented(code: Exit) -> None:
    assert f"\n| {code.value} | " in page("cli.md")


@pytest.mark.parametrize(
    "model",
    [WorkflowConfig, OpenMetadataServer, DistributedExecution, DatabaseMetadata, *SINKS.values()],
    ids=lambda model: model.__name__,
)
def test_every_key_is_documented_and_described(model: Any) -> None:
    text = page("configuration.md")
    for key, field in model.model_fields.items():
        assert field.description, f"{key} has no description"
        # `filename` of the file sink and `path` of the sql sink are older spellings, kept silently.
        assert f"`{key}`" in text or f".{key}`" in text or key in {"filename", "path"}


@pytest.mark.parametrize("info", list(connectors()), ids=lambda info: info.name)
def test_every_connector_is_documented(info: Any) -> None:
    text = page("connectors.md")
    assert f"\n### {info.name}\n" in text
    place = info.alias_of and f"`{info.alias_of}`"
    assert f"| [`{info.name}`](#{info.name}) | {place or info.family} |" in text
    assert all(each in text for each in info.lacks.values())


def test_every_variable_that_the_code_reads_is_documented() -> None:
    read = set()
    for path in (ROOT / "rayingest").rglob("*.py"):
        read |= set(re.findall(r"[\"'](RAYINGEST_[A-Z][A-Z_]+[A-Z])[\"']", path.read_text()))
    told = page("cli.md") + (ROOT / "CONTRIBUTING.md").read_text()
    assert {each for each in read - {"RAYINGEST_REQUIRE_SERVERS"} if each not in told} == set()


FAULTS = [
    "Wrong password",
    "Host down",
    "Database missing",
    "Permission on one schema only",
    "One unreadable view",
    "dropped between discovery and processing",
    "cut in mid-batch",
    "Down at the start",
    *("401", "403", "404", "413", "429", "500", "503"),
    "One row of a bulk",
    "torn after the write",
    "HTML instead of JSON",
    "not a regular expression",
    "No space left",
    "Ctrl-C",
    "A worker was killed",
    "quarantined",
    "did not return",
    "Ray is not installed",
    "A Ray worker has python",
]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_place_in_troubleshooting(fault: str) -> None:
    headings = [line for line in page("troubleshooting.md").splitlines() if line.startswith("**")]
    assert any(fault in line for line in headings)


# --- nothing is wrong ---


def links(text: str) -> Iterator[str]:
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if not target.startswith(("https://", "http://")):
            yield target


def anchors(path: Path) -> set[str]:
    prose = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each).strip().lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("path", PAGES, ids=ids)
def test_links_lead_somewhere(path: Path) -> None:
    for target in links(path.read_text("utf-8")):
        file, _, anchor = target.partition("#")
        to = (path.parent / file).resolve() if file else path
        assert to.exists(), target
        assert not anchor or anchor in anchors(to), target


@pytest.mark.parametrize("path", [each for each in PAGES if each.parent == DOCS], ids=ids)
def test_every_page_can_be_found_from_the_index(path: Path) -> None:
    assert path.name == "index.md" or f"({path.name})" in page("index.md")


def tracked() -> Iterator[Path]:
    places = ["docs", "examples", "notebooks", "rayingest", "tests", "benchmarks", "k8s", ".ci"]
    files = [each for place in places for each in (ROOT / place).rglob("*")]
    files += [each for each in ROOT.iterdir() if each.suffix in {".md", ".py", ".toml"}]
    files += [ROOT / "Dockerfile", ROOT / ".dockerignore"]
    for each in files:
        if each.is_file() and "__pycache__" not in each.parts:
            yield each


def test_no_file_speaks_of_a_machine_or_of_a_registry() -> None:
    found = [
        f"{ids(path)}: {word}"
        for path in tracked()
        for word in FORBIDDEN
        if word in path.read_text("utf-8", errors="replace")
    ]
    assert not found


@pytest.mark.parametrize("path", PAGES, ids=ids)
def test_commands_in_code_blocks_exist(path: Path) -> None:
    """`rayingest COMMAND --flag` as written: the command is there and has the flag."""
    known = {name: {"-h", "--help"} for name, _ in commands(command())}
    for name, option in flags(command()):
        known[name] |= {*option.opts}
    blocks = re.findall(r"```\n(.*?)```", path.read_text("utf-8"), re.DOTALL)
    for line in (line for block in blocks for line in block.splitlines()):
        found = re.match(r"(?:docker run .* rayingest )?rayingest (\w+)(?: (\w+))?([^#]*)", line)
        if found:
            name = found[1] if found[1] in known else f"{found[1]} {found[2]}"
            assert name in known, line
            assert set(re.findall(r" (--?[a-z][a-z-]*)", found[3])) <= known[name], line


@pytest.mark.parametrize("path", PAGES, ids=ids)
def test_configs_in_code_blocks_load(path: Path, tmp_path: Path) -> None:
    for block in re.findall(r"```yaml\n(.*?)```", path.read_text("utf-8"), re.DOTALL):
        tree = yaml.safe_load(block)
        if "source" in tree and "sink" in tree:
            (tmp_path / "config.yaml").write_text(block)
            environ = dict.fromkeys(VARIABLES.findall(block), "secret")
            assert ri.load(tmp_path / "config.yaml", environ=environ)


def test_the_python_of_the_readme_compiles() -> None:
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL):
        compile(block, "README.md", "exec")


def test_the_readme_names_the_two_commands_on_its_first_screen() -> None:
    first = "\n".join((ROOT / "README.md").read_text().splitlines()[:20])
    assert "python3 dev.py demo" in first
    assert "python3 dev.py test" in first


# --- examples ---


@pytest.mark.parametrize("path", EXAMPLES, ids=ids)
def test_an_example_loads(path: Path) -> None:
    environ = dict.fromkeys(VARIABLES.findall(path.read_text()), "secret")
    config = ri.load(path, environ=environ).config
    assert config.warnings == ()
    assert config.execution.engine == ("local" if "files" in path.stem else "ray")


def test_the_helper_says_what_it_can_do() -> None:
    done = subprocess.run(
        [sys.executable, "dev.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert all(
        f"dev.py {each}" in done.stdout for each in ("demo", "test", "docs", "k8s", "install")
    )


# --- reliability ---


@pytest.fixture(scope="module")
def reliability() -> ModuleType:
    return program("reliability")


RECORD = {
    "fault": "sink down",
    "seed": 1,
    "entities": 100,
    "injected": 3,
    "lost": 0,
    "surplus": 0,
    "deleted": 0,
    "blamed": 0,
    "culprits": 2,
    "writtenAgain": 7,
    "recovery": 0.5,
}


def test_figures_are_sums_over_the_runs_of_a_fault(reliability: Any) -> None:
    text = reliability.figures([RECORD, RECORD | {"seed": 2, "recovery": 1.5, "lost": 1}])
    assert "2 runs with 6 injected faults" in text
    row = "| sink down | 2 | 6 | 200 | 1 | 0 | 0 | 0 | 4 | 14 | 1.0, 1.5 |"
    assert row in text
    assert row.replace("sink down", "**all**") in text


def test_the_figures_have_their_place_on_the_page(reliability: Any) -> None:
    before = page("reliability.md")
    after = reliability.replaced(before, "FIGURES\n")
    assert after.count("FIGURES") == 1
    assert reliability.replaced(after, "FIGURES\n") == after
    with pytest.raises(ValueError, match="no part"):
        reliability.replaced("nothing", "FIGURES")


def test_the_published_figures_keep_the_promises() -> None:
    """More than a thousand faults; nothing lost, nothing in surplus, nothing deleted, nobody blamed."""
    (sums,) = re.findall(r"^\| \*\*all\*\* \| (.*) \|$", page("reliability.md"), re.MULTILINE)
    _, injected, _, *promised = (each.replace(",", "") for each in sums.split(" | ")[:7])
    assert int(injected) >= 1000
    assert promised == ["0"] * 4
