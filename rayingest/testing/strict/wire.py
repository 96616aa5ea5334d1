"""Read and write JSON; a row of an array keeps the bytes it arrived with."""

import json
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


def _split_slowly(body: bytes) -> list[bytes]:
    if not isinstance(json.loads(body), list):
        raise ValueError("a JSON array is expected")  # noqa: TRY004  # as msgspec does
    text, rows = body.decode().strip(), []
    read, end, at = json.JSONDecoder().raw_decode, len(text) - 1, _skip(text, 1)
    while at < end:
        start = at
        _, at = read(text, start)
        rows.append(text[start:at].encode())
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at] == "," else at
    return rows


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def _encode_slowly(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


decode: Callable[[bytes], Any] = json.loads
encode: Callable[[Any], bytes] = _encode_slowly
split: Callable[[bytes], list[bytes]] = _split_slowly

try:
    import msgspec
except ImportError:  # slower without, and just as right
    pass
else:
    decode, encode = msgspec.json.decode, msgspec.json.encode
    _rows = msgspec.json.Decoder(list[msgspec.Raw])

    def _split(body: bytes) -> list[bytes]:
        return [bytes(row) for row in _rows.decode(body)]

    split = _split
