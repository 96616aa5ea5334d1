"""`rayingest init`: a commented config to start from."""

import os
import sys
from typing import Annotated

import typer

from rayingest.cli import options, output
from rayingest.errors import ConfigError


def init(
    source: Annotated[
        str,
        typer.Option("--source", metavar="NAME", help="A connector, see `rayingest connectors`."),
    ] = "postgres",
    sink: Annotated[
        str,
        typer.Option(
            "--sink", metavar="NAME", help="openmetadata (metadata-rest), file, sql, memory."
        ),
    ] = "openmetadata",
    target: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write to a file, not to standard output."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite the file if it exists.")
    ] = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Write a commented config, and say which variables it wants."""
    from rayingest.config import environment, template

    text = template(source, sink)
    is_file = target not in (None, "-")
    if is_file and output.checked(str(target)).exists() and not force:
        raise ConfigError(f"{target} exists already.", hint="--force overwrites it.")
    with output.opened(target) as write:
        write(text.encode())
    _say(target if is_file else None, environment(text))


def _say(target: str | None, wanted: list[tuple[str, str]]) -> None:
    lines = [f"{target} is written."] if target else []
    if wanted:
        lines.append("It reads these variables:")
    width = max((len(name) for name, _ in wanted), default=0)
    for name, why in wanted:
        state = "  (is set)" if os.environ.get(name) else ""
        lines.append(f"  export {name}=…{' ' * (width - len(name))}  # {why}{state}")
    if target:
        lines.append(f"Next: rayingest validate {target}")
    if lines:
        sys.stderr.write("\n".join(lines) + "\n")
