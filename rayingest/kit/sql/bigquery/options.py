"""Options of tables and datasets: INFORMATION_SCHEMA tells them as literals of GoogleSQL."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rayingest.model import Tag

# https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#string_and_bytes_literals
_LITERAL = re.compile(
    r'"""(?P<three>(?:[^\\]|\\.)*?)"""|"(?P<one>(?:[^"\\]|\\.)*)"|\'(?P<single>(?:[^\'\\]|\\.)*)\'',
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|[xX](?P<x>[0-9a-fA-F]{2})"
    r"|(?P<o>[0-7]{3})|(?P<c>[abfnrtv\\?\"'`]))"
)
_CHARACTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Options(NamedTuple):
    """What the options of one thing say."""

    description: str | None = None
    display_name: str | None = None
    tags: tuple[Tag, ...] = ()
    location: str | None = None

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str]], *, labels: bool = True) -> "Options":
        """Read pairs of name and literal; `labels` are wanted or not."""
        values = {name: texts(value) for name, value in rows}
        pairs = values.get("labels", []) if labels else []
        return cls(
            description=_first(values, "description"),
            display_name=_first(values, "friendly_name"),
            tags=tags(zip(pairs[::2], pairs[1::2], strict=True)),
            location=_first(values, "uris"),
        )


def tags(labels: Iterable[tuple[str, str]]) -> tuple[Tag, ...]:
    """A label's key is the classification, its value the tag; without a value the key is both."""
    return tuple([Tag(classification=key, name=value or key) for key, value in sorted(labels)])


def texts(value: str | None) -> list[str]:
    """The string literals in the text of a value, read."""
    found = []
    for each in _LITERAL.finditer(value or ""):
        inner = next(part for part in each.groups() if part is not None)
        found.append(_ESCAPE.sub(_character, inner))
    return found


def _character(found: re.Match[str]) -> str:
    if found["c"]:
        return _CHARACTERS.get(found["c"], found["c"])
    if found["o"]:
        return chr(int(found["o"], 8))
    return chr(int(found["u"] or found["U"] or found["x"], 16))


def _first(values: Mapping[str, list[str]], name: str) -> str | None:
    found = values.get(name)
    return found[0] or None if found else None
