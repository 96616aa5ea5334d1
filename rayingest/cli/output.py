"""Data on standard output, or in a file that appears whole or not at all."""

import os
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rayingest.cli.exits import stdout_gone
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Write = Callable[[bytes], object]
WIDE = 160


class ReaderLeft(Exception):
    """Nobody reads our standard output any more (`| head`)."""


def _to_stdout(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        if not data:
            sys.stdout.flush()
    except BrokenPipeError as error:
        stdout_gone()
        raise ReaderLeft from error


@contextmanager
def opened(target: str | None) -> Generator[Write]:
    """A function that writes bytes to a file, or to standard output (None or `-`)."""
    if target in (None, "-"):
        with suppress(ReaderLeft):
            yield _to_stdout
            _to_stdout(b"")
        return
    path = checked(str(target))
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file.write
        part.replace(path)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error
    finally:
        part.unlink(missing_ok=True)


def checked(target: str) -> Path:
    """The path of a file that is to be written. Raises ConfigError where that cannot be."""
    path = Path(target).expanduser()
    if path.is_dir():
        raise _unwritable(path, "it is a folder")
    if not path.parent.is_dir():
        raise _unwritable(path, f"there is no folder {path.parent}")
    return path


def _unwritable(path: Path, why: str) -> ConfigError:
    return ConfigError(f"{path} cannot be written: {why}.")


def lines(values: Iterable[Any], write: Write) -> None:
    """One JSON value a line."""
    import msgspec

    encode = msgspec.json.Encoder(enc_hook=str).encode
    for each in values:
        write(encode(each) + b"\n")


def array(values: Iterable[Any], write: Write) -> None:
    """One JSON array, written as its items come."""
    import msgspec

    encode = msgspec.json.Encoder(enc_hook=str).encode
    separator = b"["
    for each in values:
        write(separator + encode(each))
        separator = b",\n"
    write(b"]\n" if separator != b"[" else b"[]\n")


def console(*, stderr: bool = False) -> "Console":
    """A rich console that wraps at the terminal's width, and late where there is none."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not made.is_terminal and not os.environ.get("COLUMNS"):
        made.width = WIDE
    return made


def plain_table(*heads: str) -> "Table":
    """A table without a frame."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(*heads, box=SIMPLE_HEAD, pad_edge=False, header_style="bold")


def document(value: Any) -> None:
    """One JSON value on standard output, indented."""
    import json

    with opened(None) as write:
        write(json.dumps(value, indent=2).encode() + b"\n")


def columns(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows on standard output, as kubectl writes them: names stay whole, the last column may be folded."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False)
    for head in heads:
        made.add_column(head, no_wrap=head != heads[-1])
    for row in rows:
        made.add_row(*(Text(str(each)) for each in row))
    console().print(made)
