"""Columns out of the first lines of a file of text: CSV by its header and values, JSON by its documents."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rayingest.connectors.database._datalake import arrow
from rayingest.connectors.database._datalake.pieces import Malformed, TooShort
from rayingest.kit.shapes import Vocabulary
from rayingest.model import Column

ROWS = 1000  # documents that are looked at
_BLANK = " \t\r\n,"
_TYPES = {
    "null": ("NULL", "null"),
    "boolean": ("BOOLEAN", "boolean"),
    "integer": ("BIGINT", "integer"),
    "number": ("DOUBLE", "number"),
    "string": ("STRING", "string"),
    "object": ("STRUCT", "object"),
    "array": ("ARRAY", "array"),
}
_WORDS = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def tell(value: Any) -> tuple[str, Mapping[str, Any] | Sequence[Any] | None]:
    """JSON's word for a value, and what is in it."""
    if isinstance(value, dict):
        return "object", value
    if isinstance(value, list):
        return "array", value
    return _WORDS[type(value)], None


def _settled(kinds: Any) -> list[str]:
    """Whole numbers are numbers where there are others."""
    found = set(kinds)
    return sorted(found - {"integer"} if "number" in found else found)


DOCUMENTS = Vocabulary(_TYPES, tell, null="null", array="array", settled=_settled, deepest=32)


def documents(text: bytes, *, whole: bool) -> Iterator[Column]:
    """Columns of documents, one a line or in an array. Raises TooShort where not even one ends in `text`."""
    found = _documents(_decoded(text), whole=whole)
    return DOCUMENTS.columns(DOCUMENTS.seen(found))


def _documents(text: str, *, whole: bool) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    decode, place = json.JSONDecoder().raw_decode, 0
    inside = text.lstrip(_BLANK).startswith("[")
    if inside:
        place = text.index("[") + 1
    while len(found) < ROWS:
        while place < len(text) and text[place] in _BLANK:
            place += 1
        if place >= len(text) or (inside and text[place] == "]"):
            break
        try:
            value, place = decode(text, place)
        except (ValueError, RecursionError):
            if found:  # cut off, or broken: those before it tell enough
                break
            raise (Malformed("It is no JSON.") if whole else TooShort()) from None
        found.append(value if isinstance(value, dict) else {"value": value})
    if not found and not whole:
        raise TooShort
    return found


def table(text: bytes, separator: str, *, whole: bool) -> Iterator[Column]:
    """Columns by the first line, and of types that suit all values of the lines after it."""
    data = _decoded(text)
    if not whole:
        cut = max(data.rfind("\n"), data.rfind("\r"))
        if cut < 0:
            raise TooShort
        data = data[: cut + 1]
    separator = separator or _separator(data)
    lines = io.StringIO(data.lstrip("\r\n"), newline="")
    try:
        names = next(csv.reader(lines, delimiter=separator), [])
    except csv.Error as error:  # a quote that does not end
        raise Malformed(f"Its first line is none of CSV: {error}") from None
    if not any(names):
        raise Malformed("It has no first line with the names of columns.")
    return arrow.columns(_values(lines.read(), separator, _unique(names)))


def _values(data: str, separator: str, names: list[str]) -> Any:
    import pyarrow as pa

    if not data.strip():
        return pa.schema([(each, pa.string()) for each in names])
    content = data.encode()
    try:
        read = _typed(content, separator, names)
    except pa.ArrowInvalid as error:
        raise Malformed(f"It is no CSV: {' '.join(str(error).split())[:200]}") from None
    # Nothing is known of a column without a value but that it is text.
    return pa.schema(
        [each.with_type(pa.string()) if pa.types.is_null(each.type) else each for each in read]
    )


def _typed(content: bytes, separator: str, names: list[str]) -> Any:
    from pyarrow import csv as reader

    return reader.read_csv(
        io.BytesIO(content),
        read_options=reader.ReadOptions(
            use_threads=False, column_names=names, block_size=len(content) + 1
        ),
        parse_options=reader.ParseOptions(
            delimiter=separator,
            newlines_in_values=True,
            invalid_row_handler=lambda row: "skip",
        ),
    ).schema


def _separator(data: str) -> str:
    """What the first line is cut by most often."""
    first = data.lstrip().partition("\n")[0]
    return max(",;\t|", key=lambda each: (first.count(each), each == ","))


def _unique(names: Sequence[str]) -> list[str]:
    """Names that come twice, or are empty, are numbered."""
    found: dict[str, None] = {}
    for place, each in enumerate(names, 1):
        name = each.strip() or f"column_{place}"
        while name in found:
            name = f"{name}_{place}"
        found[name] = None
    return [*found]


def _decoded(data: bytes) -> str:
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, "ignore")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 4:  # a letter was cut in two
            return data[: error.start].decode()
        return data.decode("latin-1")
