"""What Glue says of a table, as a table of the catalogue: pure."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rayingest.connectors.database._glue import spark
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.reflected.shapes import column, shape
from rayingest.kit.sql.scrub import scrub
from rayingest.model import Column, ColumnConstraint, Owner, PartitionColumn, Table, TableType

Json = Mapping[str, Any]
VIEWS = {"VIRTUAL_VIEW", "MATERIALIZED_VIEW"}
MARKS = {"Presto View", "Presto Materialized View"}
_PRESTO = re.compile(r"/\*\s*Presto (?:Materialized )?View:\s*([A-Za-z0-9+/=\s]+?)\s*\*/")
# https://github.com/apache/iceberg, IcebergToGlueConverter: columns that were dropped stay, marked.
_CURRENT, _OPTIONAL = "iceberg.field.current", "iceberg.field.optional"


def table(raw: Json, wants: Wants, identity: str, scope: str) -> Table:
    """A table or view; nothing is looked up."""
    parameters = raw.get("Parameters") or {}
    storage = raw.get("StorageDescriptor") or {}
    kind = _kind(raw, parameters)
    partitions = raw.get("PartitionKeys") or ()
    owner = raw.get("Owner")
    return Table(
        name=raw["Name"],
        fqn=identity,
        database_schema=scope,
        description=raw.get("Description") or _comment(parameters),
        table_type=kind,
        columns=tuple(
            _columns([*spark.columns(storage.get("Columns") or (), parameters), *partitions])
        ),
        partition=tuple(
            PartitionColumn(column_name=each["Name"], interval_type="COLUMN-VALUE")
            for each in partitions
        ),
        schema_definition=_definition(raw) if raw.get("TableType") in VIEWS else None,
        location_path=storage.get("Location") or None,
        owners=(Owner(name=owner),) if owner and wants.owners else (),
    )


def _comment(parameters: Json) -> str | None:
    """What somebody wrote; Athena and Trino write one of theirs to every view."""
    said = parameters.get("comment") or None
    return None if said in MARKS else said


def _kind(raw: Json, parameters: Json) -> TableType:
    told = raw.get("TableType")
    if told == "VIRTUAL_VIEW":
        return TableType.VIEW
    if told == "MATERIALIZED_VIEW":
        return TableType.MATERIALIZED_VIEW
    if raw.get("TargetTable") or raw.get("FederatedTable"):
        return TableType.FOREIGN
    if _format(parameters) == "iceberg":
        return TableType.ICEBERG
    return TableType.EXTERNAL if told == "EXTERNAL_TABLE" else TableType.REGULAR


def _format(parameters: Json) -> str:
    """`iceberg`, `delta`, `hudi`: whoever writes such a table says so in one of these."""
    for key in ("table_type", "spark.sql.sources.provider", "classification"):
        if parameters.get(key):
            return str(parameters[key]).lower()
    return ""


def _columns(given: Sequence[Json]) -> Iterator[Column]:
    seen: set[str] = set()
    for raw in given:
        name, said = raw["Name"], raw.get("Parameters") or {}
        # What stands among the columns and the partition keys is one column.
        if name in seen or said.get(_CURRENT) == "false":
            continue
        seen.add(name)
        required = said.get(_OPTIONAL) == "false" or said.get(spark.REQUIRED) == "true"
        yield column(
            name,
            shape(raw.get("Type") or ""),
            constraint=ColumnConstraint.NOT_NULL if required else ColumnConstraint.NULL,
            ordinal_position=len(seen),
            description=raw.get("Comment") or None,
        )


def _definition(raw: Json) -> str | None:
    """The text of a view: Athena and Trino put theirs into JSON in Base64, Spark and Hive write it plainly."""
    representations = (raw.get("ViewDefinition") or {}).get("Representations") or ()
    texts = [raw.get("ViewOriginalText"), raw.get("ViewExpandedText")]
    for each in representations:
        texts += [each.get("ViewOriginalText"), each.get("ViewExpandedText")]
    for text in texts:
        if text and (found := _sql(text)):
            return scrub(found)
    return None


def _sql(text: str) -> str | None:
    """None for a marker without text, as `/* Presto View */` in ViewExpandedText is."""
    if found := _PRESTO.search(text):
        try:
            return str(json.loads(base64.b64decode(found[1]))["originalSql"])
        except (binascii.Error, ValueError, KeyError, TypeError):
            return None
    bare = text.strip()
    return None if bare.startswith("/*") and bare.endswith("*/") and "\n" not in bare else bare
