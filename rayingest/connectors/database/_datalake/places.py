"""Which table a file belongs to, by its key alone: pure.

What stands between the slashes decides, and no neighbour does: so a table keeps its name when others come
and go. docs/decisions/0006-tables-of-a-data-lake.md tells why, with examples.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from rayingest.connectors.database._datalake.kinds import UNNAMED, kind_of

# Numbers, UUIDs and hashes, and what joins them, count files; they name nothing. A digit or two that
# end a word belong to it (`q3`, `table1`), unless it is a word of those who write in parts.
_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_TRINO = r"\d{8}_\d{6}_\d{5}_[0-9a-z]{5}(?![0-9a-z])"  # a query of Trino's or Athena's
_HASH = r"(?<![0-9a-zA-Z])(?=[a-f]*\d)[0-9a-f]{8,}(?![0-9a-zA-Z])"
_STAMP = r"\d{8}[tT]\d{6}[zZ]?"
_ENDS = "|".join(
    rf"(?<={each})" for each in ("part", "data", "file", "chunk", "shard", "[-._][crmsf]")
)
_NUMBER = rf"(?:(?<![A-Za-z\d])|{_ENDS})\d+|\d{{4,}}"
_ONE = f"(?:{_TRINO}|{_UUID}|{_HASH}|{_STAMP}|{_NUMBER})"
_COUNT = re.compile(rf"{_ONE}(?:[-_.:+ ]*{_ONE})*")
_NUMBERED = re.compile(r"\d[\d\-_.:T]*Z?")
_PARTITION = re.compile(r"([^=]+)=(.*)", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]+")
# How those who write in parts call them: Spark, Hive, Flink, Dask, DuckDB, Glue, Snowflake, Redshift, …
_WRITERS = frozenset(
    re.findall(
        r"\w+",
        "part parts data file chunk shard block run r m c s f snappy gz gzip zstd zst lz4 lzo brotli bz2 "
        "deflate zlib uncompressed none manifest output compacted",
    )
)
ANY = "*"


class Place(NamedTuple):
    """Where a key belongs.

    `table` is the name of the table if it has several files, or if its files are `parts`: those are
    named by who wrote them. A file that is no part and has no sibling is a table of its own, called by
    its key. `root` is the folder that all files of the table are below.
    """

    table: str
    kind: str
    root: str
    parts: bool
    partitions: tuple[tuple[str, str], ...] = ()


def hidden(component: str) -> bool:
    """Whether a folder or file is nobody's data: `_SUCCESS`, `_temporary`, `.part-0.crc`; not `_day=1`."""
    return component.startswith(".") or (component.startswith("_") and "=" not in component)


def place(key: str) -> Place | None:
    """Where a key belongs; None for what is no file of data."""
    *folders, name = key.split("/")
    if not name or any(map(hidden, (*folders, name))):
        return None
    kind, stem = kind_of(name)
    shape, parts = masked(stem)
    if not kind or (kind == UNNAMED and not parts):
        return None
    return _placed(folders, shape + name[len(stem) :], kind, parts=parts)


def masked(stem: str) -> tuple[str, bool]:
    """A name with `*` for what counts, and whether nothing else tells it from other parts."""
    shape = _COUNT.sub(ANY, stem)
    words = {each.lower() for each in _WORD.findall(shape)}
    return shape, ANY in shape and words <= _WRITERS


def partition(component: str) -> tuple[str, str] | None:
    """Column and value of a folder called `column=value`, as Hive and those after it do."""
    found = _PARTITION.fullmatch(component)
    return (found[1], found[2]) if found else None


def dataset(key: str) -> str | None:
    """All keys below the first `column=value` begin like this: `orders/day=`. None if there is none."""
    *folders, _ = key.split("/")
    for depth, each in enumerate(folders):
        if found := partition(each):
            return "/".join([*folders[:depth], f"{found[0]}="])
    return None


def _placed(folders: Sequence[str], name: str, kind: str, *, parts: bool) -> Place:
    found = [each for each in map(partition, folders) if each]
    first = next((at for at, each in enumerate(folders) if _folds(each)), len(folders))
    inner = [_shape(each) for each in folders[first:]]
    while inner and ANY in inner[-1] and (parts or found):
        inner.pop()
    # Readers of Hive's layout take all files of a partition, whatever they are called.
    rest = [*_merged(inner)] if parts or found else [*_merged(inner), name]
    table = "/".join([*folders[:first], *rest]) or _nameless(folders, name)
    return Place(table, kind, "/".join(folders[:first]), parts or bool(found), tuple(found))


def _folds(folder: str) -> bool:
    return bool(partition(folder) or _NUMBERED.fullmatch(folder))


def _shape(folder: str) -> str:
    if found := partition(folder):
        return f"{found[0]}={ANY}"
    return ANY if _NUMBERED.fullmatch(folder) else folder


def _merged(shapes: Sequence[str]) -> list[str]:
    """`2024/01/15` is one `*`."""
    return [each for at, each in enumerate(shapes) if each != ANY or shapes[at - 1 : at] != [ANY]]


def _nameless(folders: Sequence[str], name: str) -> str:
    """What lies right in the bucket has no folder to be called by."""
    return _shape(folders[0]) if any(folders) else "/".join([*folders, name])
