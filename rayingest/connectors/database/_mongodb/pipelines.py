"""Views: their text as one would type it, and what it reads. Pure.

https://www.mongodb.com/docs/manual/core/views/
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rayingest.connectors.database._mongodb.columns import Fields
from rayingest.core import fqn
from rayingest.kit.sql.known import Known
from rayingest.kit.sql.origins import UNREAD, Origins
from rayingest.kit.sql.scrub import MASK, scrub
from rayingest.model import Table

GET, AGGREGATE, END = "db.getCollection(", ").aggregate(", ")"
NESTED = ("$lookup", "$unionWith")


def text(options: Mapping[str, Any]) -> str:
    """The statement that mongosh would answer like the view; literals that are secrets are masked."""
    from bson import json_util  # the driver's

    pipeline = _masked(json.loads(json_util.dumps(options.get("pipeline") or [])))
    stages = json.dumps(pipeline, indent=2, ensure_ascii=False)
    return f"{GET}{json.dumps(options['viewOn'])}{AGGREGATE}{stages}{END}"


def reads(view: Table, known: Known, others: Sequence[str]) -> Origins:
    """The collections that a view reads, and the fields that its columns come from."""
    if not view.schema_definition:
        return UNREAD
    base, pipeline = _parts(view.schema_definition)
    names = dict.fromkeys([base, *_others(pipeline)])
    tables = tuple(fqn.child(view.database_schema, each) for each in names)
    return Origins(
        tuple(each for each in tables if each != view.fqn),
        _columns(view, tables[0], pipeline, known),
    )


def _parts(statement: str) -> tuple[str, list[Mapping[str, Any]]]:
    """The collection and the stages of such a text."""
    read = json.JSONDecoder().raw_decode
    base, end = read(statement, len(GET))
    pipeline, _ = read(statement, end + len(AGGREGATE))
    return base, pipeline


def _columns(
    view: Table, base: str, pipeline: Sequence[Mapping[str, Any]], known: Known
) -> tuple[tuple[str, ...], ...] | None:
    fields = Fields()
    for stage in pipeline:
        if not fields.after(stage):
            return None
    # Unlike tables of SQL, fields that differ in case alone are two: Known.column would forgive that.
    there = known.columns.get(base, ())
    return tuple(
        tuple(
            fqn.child(base, each)
            for each in fields.origins(column.name)
            if not there or each in there
        )
        for column in view.columns
    )


def _others(pipeline: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Names of collections in stages, also of pipelines within them; other databases are left out."""
    for stage in pipeline:
        for word, given in stage.items():
            if word == "$facet":
                for each in given.values():
                    yield from _others(each)
            elif word == "$unionWith" and isinstance(given, str):
                yield given
            elif word in NESTED or word == "$graphLookup":
                name = given.get("coll" if word == "$unionWith" else "from")
                if isinstance(name, str):
                    yield name
                yield from _others(given.get("pipeline") or ())


def _masked(value: Any, name: str = "") -> Any:
    """Without passwords in URLs, and without what is compared with a field of a secret's name."""
    if isinstance(value, Mapping):
        return {
            key: _masked(each, name if key.startswith("$") else key) for key, each in value.items()
        }
    if isinstance(value, list):
        return [_masked(each, name) for each in value]
    if not isinstance(value, str) or value.startswith("$"):
        return value
    return MASK if MASK in scrub(f"{name} = 'x'") else scrub(value)
