"""Write the generated parts of these pages: `python3 dev.py docs`. A test compares them.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from rayingest.api.connectors import capability_grades, connectors
from rayingest.api.grades import gradings
from rayingest.cli.app import command
from rayingest.cli.app import commands as all_commands
from rayingest.config import execution_table
from rayingest.config.connection import FilterPattern
from rayingest.config.execution import DistributedExecution
from rayingest.config.marks import Older, Unused
from rayingest.config.models import Source, Workflow, WorkflowConfig
from rayingest.config.options import OPTIONS, DatabaseMetadata
from rayingest.config.server import OpenMetadataServer
from rayingest.config.shape import models_in
from rayingest.config.sinks import SINKS
from rayingest.core import registry

DOCS = Path(__file__).resolve().parent
PART = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)
REQUIRED = "**required**"
Rows = Iterator[tuple[str, ...]]


def table(heads: tuple[str, ...], rows: Rows) -> str:
    """A Markdown table."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join(f"| {' | '.join(map(cell, row))} |\n" for row in lines)


def cell(text: str) -> str:
    """A text that does not end its cell."""
    return text.replace("|", "\\|")


# --- configuration ---


def has(field: FieldInfo, *marks: type) -> bool:
    """Whether a field carries one of these marks."""
    return any(isinstance(each, marks) for each in field.metadata)


def keys(model: type[BaseModel], *, above: str = "", skip: tuple[str, ...] = ()) -> Rows:
    """Every key that does something: its path, its default, its meaning; a model's own come first."""
    for key in sorted(model.model_fields, key=lambda each: each not in model.__annotations__):
        field = model.model_fields[key]
        if key in skip or has(field, Unused, Older):
            continue
        yield f"`{above}{key}`", default(field), field.description or ""
        inner = [each for each in models_in(field.annotation) if each is not FilterPattern]
        seen: set[str] = set()
        for path, value, meaning in (
            row for each in inner for row in keys(each, above=f"{above}{key}.")
        ):
            if path not in seen:
                seen.add(path)
                one_of = len(inner) > 1 and value == REQUIRED
                yield path, "required for this way" if one_of else value, meaning


def default(field: FieldInfo) -> str:
    """What holds when a key is absent."""
    if field.is_required():
        return REQUIRED
    value = field.get_default(call_default_factory=True)
    if value in (None, {}, [], "") or isinstance(value, BaseModel | SecretStr):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def settings(model: type[BaseModel], *skip: str) -> str:
    """The table of a model's keys."""
    return table(("key", "default", "meaning"), keys(model, skip=skip))


