"""A collection or a view as a table: what it declares, what its documents have, its keys. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from rayingest.connectors.database._mongodb.pipelines import text
from rayingest.connectors.database._mongodb.validators import Declared, declared, joined
from rayingest.connectors.database._mongodb.values import DOCUMENTS
from rayingest.kit.shapes import Shape
from rayingest.kit.sql.keys import NO_KEYS, Keys
from rayingest.model import Column, Table, TableType

ID = "_id"
Document = Mapping[str, Any]


def is_view(listed: Document) -> bool:
    """Whether what listCollections tells of is a view."""
    return bool(listed.get("type") == "view")


def is_series(listed: Document) -> bool:
    """Whether it is a time series, which has no index that is unique, not even that of `_id`."""
    return "timeseries" in listed.get("options", {})


def table(
    listed: Document,
    indexes: Iterable[Document],
    documents: Sequence[Document],
    identity: str,
    scope: str,
) -> Table:
    """What listCollections and listIndexes tell of a collection, with a sample of its documents."""
    options = listed.get("options") or {}
    seen, view = DOCUMENTS.seen(documents), is_view(listed)
    told = Declared() if view else declared(options)
    whole = joined(told.shape, seen)
    keyed = not view and not is_series(listed)
    if keyed:
        whole = _with_id(whole)
    keys = Keys.of([ID], list(_unique(indexes, whole))) if keyed else NO_KEYS
    return Table(
        name=listed["name"],
        fqn=identity,
        database_schema=scope,
        table_type=TableType.VIEW if view else TableType.REGULAR,
        description=told.shape.description,
        columns=tuple(_columns(whole, keys, _always(told.required, documents))),
        constraints=keys.of_table,
        schema_definition=text(options) if view else None,
    )


def _columns(shape: Shape, keys: Keys, required: set[str]) -> Iterator[Column]:
    for place, (name, each) in enumerate(shape.fields.items(), 1):
        constraint = keys.constraint(name, required=name in required)
        yield replace(DOCUMENTS.column(name, each, constraint=constraint), ordinal_position=place)


def _with_id(shape: Shape) -> Shape:
    """Every document has an `_id`, also those of a collection that is empty."""
    own = shape.fields.get(ID) or Shape({"unknown"})
    others = {name: each for name, each in shape.fields.items() if name != ID}
    return Shape(shape.kinds, {ID: own, **others})


def _always(required: Iterable[str], documents: Sequence[Document]) -> set[str]:
    """Required fields, but for those that older documents lack: nobody validated these."""
    return {name for name in required if all(each.get(name) is not None for each in documents)}


def _unique(indexes: Iterable[Document], shape: Shape) -> Iterator[list[str]]:
    """Keys that no two documents share; fields within fields are no columns, and are left out."""
    for each in indexes:
        names = list(each.get("key") or ())
        whole = each.get("unique") and "partialFilterExpression" not in each
        if whole and names != [ID] and all(name in shape.fields for name in names):
            yield names
