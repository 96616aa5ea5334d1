"""What a table is clustered by: `LINEAR(day, upper(name))` is two columns of a partition."""

import re
from collections.abc import Collection

from rayingest.kit.sql.reflected.shapes import split
from rayingest.model import PartitionColumn

_ALL = re.compile(r"(?:LINEAR\s*)?\((.*)\)", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(r"""'(?:[^']|'')*'|"((?:[^"]|"")*)"|([^\W\d][\w$]*)(?!\s*\()""")
_FUNCTION = re.compile(r"\s*(\w+)\s*\(")


def clustering(key: str | None, columns: Collection[str]) -> tuple[PartitionColumn, ...]:
    """The columns of CLUSTERING_KEY in order, each once; `columns` are the table's."""
    found: dict[str, PartitionColumn] = {}
    text = (key or "").strip()
    inside = _ALL.fullmatch(text)
    for expression in split(inside[1] if inside else text):
        function = _FUNCTION.match(expression)
        for name in _named(expression, columns):
            kind = "OTHER" if function else "COLUMN-VALUE"
            interval = function[1].lower() if function else None
            column = PartitionColumn(column_name=name, interval_type=kind, interval=interval)
            found.setdefault(name, column)
    return tuple(found.values())


def _named(expression: str, columns: Collection[str]) -> list[str]:
    """Columns that an expression names; one that names none stands for itself."""
    names = [
        quoted.replace('""', '"') if quoted else plain.upper()
        for quoted, plain in _NAME.findall(expression)
    ]
    return [each for each in names if each in columns] or [expression]
