"""What a real server checks in a create request and a JSON schema cannot say."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from rayingest.testing.strict.errors import RefusedError, unknown
from rayingest.testing.strict.fqn import LONGEST_FQN, LONGEST_NAME, join, split
from rayingest.testing.strict.kinds import Kind
from rayingest.testing.strict.store import Entity, Store, column_paths
from rayingest.testing.strict.wire import Json

_SIZED = frozenset(("CHAR", "VARCHAR", "BINARY", "VARBINARY"))
_FQN_PARTS_OF_A_TABLE = 4


class Place(NamedTuple):
    """Where a row belongs: its name, its parent and the FQN these two make."""

    name: str
    fqn: str
    parent: Entity | None
    parent_field: str


def place(kind: Kind, row: Json, store: Store) -> Place:
    """Where the row belongs; refused when its name is bad or its parent unknown."""
    name = name_of(kind, row)
    if len(name) > LONGEST_NAME:
        raise RefusedError(400, f"[name size must be between 1 and {LONGEST_NAME}]")
    if "::" in name:
        raise RefusedError(400, '[name must match "^((?!::).)*$"]')
    field, parent = _parent(kind, row, store)
    try:
        fqn = _under(kind, parent.fqn if parent else "", name)
    except ValueError as error:
        raise RefusedError(400, str(error)) from error
    if len(fqn) > LONGEST_FQN:
        raise RefusedError(400, f"fullyQualifiedName is longer than {LONGEST_FQN}")
    return Place(name, fqn, parent, field)


def name_of(kind: Kind, row: Json) -> str:
    """The row's name; a query without one is named by its checksum."""
    name = row.get("name")
    if name is None and kind.entity == "query":
        return hashlib.md5(row["query"].encode(), usedforsecurity=False).hexdigest()
    if not isinstance(name, str) or not name:
        raise RefusedError(400, "[name must not be null]")
    return name


def told_fqn(kind: Kind, row: object) -> str:
    """The FQN a row claims, whether or not its parent is there; the bare name at worst."""
    if not isinstance(row, dict):
        return ""
    name = str(row.get("name", ""))
    above = next((row[field] for field in kind.parents if row.get(field)), "")
    try:
        return _under(kind, above if isinstance(above, str) else "", name)
    except ValueError:
        return name


def _under(kind: Kind, parent: str, name: str) -> str:
    return join(f"{parent}.{kind.infix}" if kind.infix else parent, name)


def _parent(kind: Kind, row: Json, store: Store) -> tuple[str, Entity | None]:
    for field, collections in kind.parents.items():
        if not (told := row.get(field)):
            continue
        if isinstance(told, dict):
            return field, store.referred(told)
        for collection in collections:
            if parent := store.find(collection, told):
                return field, parent
        raise unknown(field, told)
    if kind.parents and not kind.rooted:
        raise RefusedError(400, f"[{next(iter(kind.parents))} must not be null]")
    return "", None


def check(row: Json, kind: Kind, here: Place, store: Store) -> tuple[str, ...]:
    """Refuse a row that breaks a rule or names what is not there; answers its columns' names."""
    columns: list[Json] = row.get("columns") or []
    names = check_columns(columns, store)
    if constraints := row.get("tableConstraints"):
        _check_constraints(constraints, names, columns, here, store)
    if partition := row.get("tablePartition"):
        _check_partition(partition, names)
    _check_references(row, kind, store)
    return names


def check_columns(columns: Iterable[Json], store: Store) -> tuple[str, ...]:
    """Refuse columns that are repeated, lack a length, or wear an unknown tag."""
    names = []
    for column in columns:
        kind = column["dataType"]
        if kind in _SIZED and column.get("dataLength") is None:
            raise RefusedError(
                400,
                "For column data types char, varchar, binary, varbinary, "
                f"dataLength must not be null: {column['name']}",
            )
        if kind == "ARRAY" and not column.get("arrayDataType"):
            raise RefusedError(
                400, f"For column data type array, arrayDataType must not be null: {column['name']}"
            )
        if column.get("children"):
            check_columns(column["children"], store)
        if column.get("tags"):
            _check_tags(column["tags"], store)
        names.append(column["name"])
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise RefusedError(400, f"Column name {repeated} is repeated")
    return tuple(names)


def _check_constraints(
    constraints: list[Json],
    names: tuple[str, ...],
    columns: list[Json],
    here: Place,
    store: Store,
) -> None:
    for constraint in constraints:
        for name in constraint.get("columns") or ():
            if name not in names:
                raise RefusedError(400, f"Invalid column name found in table constraint: {name}")
        for referred in constraint.get("referredColumns") or ():
            _check_referred(referred, columns, here, store)


def _check_referred(referred: str, columns: list[Json], here: Place, store: Store) -> None:
    try:
        parts = split(referred)
    except ValueError as error:
        raise RefusedError(400, str(error)) from error
    table = ".".join(parts[:_FQN_PARTS_OF_A_TABLE])
    path = ".".join(parts[_FQN_PARTS_OF_A_TABLE:])
    if table == here.fqn:  # a table may refer to itself, also before it is there
        found = path in set(column_paths(columns))
    else:
        found = store.known("tables", table).has_column(path)
    if not found:
        raise unknown("column", referred)


def _check_partition(partition: Json, names: tuple[str, ...]) -> None:
    for column in partition.get("columns") or ():
        if column["columnName"] not in names:
            raise RefusedError(
                400, f"Invalid column name found in table partition: {column['columnName']}"
            )


def _check_references(row: Json, kind: Kind, store: Store) -> None:
    if tags := row.get("tags"):
        _check_tags(tags, store)
    for owner in row.get("owners") or ():
        store.referred(owner)
    for domain in row.get("domains") or ():
        store.known("domains", domain)
    for field, collection in kind.references.items():
        for fqn in row.get(field) or ():
            store.known(collection, fqn)
    for task in row.get("tasks") or ():
        if tags := task.get("tags"):
            _check_tags(tags, store)


def _check_tags(tags: Iterable[Json], store: Store) -> None:
    for tag in tags:
        glossary = tag.get("source") == "Glossary"
        store.known("glossaryTerms" if glossary else "tags", tag["tagFQN"])
