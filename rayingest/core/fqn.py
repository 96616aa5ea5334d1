"""Fully qualified names by OpenMetadata's rules, and names that its API would refuse."""

import re

RESERVED = {
    "::": "__reserved__colon__",
    ">": "__reserved__arrow__",
    '"': "__reserved__quote__",
    "\n": "__reserved__newline__",
    "\r": "__reserved__carriage_return__",
    "\t": "__reserved__tab__",
}
_UNSAFE = re.compile(r'::|[>"\n\r\t]')
_ENCODED = {code: raw for raw, code in RESERVED.items()}
_RESERVED_WORD = re.compile("|".join(_ENCODED))


def is_plain(text: str) -> bool:
    """Whether a name (or many, joined by NUL) needs no encoding."""
    return _UNSAFE.search(text) is None


def encode(name: str) -> str:
    """Spell a name so that OpenMetadata accepts it; an empty name becomes a space."""
    if not name:
        return " "
    return _UNSAFE.sub(lambda found: RESERVED[found.group()], name)


def decode(name: str) -> str:
    """Undo `encode`."""
    return _RESERVED_WORD.sub(lambda found: _ENCODED[found.group()], name)


def quote(part: str) -> str:
    """Wrap an encoded part that holds a dot."""
    return f'"{part}"' if "." in part else part


def join(*parts: str) -> str:
    """Build an FQN from raw names: encode and quote each part."""
    return ".".join(quote(encode(part)) for part in parts)


def child(parent: str, *names: str) -> str:
    """Append raw names to an FQN."""
    return ".".join([parent, *(quote(encode(name)) for name in names)])


def split(fqn: str) -> list[str]:
    """Parts of an FQN, unquoted and decoded. Raises ValueError for an unbalanced quote."""
    parts, rest = [], fqn
    while rest:
        if rest.startswith('"'):
            part, closing, rest = rest[1:].partition('"')
            if not closing or (rest and not rest.startswith(".")):
                raise ValueError(f"not a fully qualified name: {fqn!r}")
            rest = rest[1:]
        else:
            part, _, rest = rest.partition(".")
        parts.append(decode(part))
    return parts
