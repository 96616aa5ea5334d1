"""What a statement of a story makes: tables and views as Trino would tell of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_WITH = re.compile(r"\bwith\s*\((.*)\)\s*(?:as\b.*)?$", re.IGNORECASE | re.DOTALL)
_PARTITIONED = re.compile(r"partitioned_by\s*=\s*array\s*\[([^]]*)\]", re.IGNORECASE)


@dataclass(frozen=True)
class Field:
    """A column."""

    name: str
    type: str
    required: bool = False
    comment: str | None = None
    extra: str | None = None


@dataclass(frozen=True)
class Relation:
    """A table or view."""

    kind: str
    fields: tuple[Field, ...]
    comment: str | None = None
    text: str | None = None
    options: str = ""


def table(statement: Any, text: str) -> Relation:
    """The table that a CREATE TABLE makes."""
    from sqlglot import exp

    found = _WITH.search(text)
    keys = _PARTITIONED.search(text)
    parted = re.findall(r"'([^']*)'", keys[1]) if keys else []
    fields = []
    for each in statement.this.expressions:
        kinds = [one.args["kind"] for one in each.args.get("constraints") or ()]
        said = [one.this.this for one in kinds if isinstance(one, exp.CommentColumnConstraint)]
        required = any(isinstance(one, exp.NotNullColumnConstraint) for one in kinds)
        extra = "partition key" if each.name in parted else None
        comment = said[0] if said else None
        fields.append(Field(each.name, spelled(each.args["kind"]), required, comment, extra))
    properties = statement.args.get("properties")
    about = properties.find(exp.SchemaCommentProperty) if properties else None
    return Relation(
        "BASE TABLE",
        tuple(fields),
        about.this.this if about else None,
        options=found[1].strip() if found else "",
    )


def view(statement: Any, told: Iterable[tuple[str, str]]) -> Relation:
    """The view that a CREATE VIEW makes; DuckDB told names and types of its columns."""
    from sqlglot import exp

    properties = statement.args.get("properties")
    kept = bool(properties and properties.find(exp.MaterializedProperty))
    about = properties.find(exp.SchemaCommentProperty) if properties else None
    text = statement.expression.sql("trino", pretty=True)
    types = [(row[0], exp.DataType.build(row[1], dialect="duckdb")) for row in told]
    fields = tuple(Field(name, spelled(kind)) for name, kind in types)
    comment = about.this.this if about else None
    return Relation("MATERIALIZED VIEW" if kept else "VIEW", fields, comment, text)


def in_duckdb(statement: Any) -> str:
    """The same table for DuckDB, which knows no comments and options there."""
    from sqlglot import exp

    plain = statement.copy()
    plain.set("properties", None)
    for each in plain.find_all(exp.ColumnConstraint):
        if isinstance(each.args["kind"], exp.CommentColumnConstraint):
            each.pop()
    return str(plain.sql("duckdb"))


def spelled(kind: Any) -> str:
    """A type as the information schema spells it: small letters, and no quotes around names."""
    from sqlglot import exp

    inner = [
        f"{each.name} {spelled(each.args['kind'])}"
        if isinstance(each, exp.ColumnDef)
        else spelled(each)
        for each in kind.expressions
        if isinstance(each, exp.ColumnDef | exp.DataType)
    ]
    if inner:
        word = {"STRUCT": "row"}.get(kind.this.value, kind.this.value.lower())
        return f"{word}({', '.join(inner)})"
    text = str(kind.sql("trino")).lower().replace(", ", ",")
    return "timestamp(3)" + text[9:] if text in ("timestamp", "timestamp with time zone") else text


def created(place: tuple[str, str, str], relation: Relation) -> str:
    """As SHOW CREATE TABLE lays it out."""
    lines = [
        f"   {each.name} {each.type}{' NOT NULL' if each.required else ''}"
        + (f" COMMENT {_text(each.comment)}" if each.comment else "")
        for each in relation.fields
    ]
    made = [f"CREATE TABLE {'.'.join(place)} (\n" + ",\n".join(lines) + "\n)"]
    if relation.comment:
        made.append(f"COMMENT {_text(relation.comment)}")
    if relation.options:
        made.append(f"WITH (\n   {relation.options}\n)")
    return "\n".join(made)


def _text(said: str) -> str:
    return "'" + said.replace("'", "''") + "'"