def waiting(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Keys that are accepted and do nothing yet."""
    for key, field in model.model_fields.items():
        if has(field, Unused):
            yield f"{above}{key}"
            continue
        for each in models_in(field.annotation):
            yield from waiting(each, f"{above}{key}.")


def unused() -> str:
    """All of those keys, by where they stand."""
    places: dict[str, type[BaseModel]] = {
        "the file": Workflow,
        **{f"`sourceConfig.config` of {name}": model for name, model in OPTIONS.items()},
        "`openMetadataServerConfig`": OpenMetadataServer,
        "`distributedExecution`": DistributedExecution,
        **{f"`sink.config` of {name}": model for name, model in SINKS.items()},
    }
    shared = ("workflowConfig.openMetadataServerConfig.", "workflowConfig.distributedExecution.")
    text = ""
    for place, model in places.items():
        idle = ", ".join(f"`{key}`" for key in waiting(model) if not key.startswith(shared))
        if idle:
            text += f"* In {place}: {idle}.\n"
    return text


def sinks() -> str:
    """The keys of every sink."""
    parts = []
    for name, model in SINKS.items():
        text = " ".join((model.__doc__ or "").split())
        parts.append(f"**`{name}`**: {text}\n\n{settings(model)}")
    return "\n".join(parts)


# --- connectors ---


def connector_table() -> str:
    """One line for each connector; aliases have a table of their own."""

    def rows() -> Rows:
        for each in connectors():
            if each.alias_of:
                continue
            tested = tested_with(each.name)
            install = f"`rayingest[{each.extra}]`" if each.extra else "nothing to install"
            grades = capability_grades(each.name)
            named = [(key, grades.get(key, each.grade)) for key in each.capabilities]
            told = ", ".join(
                key if grade == each.grade else f"{key} ({grade})" for key, grade in named
            )
            yield (f"[`{each.name}`](#{each.name})", each.family, install, each.grade, tested, told)

    heads = ("connector", "family", "extra", "grade", "tested with", "capabilities")
    aliases = [each for each in connectors() if each.alias_of]
    told = (
        (f"[`{each.name}`](#{each.name})", f"`{each.alias_of}`", each.grade, tested_with(each.name))
        for each in aliases
    )
    second = table(("alias", "has the catalogue of", "grade", "tested with"), told)
    return f"{table(heads, rows())}\n{second}"


def tested_with(name: str) -> str:
    """The server that a grade comes from, and when."""
    grading = gradings().get(name)
    return f"{grading.server}, {grading.date}" if grading and grading.date else ""


def connector_details() -> str:
    """A section for each connector."""
    return "\n".join(map(connector_section, registry.locations()))


def connector_section(name: str) -> str:
    """What a connector is, what it lacks, and the keys of its connection."""
    connector = registry.load(name)
    module = sys.modules[registry.locations()[name].partition(":")[0]]
    text = f"### {name}\n\n{(module.__doc__ or '').strip()}\n\n"
    text += f"`source.type: {name}`; reads {', '.join(each.value for each in connector.types)}.\n\n"
    grades = capability_grades(name)
    if grades:
        text += (
            f"Shown by tests: {', '.join(f'{key} ({grade})' for key, grade in grades.items())}.\n\n"
        )
    text += f"At most {connector.max_connections} connections are open in a whole run.\n\n"
    lacks = "".join(f"* No {each.value}: {why}.\n" for each, why in connector.lacks.items())
    return f"{text}{lacks}\n{settings(connector.connection)}"


# --- commands ---


def commands() -> str:
    """A section for each command, out of the parser itself."""
    return "\n".join(section(name, each) for name, each in all_commands(command()))


def section(name: str, parsed: Any) -> str:
    """One command: what it does, and its flags with their variables."""
    arguments = [each for each in parsed.params if each.param_type_name == "argument"]
    words = [each.metavar if each.required else f"[{each.metavar}]" for each in arguments]
    usage = " ".join([f"rayingest {name}", *words, "[flags]"])
    about = " ".join((parsed.help or "").split())
    context = parsed.make_context(name, [], resilient_parsing=True)

    def rows() -> Rows:
        for each in parsed.params:
            if each.param_type_name == "option" and each.envvar:
                spelled = each.get_help_record(context)[0]
                yield f"`{spelled}`", f"`{each.envvar}`", each.help or ""

    flags = table(("flag", "variable", "meaning"), rows())
    return f"### rayingest {name}\n\n`{usage}`\n\n{about}\n\n{flags}"


GENERATED: dict[str, Callable[[], str]] = {
    "execution": execution_table,
    "keys-source": lambda: settings(Source),
    "keys-database": lambda: settings(DatabaseMetadata),
    "keys-sinks": sinks,
    "keys-workflow": lambda: settings(
        WorkflowConfig, "openMetadataServerConfig", "distributedExecution"
    ),
    "keys-server": lambda: settings(OpenMetadataServer),
    "keys-distributed": lambda: settings(DistributedExecution),
    "keys-unused": unused,
    "connectors": connector_table,
    "connector-details": connector_details,
    "commands": commands,
}


def generated(text: str) -> str:
    """A page with its generated parts made anew. Raises KeyError for one that nothing makes."""

    def made(found: re.Match[str]) -> str:
        return f"{found[1]}\n{GENERATED[found['name']]()}\n{found[4]}"

    return PART.sub(made, text)


def main() -> None:
    """Write every page that has changed."""
    for page in sorted(DOCS.rglob("*.md")):
        before = page.read_text("utf-8")
        after = generated(before)
        if after != before:
            page.write_text(after, "utf-8")
            print(f"{page.relative_to(DOCS.parent)} is written again")


if __name__ == "__main__":
    main()
