"""A Hive table as the catalogue wants it: pure, the same for all who tell of one."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence

from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.hive import spark
from rayingest.kit.sql.hive.fields import Description, Field
from rayingest.kit.sql.keys import Keys
from rayingest.kit.sql.reflected.shapes import column, shape
from rayingest.kit.sql.scrub import scrub
from rayingest.model import Column, PartitionColumn, Table, TableConstraint, TableType

VIEW, MATERIALIZED = "VIRTUAL_VIEW", "MATERIALIZED_VIEW"
# Hive's words, and Spark's.
TYPES = {
    VIEW: TableType.VIEW,
    "VIEW": TableType.VIEW,
    MATERIALIZED: TableType.MATERIALIZED_VIEW,
    "EXTERNAL_TABLE": TableType.EXTERNAL,
    "EXTERNAL": TableType.EXTERNAL,
}
VIEWS = {TableType.VIEW, TableType.MATERIALIZED_VIEW}
MARKS = {"Presto View", "Presto Materialized View"}
_PRESTO = re.compile(r"/\*\s*Presto (?:Materialized )?View:\s*([A-Za-z0-9+/=\s]+?)\s*\*/")


def table(
    told: Description, wants: Wants, identity: str, scope: str, ddl: str | None = None
) -> Table:
    """A table or view; nothing is looked up. `ddl` is told of what has no text of its own."""
    kind = table_type(told)
    keys = Keys.of(told.primary, told.unique, told.foreign)
    fields = [*spark.columns(told.columns, told.parameters), *told.partitions]
    view = TYPES.get(told.kind) in VIEWS
    return Table(
        name=told.name,
        fqn=identity,
        database_schema=scope,
        description=told.comment or _comment(told.parameters),
        table_type=kind,
        columns=tuple(_columns(fields, keys, set(told.required))),
        constraints=(*keys.of_table, *_layout(told)),
        partition=tuple(
            PartitionColumn(column_name=each.name, interval_type="COLUMN-VALUE")
            for each in told.partitions
        ),
        schema_definition=_definition(told.texts if view else (), ddl),
        location_path=told.location or None,
        owners=wants.owned(told.owner),
    )


def table_type(told: Description) -> TableType:
    """What the catalogue calls it."""
    kind = TYPES.get(told.kind, TableType.REGULAR)
    if kind in VIEWS:
        return kind
    if told.elsewhere:
        return TableType.FOREIGN
    return TableType.ICEBERG if _format(told.parameters) == "iceberg" else kind


def _comment(parameters: Mapping[str, str]) -> str | None:
    """What somebody wrote; Athena and Trino write one of theirs to every view."""
    said = parameters.get("comment") or None
    return None if said in MARKS else said


def _format(parameters: Mapping[str, str]) -> str:
    """`iceberg`, `delta`, `hudi`: whoever writes such a table says so in one of these."""
    for key in ("table_type", "spark.sql.sources.provider", "classification"):
        if parameters.get(key):
            return str(parameters[key]).lower()
    return ""


def _columns(fields: Sequence[Field], keys: Keys, required: set[str]) -> Iterator[Column]:
    seen: set[str] = set()
    for each in fields:
        if each.name in seen:  # what stands among the columns and the partition keys is one column
            continue
        seen.add(each.name)
        yield column(
            each.name,
            shape(each.type),
            constraint=keys.constraint(each.name, required=each.required or each.name in required),
            ordinal_position=len(seen),
            description=each.comment or None,
        )


def _layout(told: Description) -> Iterator[TableConstraint]:
    """By which columns rows are put into buckets, and sorted in them."""
    for kind, names in (("DIST_KEY", told.buckets), ("SORT_KEY", told.sorted_by)):
        if names:
            yield TableConstraint(constraint_type=kind, columns=tuple(names))


def _definition(texts: Sequence[str | None], ddl: str | None) -> str | None:
    """The text of a view: Athena and Trino put theirs into JSON in Base64, Spark and Hive write it plainly."""
    for text in texts:
        if text and (found := _sql(text)):
            return scrub(found)
    return scrub(ddl) if ddl else None


def _sql(text: str) -> str | None:
    """None for a marker without text, as `/* Presto View */` in ViewExpandedText is."""
    if found := _PRESTO.search(text):
        try:
            return str(json.loads(base64.b64decode(found[1]))["originalSql"])
        except (binascii.Error, ValueError, KeyError, TypeError):
            return None
    bare = text.strip()
    return None if bare.startswith("/*") and bare.endswith("*/") and "\n" not in bare else bare
