"""What SHOW CREATE TABLE says, without what changes whenever somebody writes into the table."""

import re
from collections.abc import Iterable

# Statistics that Hive keeps among the properties of a table.
CHANGING = (
    *("transient_lastDdlTime", "numFiles", "numRows", "rawDataSize", "totalSize", "numPartitions"),
    *("numFilesErasureCoded", "COLUMN_STATS_ACCURATE", "last_modified_by", "last_modified_time"),
    r"STATS_GENERATED\w*",
    *("impala.lastComputeStatsTime", r"impala.events.\w+", r"spark.sql.statistics\.[\w.]+"),
)
_LITERAL = r"'(?:[^'\\]|\\.|'')*'"
_PROPERTIES = re.compile(
    rf"\s*TBLPROPERTIES\s*\(\s*((?:{_LITERAL}\s*=\s*{_LITERAL}\s*,?\s*)+)\)", re.IGNORECASE
)
_PROPERTY = re.compile(rf"({_LITERAL})\s*=\s*({_LITERAL})")
_CHANGING = re.compile(rf"'(?:{'|'.join(CHANGING)})'")


def statement(lines: Iterable[str]) -> str:
    """One statement, of rows or of one text."""
    return _PROPERTIES.sub(_kept, "\n".join(lines)).strip()


def _kept(found: re.Match[str]) -> str:
    kept = [
        f"{key}={value}"
        for key, value in _PROPERTY.findall(found[1])
        if not _CHANGING.fullmatch(key)
    ]
    listed = ",\n  ".join(kept)
    return f"\nTBLPROPERTIES (\n  {listed})" if kept else ""
