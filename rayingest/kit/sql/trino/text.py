"""Trino's spelling: values and names go into statements through here alone.

https://trino.io/docs/current/language/types.html#varchar: a quote in a literal is doubled, and nothing else
escapes.
"""

from collections import defaultdict
from collections.abc import Iterable

Key = tuple[str, str]  # schema, name


def literal(text: str) -> str:
    """A string literal that means just this text."""
    return "'" + text.replace("'", "''") + "'"


def listed(texts: Iterable[str]) -> str:
    """String literals with commas between them, for `in (…)`."""
    return ", ".join(map(literal, texts))


def quoted(*names: str) -> str:
    """Names between quotes, joined by dots."""
    return ".".join('"' + each.replace('"', '""') + '"' for each in names)


def among(keys: Iterable[Key]) -> str:
    """A condition on `table_schema` and `table_name` out of which Trino sees just these tables.

    It looks up each pair of a schema and a name that the condition may be true for; a condition on
    rows, `(a, b) in (…)`, it does not see through, and reads the whole catalog.
    """
    names: dict[str, list[str]] = defaultdict(list)
    for schema, name in keys:
        names[schema].append(name)
    return " or ".join(
        f"(table_schema = {literal(schema)} and table_name in ({listed(each)}))"
        for schema, each in names.items()
    )
