"""What a file holds, by how its name ends."""

import re
from typing import NamedTuple

PARQUET, ORC, AVRO, ARROW, JSON, CSV, TSV = "parquet", "orc", "avro", "arrow", "json", "csv", "tsv"
UNNAMED = "unnamed"  # no ending: Hive and Glue write such parts; the first bytes tell
ENDINGS = {
    **dict.fromkeys(("parquet", "pq", "pqt", "parq"), PARQUET),
    "orc": ORC,
    "avro": AVRO,
    **dict.fromkeys(("arrow", "feather", "ipc"), ARROW),
    **dict.fromkeys(("json", "jsonl", "ndjson"), JSON),
    "csv": CSV,
    **dict.fromkeys(("tsv", "tab"), TSV),
}
PACKED = {
    **dict.fromkeys(("gz", "gzip"), "gzip"),
    **dict.fromkeys(("zst", "zstd"), "zstd"),
    "bz2": "bz2",
    "zip": "zip",
}
# Those pack their columns themselves: `part-0.parquet.snappy` and `part-0.snappy.parquet` are the same.
_WITHIN = {"snappy", "gz", "gzip", "zstd", "zst", "lz4", "brotli", "lzo", "zlib", "deflate"}
_TEXT = {JSON, CSV, TSV}
_NUMBERED = re.compile(r"c?\d+")  # `part-00000.c000` has no ending


class Kind(NamedTuple):
    """What a file holds, and what of its name stands before the ending that says so."""

    name: str
    stem: str


def kind_of(name: str) -> Kind:
    """Read a file's name; an empty kind is none of ours."""
    rest, _, last = name.rpartition(".")
    last = last.lower()
    if last in ENDINGS and rest:
        return Kind(ENDINGS[last], rest)
    stem, _, before = rest.rpartition(".")
    kind = ENDINGS.get(before.lower(), "") if stem else ""
    if kind and (last in PACKED if kind in _TEXT else last in _WITHIN):
        return Kind(kind, stem)
    return Kind(UNNAMED if not rest or _NUMBERED.fullmatch(last) else "", name)


def packing(name: str) -> str:
    """How a file of text is packed: `gzip`, `zstd`, `bz2`, `zip`, or not at all."""
    return PACKED.get(name.rpartition(".")[2].lower(), "")
