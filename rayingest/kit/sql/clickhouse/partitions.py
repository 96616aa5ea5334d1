"""What a table is partitioned and sorted by, out of the expressions of its engine."""

import re
from collections.abc import Collection, Mapping

from rayingest.kit.sql.clickhouse.shapes import TIMES, split, unquoted
from rayingest.model import PartitionColumn

INTERVALS = {
    **dict.fromkeys(("toYear", "toStartOfYear"), "year"),
    **dict.fromkeys(("toQuarter", "toStartOfQuarter"), "quarter"),
    **dict.fromkeys(("toYYYYMM", "toStartOfMonth", "toMonth"), "month"),
    **dict.fromkeys(("toMonday", "toStartOfWeek", "toYearWeek", "toISOWeek"), "week"),
    **dict.fromkeys(("toYYYYMMDD", "toDate", "toDate32", "toStartOfDay"), "day"),
    **dict.fromkeys(("toStartOfHour", "toHour", "toYYYYMMDDhhmmss"), "hour"),
}
_TOKEN = re.compile(r"'(?:[^'\\]|\\.|'')*'|`((?:[^`\\]|\\.|``)*)`|([^\W\d][\w.]*)", re.DOTALL)
_FUNCTION = re.compile(r"(\w+)\(.*\)", re.DOTALL)
_TUPLE = re.compile(r"(?:tuple)?\((.*)\)", re.DOTALL)


def partition(
    expression: str, members: Collection[str], types: Mapping[str, str]
) -> tuple[PartitionColumn, ...]:
    """The columns of a partition key in its order; `types` maps columns to OpenMetadata's types."""
    found: dict[str, PartitionColumn] = {}
    for part in _parts(expression):
        for name in named(part, members):
            kind, interval = _interval(part, name, types.get(name, ""))
            column = PartitionColumn(column_name=name, interval_type=kind, interval=interval)
            found.setdefault(name, column)
    for name in members:  # the server says that these belong to it, too
        found.setdefault(name, PartitionColumn(column_name=name, interval_type="OTHER"))
    return tuple(found.values())


def named(expression: str, members: Collection[str]) -> list[str]:
    """Those of the columns that an expression names, in its order, each once."""
    names: dict[str, None] = {}
    for found in _TOKEN.finditer(expression):
        quoted, plain = found.groups()
        name = plain if quoted is None else unquoted(quoted)
        if name in members:
            names[name] = None
    return list(names)


def _parts(expression: str) -> list[str]:
    parts = split(expression)
    whole = _TUPLE.fullmatch(expression.strip()) if len(parts) == 1 else None
    return split(whole[1]) if whole else parts


def _interval(part: str, name: str, data_type: str) -> tuple[str, str | None]:
    if part in (name, f"`{name}`"):
        return "COLUMN-VALUE", None
    function = _FUNCTION.fullmatch(part)
    if function and data_type in TIMES:
        return "TIME-UNIT", INTERVALS.get(function[1], function[1])
    return "OTHER", function[1] if function else None
