"""Columns of tables whose types Hive has no word for: Spark puts them into parameters, as JSON.

So do Delta and Hudi by way of Spark. https://github.com/apache/spark, HiveExternalCatalog.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rayingest.kit.sql.hive.fields import Field
from rayingest.kit.sql.spark import text

SCHEMA = "spark.sql.sources.schema"
PARTS, PART = f"{SCHEMA}.numParts", f"{SCHEMA}.part."
STAND_IN = ("col", "array<string>")


def columns(given: Sequence[Field], parameters: Mapping[str, str]) -> Sequence[Field]:
    """Hive's columns, or those that Spark says where Hive has a stand-in for them.

    There is none where Spark does not say any either: Delta keeps them in its log, beside the data.
    """
    if SCHEMA not in parameters and PARTS not in parameters:
        return given
    if [(each.name, each.type) for each in given] != [STAND_IN]:
        return given
    if given[0].comment:
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


def _column(field: Mapping[str, Any]) -> Field:
    metadata = field.get("metadata") or {}
    required = not field.get("nullable", True)
    return Field(field["name"], text(field["type"]), metadata.get("comment"), required=required)
