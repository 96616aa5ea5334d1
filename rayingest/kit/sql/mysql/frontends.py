"""What Doris and StarRocks have in common: front ends that speak MySQL, tables with one key each."""

from collections.abc import Mapping
from dataclasses import replace

from rayingest.core.source import Capability
from rayingest.kit.sql.mysql.facts import CAPABILITIES, LACKS
from rayingest.kit.sql.mysql.product import KEY_COLUMNS, MYSQL, PATIENCE
from rayingest.kit.sql.reflected.shapes import shape


def limits(seconds: float, *, is_mariadb: bool) -> Mapping[str, object]:
    """What bounds a statement: both count in whole seconds."""
    return {"net_write_timeout": PATIENCE, "query_timeout": max(1, int(seconds))}


# Strings are compared by their bytes; a connection's number means something on its front end alone.
FRONTENDS = replace(
    MYSQL,
    port=9030,
    limits=limits,
    exact="{}",
    pairs=False,
    routines=False,
    keys=KEY_COLUMNS,
    flagged=False,
    faults=False,
    shape=shape,
    kills=False,
)
GAPS = {
    Capability.KEYS: "a table has one key at most, which is told if it is unique; there are no others",
    Capability.PROCEDURES: "information_schema tells of no functions",
}
TOLD = CAPABILITIES - GAPS.keys()
UNTOLD = LACKS | GAPS
