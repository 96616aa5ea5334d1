"""ClickHouse's spelling: values and names go into statements through here alone.

Placeholders (`param_…`) exist in newer servers only, so values are quoted:
https://clickhouse.com/docs/sql-reference/syntax#string
"""

from collections.abc import Iterable, Iterator

# A backslash escapes in every kind of quotes; a NUL would end the statement for some versions.
_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\0": "\\0"})
_IN_NAMES = str.maketrans({"\\": "\\\\", "`": "\\`", "\0": "\\0"})
LONGEST = 100_000  # characters; the server's max_query_size is 256 KiB unless somebody lowered it
PAIRS = "{0} in ({2}) and ({0}, {1}) in ({3})"
Key = tuple[str, str]  # schema, name


def literal(text: str) -> str:
    """A string literal that means just this text."""
    return f"'{text.translate(_ESCAPES)}'"


def listed(texts: Iterable[str]) -> str:
    """String literals with commas between them, for `in (…)`."""
    return ", ".join(map(literal, texts))


def quoted(*names: str) -> str:
    """Names between backticks, joined by dots."""
    return ".".join(f"`{each.translate(_IN_NAMES)}`" for each in names)


def among(schema: str, name: str, keys: Iterable[Key]) -> Iterator[str]:
    """Conditions that columns `schema` and `name` are one of the keys, none of them too long.

    Schemas come first: the server looks into those alone, and knows how to use no pair for that.
    """
    for part in _parts(keys):
        schemas = listed(dict.fromkeys(each for each, _ in part))
        pairs = ", ".join(f"({literal(place)}, {literal(each)})" for place, each in part)
        yield PAIRS.format(schema, name, schemas, pairs)


def _parts(keys: Iterable[Key]) -> Iterator[list[Key]]:
    part: list[Key] = []
    length = 0
    for key in keys:
        # Twice a schema, and escapes: four bytes in UTF-8, or two characters.
        size = sum(len(literal(each).encode()) for each in (key[0], *key)) + 8
        if part and length + size > LONGEST:
            yield part
            part, length = [], 0
        part.append(key)
        length += size
    if part:
        yield part
