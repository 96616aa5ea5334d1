"""What a partitioned table is partitioned by."""

import re
from collections.abc import Mapping

from rayingest.kit.sql.mysql.shapes import INTEGERS, TIMES
from rayingest.model import PartitionColumn

PARTITIONS = """select table_schema, table_name, partition_method, partition_expression,
       subpartition_method, subpartition_expression
  from information_schema.partitions
 where partition_ordinal_position = 1 and coalesce(subpartition_ordinal_position, 1) = 1
   and table_schema = %s and table_name in %s"""
_QUOTED = re.compile(r"`((?:[^`]|``)*)`")
_FUNCTION = re.compile(r"\s*(\w+)\s*\(")


def partition(
    levels: tuple[tuple[str | None, str | None], ...], types: Mapping[str, str]
) -> tuple[PartitionColumn, ...]:
    """The columns of both levels in order, each once; `types` maps columns to OpenMetadata's types."""
    found: dict[str, PartitionColumn] = {}
    for method, expression in levels:
        for name in _columns(expression or "", types) if method else ():
            kind = _interval((method or "").upper(), expression or "", types.get(name, ""))
            function = _FUNCTION.match(expression or "")
            interval = function[1].lower() if function else None
            column = PartitionColumn(column_name=name, interval_type=kind, interval=interval)
            found.setdefault(name, column)
    return tuple(found.values())


def _columns(expression: str, types: Mapping[str, str]) -> list[str]:
    """Columns named in an expression; an expression without any stands for itself."""
    names = [each.replace("``", "`") for each in _QUOTED.findall(expression)]
    bare = [each.strip() for each in expression.split(",")]
    known = [each for each in (names or bare) if each in types]
    return known or ([expression.strip()] if expression.strip() else [])


def _interval(method: str, expression: str, data_type: str) -> str:
    if method.startswith("LIST"):
        return "COLUMN-VALUE"
    if method.startswith("RANGE"):
        if data_type in TIMES:
            return "TIME-UNIT"
        if data_type in INTEGERS and _FUNCTION.match(expression) is None:
            return "INTEGER-RANGE"
    return "OTHER"
