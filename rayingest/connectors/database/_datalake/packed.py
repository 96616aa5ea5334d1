"""The first bytes of a packed file, unpacked as far as they go."""

import bz2
import struct
import zlib

from rayingest.connectors.database._datalake.pieces import Malformed

_ZIP = struct.Struct("<4s2xHH16xHH")
_STORED, _DEFLATED = 0, 8


def unpacked(data: bytes, packing: str, most: int) -> bytes:
    """The text in the first bytes of a packed file, as far as they go, but no more than `most` of it."""
    try:
        match packing:
            case "gzip":
                return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, most)
            case "bz2":
                return bz2.BZ2Decompressor().decompress(data, most)
            case "zstd":
                return _stream(data, packing, most)
            case "zip":
                return _first(data, most)
            case _:
                return data
    except (zlib.error, OSError) as error:
        raise Malformed(f"It is not packed by {packing}: {error}") from None


def _stream(data: bytes, packing: str, most: int) -> bytes:
    """In small pieces: where the bytes end in the middle, Arrow's stream answers with an error and nothing."""
    import pyarrow as pa

    found = bytearray()
    with pa.CompressedInputStream(pa.BufferReader(data), packing) as stream:
        while len(found) < most:
            try:
                piece = stream.read(4096)
            except OSError:
                if not found:
                    raise
                break
            if not piece:
                break
            found += piece
    return bytes(found)


def _first(data: bytes, most: int) -> bytes:
    """The first file in an archive. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7."""
    if len(data) < _ZIP.size or not data.startswith(b"PK\x03\x04"):
        raise Malformed("It is no archive of files.")
    _, _, method, name, extra = _ZIP.unpack_from(data)
    inner = data[_ZIP.size + name + extra :]
    if method == _STORED:
        return inner[:most]
    if method != _DEFLATED:
        raise Malformed(f"Its archive is packed by method {method}.")
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(inner, most)
