"""What a question asks: tables, other questions, SQL. Metabase 0.57 began to write questions down anew.

Until then they have a `type`, a `query` and `native`, since then `stages`; what they ask stands at the
same keys, or at `source-card`. SQL has parameters and references of Metabase's own:
https://www.metabase.com/docs/latest/questions/native-editor/sql-parameters and
https://www.metabase.com/docs/latest/questions/native-editor/referencing-saved-questions-in-queries.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rayingest.kit.queries import STAND_IN

CARD = "card__"  # how a question is called where a table's id may stand
_OPTIONAL = re.compile(r"\[\[.*?\]\]", re.DOTALL)  # [[and created > {{since}}]]
_REFERENCE = re.compile(r"\{\{\s*#(\d+)[^}]*\}\}")  # {{#12-recent-orders}}
_ANOTHER = f"(SELECT * FROM {STAND_IN})"  # noqa: S608 - never run: it is parsed
_PARAMETER = re.compile(r"\{\{.*?\}\}", re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """Ids of tables, ids of other questions, SQL: as they stand in a question, each once."""

    tables: tuple[str, ...]
    cards: tuple[str, ...]
    sql: tuple[str, ...]


def asked(query: Any) -> Asked:
    """All that a question asks, in joins, nested questions and stages too."""
    tables, cards, texts = [], [], []
    for key, value in _walked(query):
        match key, value:
            case "source-table", int():
                tables.append(str(value))
            case "source-table", str() if value.startswith(CARD):
                cards.append(value.removeprefix(CARD))
            case "source-card", int():
                cards.append(str(value))
            case ("native", str(sql)) | ("native", {"query": str(sql)}):
                texts.append(sql)
                cards += _REFERENCE.findall(sql)
            case _:
                pass
    return Asked(_once(tables), _once(cards), _once(texts))


def as_sql(text: str) -> str:
    """SQL as any database takes it: of references and parameters only their place is left."""
    text = _REFERENCE.sub(_ANOTHER, _OPTIONAL.sub(" ", text))
    return _PARAMETER.sub("1", text)


def _walked(node: Any) -> Iterator[tuple[str, Any]]:
    inside = node.values() if isinstance(node, Mapping) else node
    if isinstance(node, Mapping):
        yield from node.items()
    elif not isinstance(node, list):
        return
    for each in inside:
        yield from _walked(each)


def _once(found: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))
