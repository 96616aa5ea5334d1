"""`rayingest connectors`: which systems can be read, how well that is proven, what one needs."""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from rayingest.cli import options, output
from rayingest.cli.values import allowed
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.table import Table

    from rayingest.api.connectors import ConnectorInfo
    from rayingest.core.limits import Limit

INSTALLED = {True: "yes", False: "no", None: "?"}


def connectors(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="One connector in detail.", show_default=False),
    ] = None,
    json_schema: Annotated[
        bool, typer.Option("--json-schema", help="The JSON schema of NAME's connection.")
    ] = False,
    form: options.FormatOption = "text",
    verbose: options.VerboseOption = False,
) -> None:
    """List connectors, or tell about one. Grade, capabilities, connection fields."""
    from rayingest.api.connectors import connector_info
    from rayingest.api.connectors import connectors as everything

    if json_schema:
        _schema(name)
    elif name is None and form == "json":
        with output.opened(None) as write:
            output.array(map(_short, everything()), write)
    elif name is None:
        _table(list(everything()))
    elif form == "json":
        with output.opened(None) as write:
            output.lines([connector_info(name)], write)
    else:
        _detail(connector_info(name))


def _allows(limit: "Limit") -> str:
    """What a limit allows, over what, and who says so."""
    parts = [allowed(limit.rate, " calls")] if limit.rate else []
    parts += [f"{limit.burst} at once after a rest"] if limit.burst else []
    parts += [f"{limit.max_concurrency} at the same time"] if limit.max_concurrency else []
    parts += ["as many at the same time as the server likes"] if limit.adaptive else []
    where = f" for {limit.where}" if limit.where else ""
    source = f" ({limit.documented})" if limit.documented else ""
    return f"{', '.join(parts)}, per {limit.scope}{where}{source}"


def _short(info: "ConnectorInfo") -> dict[str, object]:
    keys = ("name", "family", "extra", "grade", "capabilities")
    return {key: getattr(info, key) for key in keys}


def _schema(name: str | None) -> None:
    from rayingest.core import registry

    if name is None:
        raise ConfigError(
            "--json-schema: of which connector?",
            hint="rayingest connectors postgres --json-schema; `rayingest schema` is about the whole config.",
        )
    with output.opened(None) as write:
        schema = registry.load(name).connection.model_json_schema()
        write((json.dumps(schema, indent=2) + "\n").encode())


def _table(found: list["ConnectorInfo"]) -> None:
    output.console().print(_rows(each for each in found if not each.alias_of))
    if aliases := [each for each in found if each.alias_of]:
        table = output.plain_table("alias", "of", "grade")
        for each in aliases:
            table.add_row(each.name, each.alias_of, each.grade)
        output.console().print(table)


def _rows(found: Iterable["ConnectorInfo"]) -> "Table":
    table = output.plain_table("name", "family", "extra", "installed", "grade", "capabilities")
    for each in found:
        extra, is_here = each.extra or "-", INSTALLED[each.installed]
        row = (each.name, each.family, extra, is_here, each.grade, ", ".join(each.capabilities))
        table.add_row(*row)
    return table


def _detail(info: "ConnectorInfo") -> None:
    from rich.text import Text

    from rayingest.api.connectors import capability_grades
    from rayingest.core import registry

    console, grades = output.console(), capability_grades(info.name)
    need = f"pip install 'rayingest[{info.extra}]'" if info.extra else "no driver needed"
    console.print(Text(f"{info.name}  ({info.family}, {info.grade})", style="bold"))
    console.print(Text(f"driver: {need}; installed: {INSTALLED[info.installed]}"))
    console.print(Text(f"entities: {', '.join(info.types)}"))
    told = (f"{each} ({grades[each]})" if each in grades else each for each in info.capabilities)
    console.print(Text(f"tells: {', '.join(told)}"))
    for each, why in info.lacks.items():
        console.print(Text(f"lacks {each}: {why}"))
    connector = registry.load(info.name)
    console.print(Text(f"sessions: at most {connector.max_connections} in a run"))
    for limit in connector.limits:
        console.print(Text(f"limit {limit.name}: {_allows(limit)}"))
    table = output.plain_table("connection", "", "default", "meaning")
    for row in _fields(registry.load(info.name).connection):
        table.add_row(*map(Text, row))
    console.print(table)


def _fields(model: type["BaseModel"]) -> Iterator[tuple[str, str, str, str]]:
    from rayingest.config.marks import idle

    for key, field in model.model_fields.items():
        if idle(field):
            continue
        default = field.get_default(call_default_factory=True)
        shown = "" if field.is_required() or default in (None, {}, []) else str(default)
        yield key, "required" if field.is_required() else "", shown, field.description or ""
