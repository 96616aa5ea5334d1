"""Columns out of a schema of Avro's: pure. https://avro.apache.org/docs/1.12.0/specification/"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rayingest.kit.sql.reflected.shapes import DEEPEST, Shape, column
from rayingest.model import Column, ColumnConstraint

_PRIMITIVES = {
    "null": "NULL",
    "boolean": "BOOLEAN",
    "int": "INT",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "bytes": "BYTES",
    "string": "STRING",
}
_LOGICAL = {
    "date": "DATE",
    "uuid": "UUID",
    "duration": "INTERVAL",
    **dict.fromkeys(("time-millis", "time-micros"), "TIME"),
    **dict.fromkeys(("timestamp-millis", "timestamp-micros", "timestamp-nanos"), "TIMESTAMPZ"),
    **dict.fromkeys(
        ("local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos"), "TIMESTAMP"
    ),
}
_NAMES = {"record", "enum", "fixed", "error"}


class Way(NamedTuple):
    """How one came to a type: the namespace there, the records around it, how deep it is."""

    space: str = ""
    around: frozenset[str] = frozenset()
    depth: int = 0


TOP = Way()


class Types(NamedTuple):
    """The types that have names, to which others refer."""

    named: dict[str, Any]

    def learn(self, schema: Any, space: str) -> None:
        """Remember all named types in a schema, before they are looked up."""
        if isinstance(schema, list):
            for each in schema:
                self.learn(each, space)
        elif isinstance(schema, dict):
            if schema.get("type") in _NAMES and "name" in schema:
                space = _space(schema, space)
                self.named[_full(schema["name"], space)] = schema
            for each in schema.get("fields") or ():
                self.learn(each.get("type"), space)
            for key in ("type", "items", "values"):
                self.learn(schema.get(key), space)

    def fields(self, schema: Mapping[str, Any], way: Way) -> Iterator[Column]:
        """The columns of a record; one within itself has none, else they would not end."""
        space = _space(schema, way.space)
        name = _full(str(schema.get("name")), space)
        if name in way.around:
            return
        inner = Way(space, way.around | {name}, way.depth + 1)
        for each in schema.get("fields") or ():
            yield self.column(each["name"], each["type"], each.get("doc"), inner)

    def column(self, name: str, schema: Any, doc: str | None, way: Way) -> Column:
        """A column; a union with null may be empty."""
        kinds = (
            [each for each in schema if each != "null"] if isinstance(schema, list) else [schema]
        )
        nullable = schema == "null" or (isinstance(schema, list) and "null" in schema)
        form = self.shape(kinds[0] if len(kinds) == 1 else (kinds or "null"), way)
        constraint = ColumnConstraint.NULL if nullable else ColumnConstraint.NOT_NULL
        return column(
            name, form, constraint=constraint if way.depth < 2 else None, description=doc or None
        )

    def shape(self, schema: Any, way: Way) -> Shape:
        """What a type of Avro's says about a column."""
        if isinstance(schema, list):
            return Shape("UNION", " | ".join(self._shown(each, way) for each in schema))
        if isinstance(schema, str):
            if schema in _PRIMITIVES:
                return Shape(_PRIMITIVES[schema], schema)
            named = self.named.get(_full(schema, way.space)) or self.named.get(schema)
            return self.shape(named, way) if named else Shape("UNKNOWN", schema)
        if way.depth > DEEPEST or not isinstance(schema, dict):
            return Shape("UNKNOWN", "…")
        logical = schema.get("logicalType")
        if logical == "decimal":
            return _decimal(schema)
        return Shape(_LOGICAL[logical], logical) if logical in _LOGICAL else self._made(schema, way)

    def _made(self, schema: Mapping[str, Any], way: Way) -> Shape:
        kind, within = schema.get("type"), way._replace(depth=way.depth + 1)
        match kind:
            case "record" | "error":
                return Shape("STRUCT", _called(schema), children=tuple(self.fields(schema, way)))
            case "array":
                one = self.shape(schema.get("items"), within)
                shown = f"array<{one.display}>"
                return Shape("ARRAY", shown, element=one.data_type, children=one.children)
            case "map":
                return Shape("MAP", f"map<{self._shown(schema.get('values'), within)}>")
            case "enum":
                return Shape("ENUM", _called(schema))
            case "fixed":
                return Shape("BINARY", _called(schema), length=schema.get("size") or 1)
            case _:
                return self.shape(kind, within)

    def _shown(self, schema: Any, way: Way) -> str:
        return self.shape(schema, way._replace(depth=way.depth + 1)).display or ""


def _decimal(schema: Mapping[str, Any]) -> Shape:
    precision, scale = schema.get("precision"), schema.get("scale") or 0
    return Shape("DECIMAL", f"decimal({precision},{scale})", precision=precision, scale=scale)


def _called(schema: Mapping[str, Any]) -> str:
    return f"{schema['type']} {str(schema.get('name', '')).rpartition('.')[2]}".strip()


def _space(schema: Mapping[str, Any], outer: str) -> str:
    name = str(schema.get("name") or "")
    return name.rpartition(".")[0] if "." in name else str(schema.get("namespace") or outer)


def _full(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"
