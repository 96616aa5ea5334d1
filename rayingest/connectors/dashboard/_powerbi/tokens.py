"""Words, texts and marks of Power Query's language M."""

import re
from dataclasses import dataclass

from rayingest.connectors.dashboard._powerbi.tree import NotUnderstood

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\r\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z))
    |(?P<text>"[^"]*(?:""[^"]*)*(?:"|\Z))
    |(?P<quoted>\#"[^"]*(?:""[^"]*)*(?:"|\Z))
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>\#?[^\W\d]\w*(?:\.[^\W\d]\w*)*)
    |(?P<mark>=>|<=|>=|<>|\.\.\.|\.\.|\?\?|[-+*/&=<>,(){}\[\]?@])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"#\(([^()]*)\)")
_ESCAPES = {"lf": "\n", "cr": "\r", "tab": "\t", "#": "#"}


@dataclass(frozen=True)
class Token:
    """Its `kind` is text, quoted (a name), number, name or mark."""

    kind: str
    text: str


def tokens(text: str) -> list[Token]:
    """All but spaces and comments. Raises NotUnderstood."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotUnderstood(f"{text[at]!r} has no meaning")
        at, kind = match.end(), match.lastgroup or ""
        if kind != "space":
            found.append(Token(kind, match.group()))
    return found


def plain(quoted: str) -> str:
    """What a text in quotes says."""
    inside = quoted[1:].removesuffix('"').replace('""', '"')
    return _ESCAPE.sub(lambda found: "".join(map(_escaped, found[1].split(","))), inside)


def _escaped(code: str) -> str:
    code = code.strip()
    if code in _ESCAPES:
        return _ESCAPES[code]
    number = int(code, 16) if re.fullmatch(r"[0-9a-fA-F]{4}|[0-9a-fA-F]{8}", code) else 0x110000
    return chr(number) if number < 0x110000 else "�"
