"""Columns of tables whose types Hive has no word for: Spark puts them into parameters, as JSON.

So do Delta and Hudi by way of Spark. https://github.com/apache/spark, HiveExternalCatalog.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rayingest.kit.sql.spark import text

Json = Mapping[str, Any]
SCHEMA = "spark.sql.sources.schema"
PARTS, PART = f"{SCHEMA}.numParts", f"{SCHEMA}.part."
STAND_IN = ("col", "array<string>", "from deserializer")
REQUIRED = "required"  # ours: Glue has no word for it


def columns(given: Sequence[Json], parameters: Mapping[str, str]) -> Sequence[Json]:
    """Glue's columns, or those that Spark says where Glue has its stand-in for them.

    There is none where Spark does not say any either: Delta keeps them in its log, beside the data.
    """
    if SCHEMA not in parameters and PARTS not in parameters:
        return given
    told = [(each["Name"], each.get("Type"), each.get("Comment")) for each in given]
    if told != [STAND_IN] and told != [(*STAND_IN[:2], None)]:
        return given
    try:
        fields = json.loads(_text(parameters))["fields"]
        return [_column(each) for each in fields]
    except (ValueError, KeyError, TypeError):
        return ()


def _text(parameters: Mapping[str, str]) -> str:
    if SCHEMA in parameters:
        return parameters[SCHEMA]
    return "".join(parameters[f"{PART}{place}"] for place in range(int(parameters[PARTS])))


def _column(field: Json) -> Json:
    comment = (field.get("metadata") or {}).get("comment")
    return {
        "Name": field["name"],
        "Type": text(field["type"]),
        "Comment": comment,
        "Parameters": {} if field.get("nullable", True) else {REQUIRED: "true"},
    }
