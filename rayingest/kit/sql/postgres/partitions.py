"""What a partitioned table is partitioned by."""

from collections.abc import Sequence
from typing import Any

from rayingest.kit.sql.postgres.session import Row
from rayingest.model import PartitionColumn

# What is asked of pg_class c. An expression has number 0 in partattrs; pg_get_expr writes all
# expressions of a table into one list.
PARTITION = """pt.partstrat::text, pt.partattrs::int2[],
       pg_catalog.pg_get_expr(pt.partexprs, pt.partrelid),
       case when pt.partrelid is not null then array(
         select t.typcategory::text || t.typname::text
           from unnest(pt.partattrs::int2[]) with ordinality u(number, place)
           left join pg_catalog.pg_attribute a
                on a.attrelid = pt.partrelid and a.attnum = u.number and u.number > 0
           left join pg_catalog.pg_type t on t.oid = a.atttypid
          order by u.place) end"""
PARTITIONED = "left join pg_catalog.pg_partitioned_table pt on pt.partrelid = c.oid"
INTEGERS = {"Nint2", "Nint4", "Nint8"}


def partition(row: Sequence[Any], attributes: list[Row]) -> tuple[PartitionColumn, ...]:
    """The partition columns of one table, in order; an expression stands for itself."""
    strategy, numbers, expressions, types = row
    names = {attribute[2]: attribute[1] for attribute in attributes}
    texts = iter(split_expressions(expressions or ""))
    return tuple(
        PartitionColumn(
            column_name=names[number] if number else next(texts, expressions),
            interval_type=_interval(strategy, type_name),
        )
        for number, type_name in zip(numbers, types, strict=True)
    )


def _interval(strategy: str, type_name: str | None) -> str:
    match strategy:
        case "l":
            return "COLUMN-VALUE"
        case "r" if type_name in INTEGERS:
            return "INTEGER-RANGE"
        case "r" if type_name and type_name.startswith("D"):
            return "TIME-UNIT"
        case _:
            return "OTHER"


def split_expressions(text: str) -> list[str]:
    """Split a list of SQL expressions at its top-level commas."""
    parts, depth, quote, start = [], 0, "", 0
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    last = text[start:].strip()
    return [*parts, last] if last else parts
