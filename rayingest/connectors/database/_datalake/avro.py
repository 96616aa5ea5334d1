"""Columns out of the header of an Avro file, which is all that is read of it.

https://avro.apache.org/docs/1.12.0/specification/#object-container-files
"""

import json
from typing import NamedTuple

from rayingest.connectors.database._datalake.avro_types import TOP, Types
from rayingest.connectors.database._datalake.pieces import Malformed, TooShort
from rayingest.model import Column

MAGIC = b"Obj\x01"


class Record(NamedTuple):
    """What the schema says of the records."""

    comment: str | None
    columns: tuple[Column, ...]


def record(head: bytes) -> Record:
    """Read the header. Raises TooShort if it goes on behind `head`, Malformed if it is none."""
    if not head.startswith(MAGIC):
        raise Malformed("It does not begin as an Avro file does.")
    raw = _header(head).get("avro.schema")
    try:
        schema = json.loads(raw or "")
    except ValueError:
        raise Malformed("Its header has no schema.") from None
    types = Types({})
    types.learn(schema, "")
    if not isinstance(schema, dict) or schema.get("type") != "record":
        return Record(None, (types.column("value", schema, None, TOP),))
    return Record(schema.get("doc") or None, tuple(types.fields(schema, TOP)))


def _header(head: bytes) -> dict[str, str]:
    """The file's metadata: blocks of pairs, of which the last is empty."""
    found: dict[str, str] = {}
    place = len(MAGIC)
    while True:
        count, place = _long(head, place)
        if count == 0:
            return found
        if count < 0:  # the block's size follows, for those who pass over it
            count, (_, place) = -count, _long(head, place)
        for _ in range(count):
            key, place = _bytes(head, place)
            value, place = _bytes(head, place)
            found[key.decode("utf-8", "replace")] = value.decode("utf-8", "replace")


def _bytes(head: bytes, place: int) -> tuple[bytes, int]:
    length, place = _long(head, place)
    if length < 0:
        raise Malformed("Its header is damaged.")
    if place + length > len(head):
        raise TooShort
    return head[place : place + length], place + length


def _long(head: bytes, place: int) -> tuple[int, int]:
    """A number in zigzag and groups of seven bits."""
    value = shift = 0
    while True:
        if place >= len(head):
            raise TooShort
        byte = head[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), place
        if shift > 63:
            raise Malformed("Its header is damaged.")
