"""What SHOW CREATE TABLE says of a table: its statement, its comment, and what it is partitioned by.

Only there Trino tells it of Iceberg's tables and of most others; one statement for each table, so it is
asked for where DDL is wanted. `partitioning` and `partitioned_by` are lists of texts:
https://trino.io/docs/current/connector/iceberg.html#partitioned-tables,
https://trino.io/docs/current/connector/hive.html#table-properties
"""

import logging
import re
from collections.abc import Iterable, Mapping

from rayingest.errors import Denied, Gone
from rayingest.kit.sql.scrub import scrub
from rayingest.kit.sql.trino.errors import Said
from rayingest.kit.sql.trino.session import TrinoSession
from rayingest.kit.sql.trino.text import Key, quoted
from rayingest.model import PartitionColumn

SHOW = "show create table {table}"
UNITS = {"year", "month", "day", "hour"}
_LIST = re.compile(
    r"\bpartition(?:ing|ed_by)\s*=\s*ARRAY\s*\[((?:\s*'(?:[^']|'')*'\s*,?)*)\]", re.IGNORECASE
)
# Between the columns and WITH; in Presto it stands nowhere else.
_COMMENT = re.compile(r"^\)\s*COMMENT '((?:[^']|'')*)'", re.IGNORECASE | re.MULTILINE)
_TEXT = re.compile(r"'((?:[^']|'')*)'")
_FUNCTION = re.compile(r"(\w+)\s*\((.*)\)", re.DOTALL)
_log = logging.getLogger(__name__)


def statements(session: TrinoSession, keys: Iterable[Key]) -> Mapping[Key, str]:
    """The statements that make these tables; one that the user may not see, or a connector has no word for, has none."""
    found: dict[Key, str] = {}
    for key in keys:
        table = quoted(session.database, *key)
        try:
            ((text,),) = session.rows(SHOW.format(table=table))
        except (Denied, Said) as error:
            _log.warning("No DDL of %s: %s", table, error)
        except Gone:  # what its columns are tells of that
            continue
        else:
            found[key] = scrub(text)
    return found


def partitioned(text: str) -> tuple[PartitionColumn, ...]:
    """What a statement says of partitions, each column once."""
    given = _LIST.search(text)
    columns: dict[str, PartitionColumn] = {}
    for said in _TEXT.findall(given[1]) if given else ():
        each = _column(said.replace("''", "'"))
        columns.setdefault(each.column_name, each)
    return tuple(columns.values())


def comment(text: str) -> str | None:
    """The comment on the table."""
    found = _COMMENT.search(text)
    return found[1].replace("''", "'") or None if found else None


def by_value(name: str) -> PartitionColumn:
    """A column each of whose values is a partition."""
    return PartitionColumn(column_name=name, interval_type="COLUMN-VALUE")


def _column(text: str) -> PartitionColumn:
    """`day`, `"a b"`, `month(ordered)`, `bucket(id, 16)`, `truncate(name, 3)`."""
    function = _FUNCTION.fullmatch(text)
    if function is None:
        return by_value(_plain(text))
    name = function[1].lower()
    column = _plain(function[2].rpartition(",")[0] if "," in function[2] else function[2])
    unit = name in UNITS
    return PartitionColumn(
        column_name=column, interval_type="TIME-UNIT" if unit else "OTHER", interval=name
    )


def _plain(name: str) -> str:
    name = name.strip()
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
