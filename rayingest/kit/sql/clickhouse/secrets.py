"""Take credentials out of ClickHouse's SQL: engines and table functions take them by position.

Newer servers write [HIDDEN] for them, unless somebody switched that off; older ones write all.
"""

import re

from rayingest.kit.sql.scrub import MASK, scrub

# From which argument on a literal may be a secret, counted from 0; later ones are masked as well.
# https://clickhouse.com/docs/engines/table-engines/integrations, …/sql-reference/table-functions
_STORES = ("s3", "gcs", "oss", "cosn", "s3queue", "hudi", "paimon", "paimons3")
_LAKES = ("iceberg", "icebergs3", "deltalake", "deltalakes3", "datalakecatalog")
FROM = {
    **dict.fromkeys((*_STORES, *_LAKES), 1),
    **dict.fromkeys([f"{each}cluster" for each in (*_STORES, *_LAKES)], 2),
    **dict.fromkeys(
        (
            *("azureblobstorage", "azurequeue", "icebergazure", "deltalakeazure", "paimonazure"),
            *("azureblobstoragecluster", "icebergazurecluster", "deltalakeazurecluster"),
            *("odbc", "jdbc", "bigquery", "ytsaurus", "headers", "credentials"),
        ),
        0,
    ),
    **dict.fromkeys(("mysql", "materializedmysql", "postgresql", "materializedpostgresql"), 3),
    **dict.fromkeys(("remote", "remotesecure", "externaldistributed"), 2),
    **dict.fromkeys(("redis", "mongodb"), 2),
    "value": 0,
}
_WORD = re.compile(
    r"(?:[\w-]*[_-])?(?:passw(?:or)?d|passphrase|pwd|secret|token|api_?key|access_?key(?:_id)?"
    r"|secret_?(?:access_)?key|account_?key|private_?key|credentials?|value)",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"(?P<literal>'(?:[^'\\]|\\.|'')*')|(?P<quoted>`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<word>[\w-]+)|(?P<mark>[(),=])|--[^\n]*|/\*.*?\*/",
    re.DOTALL,
)


def without_secrets(text: str) -> str:
    """Mask passwords, keys and tokens; other text is returned as it is."""
    return scrub(_Masker().mask(text)) if "'" in text else text


class _Masker:
    """Walks through a text; knows which argument of which call it is in, and which word came last."""

    def __init__(self) -> None:
        self.calls: list[list[str | int]] = [["", 0]]
        self.word = ""

    def mask(self, text: str) -> str:
        return _TOKEN.sub(self._seen, text)

    def _seen(self, found: re.Match[str]) -> str:
        piece = found.group()
        if found["word"]:
            self.word = piece
        elif found["mark"]:
            self._mark(piece)
        elif found["literal"]:
            hide = self._hides()
            self.word = ""
            return f"'{MASK}'" if hide and len(piece) > 2 else piece
        elif found["quoted"]:
            self.word = piece[1:-1]
        return piece

    def _mark(self, mark: str) -> None:
        if mark == "(":
            self.calls.append([self.word.lower(), 0])
        elif mark == ")":
            if len(self.calls) > 1:
                self.calls.pop()
        elif mark == ",":
            self.calls[-1][1] = int(self.calls[-1][1]) + 1
        if mark != "=":
            self.word = ""

    def _hides(self) -> bool:
        name, place = self.calls[-1]
        if int(place) >= FROM.get(str(name), 1000):
            return True
        return bool(_WORD.fullmatch(self.word))
