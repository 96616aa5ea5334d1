"""Which reader suits a file, and how much of it is read: a footer, a header, or the first lines."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from rayingest.connectors.database._datalake import arrow, avro, text
from rayingest.connectors.database._datalake.kinds import (
    ARROW,
    AVRO,
    CSV,
    JSON,
    ORC,
    PARQUET,
    TSV,
    UNNAMED,
    kind_of,
    packing,
)
from rayingest.connectors.database._datalake.packed import unpacked
from rayingest.connectors.database._datalake.pieces import HEADS, Malformed, Pieces, TooShort
from rayingest.model import Column

MAGIC = {b"PAR1": PARQUET, b"ORC": ORC, avro.MAGIC: AVRO, b"ARROW1": ARROW}
PACKINGS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"PK\x03\x04": "zip"}


class Schema(NamedTuple):
    """What a file tells of its table."""

    columns: tuple[Column, ...]
    comment: str | None = None


def schema(name: str, pieces: Pieces) -> Schema:
    """Read what a file says of its columns. Raises Malformed."""
    kind, packed = kind_of(name).name, packing(name)
    if kind == UNNAMED:
        kind, packed = _guessed(pieces.head(HEADS[0]))
    if kind == AVRO:
        found = _grown(pieces, "", lambda data, whole: avro.record(data))
        return Schema(found.columns, found.comment)
    if kind in _FOOTERS:
        return Schema(tuple(arrow.columns(_footer(kind, pieces))))
    return Schema(tuple(_grown(pieces, packed, _TEXTS[kind])))


def _guessed(head: bytes) -> tuple[str, str]:
    """What a file without an ending holds: its first bytes tell, or that it is text."""
    for magic, kind in MAGIC.items():
        if head.startswith(magic):
            return kind, ""
    packed = next((each for magic, each in PACKINGS.items() if head.startswith(magic)), "")
    first = unpacked(head, packed, 1024).lstrip()
    if first[:1] in (b"{", b"["):
        return JSON, packed
    if b"\0" in first or b"\x01" in first or not first:
        raise Malformed("Neither its name nor its first bytes tell what it holds.")
    return CSV, packed


def _grown(pieces: Pieces, packed: str, reader: Callable[[bytes, bool], Any]) -> Any:
    """What a reader makes of the first bytes; of more, if they were too few."""
    for length in HEADS:
        head = pieces.head(length)
        told = unpacked(head, packed, length)
        whole = len(head) == pieces.size and (not packed or len(told) < length)
        try:
            return reader(told, whole)
        except TooShort:
            if len(head) == pieces.size and whole:
                raise Malformed("It ends before its first record does.") from None
    raise Malformed(f"Its first record does not end within {HEADS[-1] >> 20} MB.")


def _footer(kind: str, pieces: Pieces) -> Any:
    import pyarrow as pa

    try:
        return _FOOTERS[kind](pieces.file())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        said = " ".join(str(error).split())[:200]
        raise Malformed(f"It is no {kind} file: {said}") from None


def _parquet(file: Any) -> Any:
    from pyarrow import parquet

    return parquet.read_schema(file)


def _orc(file: Any) -> Any:
    from pyarrow import orc

    return orc.ORCFile(file).schema


def _arrow(file: Any) -> Any:
    import pyarrow as pa

    return pa.ipc.open_file(file).schema


def _json(data: bytes, whole: bool) -> Iterator[Column]:
    return text.documents(data, whole=whole)


def _csv(data: bytes, whole: bool) -> Iterable[Column]:
    return text.table(data, "", whole=whole)


def _tsv(data: bytes, whole: bool) -> Iterable[Column]:
    return text.table(data, "\t", whole=whole)


_FOOTERS = {PARQUET: _parquet, ORC: _orc, ARROW: _arrow}
_TEXTS: dict[str, Callable[[bytes, bool], Any]] = {JSON: _json, CSV: _csv, TSV: _tsv}
