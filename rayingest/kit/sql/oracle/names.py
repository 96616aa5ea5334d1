"""How Oracle's names are spelled in the catalogue: as the user would type them, or as they are stored.

`preserveIdentifierCase: false`, the default, tells a name that needs no quotes in lower case, which is how
SQLAlchemy tells it, and so what is in the catalogue of those who come from OpenMetadata's own ingestion.
https://docs.sqlalchemy.org/en/20/dialects/oracle.html#identifier-casing
"""

import re
from collections.abc import Iterable, Mapping

# Oracle takes `#` without quotes, too; SQLAlchemy does not, and leaves such a name as it is stored.
_PLAIN = re.compile(r"[A-Z][A-Z0-9_$]*")
# Its list of reserved words, not Oracle's: these keep their capitals.
RESERVED = frozenset(
    re.findall(
        r"\w+",
        "ALL ALTER AND ANY AS ASC BETWEEN BY CHAR CHECK CLUSTER COMMENT COMPRESS CONNECT CREATE CURRENT "
        "DATE DECIMAL DEFAULT DELETE DESC DISTINCT DROP ELSE EXCLUSIVE EXISTS FLOAT FOR FROM GRANT GROUP "
        "HAVING IDENTIFIED IN INDEX INSERT INTEGER INTERSECT INTO IS LEVEL LIKE LOCK LONG MINUS MODE "
        "NOCOMPRESS NOT NOWAIT NULL NUMBER OF ON OPTION OR ORDER PCTFREE PRIOR PUBLIC RAW RENAME "
        "RESOURCE REVOKE SELECT SET SHARE SIZE SMALLINT START SYNONYM TABLE THEN TO TRIGGER UID UNION "
        "UNIQUE UPDATE USER VALUES VARCHAR VARCHAR2 VIEW WHERE WITH",
    )
)


def told(name: str, *, exact: bool) -> str:
    """A name as the catalogue has it; `exact` is the option preserveIdentifierCase."""
    if exact or name in RESERVED or not _PLAIN.fullmatch(name):
        return name
    return name.lower()


def columns_told(names: Iterable[str], *, exact: bool) -> Mapping[str, str]:
    """The same for all columns of one table: of two that would be spelled alike, both are exact."""
    stored = list(names)
    lower = {each for each in stored if each != each.upper()}
    spelled = {each: told(each, exact=exact) for each in stored}
    return {each: each if name in lower else name for each, name in spelled.items()}


def quoted(*names: str) -> str:
    """Names between double quotes, joined by dots; no name of Oracle's has such a quote in it."""
    return ".".join(f'"{each}"' for each in names)
