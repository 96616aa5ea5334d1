"""PostgreSQL's types in OpenMetadata's words; each distinct type is looked up and mapped once."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from rayingest.model import Column, ColumnConstraint

if TYPE_CHECKING:
    from rayingest.kit.sql.postgres.session import PgSession

Key = int  # type oid << 32 | type modifier, as `key` makes it

NAMES = {
    "bool": "BOOLEAN",
    "int2": "SMALLINT",
    "int4": "INT",
    "int8": "BIGINT",
    "oid": "BIGINT",
    "xid": "BIGINT",
    "xid8": "BIGINT",
    "cid": "BIGINT",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "numeric": "NUMERIC",
    "money": "MONEY",
    "text": "TEXT",
    "citext": "TEXT",
    "varchar": "VARCHAR",
    "name": "VARCHAR",
    "bpchar": "CHAR",
    "char": "CHAR",
    "bytea": "BYTEA",
    "bit": "BIT",
    "varbit": "BIT",
    "uuid": "UUID",
    "json": "JSON",
    "jsonb": "JSON",
    "jsonpath": "STRING",
    "xml": "XML",
    "date": "DATE",
    "time": "TIME",
    "timetz": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPZ",
    "interval": "INTERVAL",
    "inet": "INET",
    "cidr": "CIDR",
    "macaddr": "MACADDR",
    "macaddr8": "MACADDR",
    "point": "POINT",
    "polygon": "POLYGON",
    "line": "GEOMETRY",
    "lseg": "GEOMETRY",
    "box": "GEOMETRY",
    "path": "GEOMETRY",
    "circle": "GEOMETRY",
    "geometry": "GEOMETRY",
    "geography": "GEOGRAPHY",
    "raster": "SPATIAL",
    "tsvector": "TSVECTOR",
    "tsquery": "TSQUERY",
    "pg_lsn": "PG_LSN",
    "pg_snapshot": "PG_SNAPSHOT",
    "txid_snapshot": "TXID_SNAPSHOT",
    "tid": "ROWID",
    "record": "RECORD",
    "refcursor": "STRING",
    "aclitem": "STRING",
    "hstore": "MAP",
    "ltree": "STRING",
    "hll": "HLL",
    "roaringbitmap": "BITMAP",
    "vector": "ARRAY",
    "halfvec": "ARRAY",
}
ELEMENTS = {"vector": "FLOAT", "halfvec": "FLOAT"}
NAME_LENGTH = 63
DEEPEST = 5


class Shape(NamedTuple):
    """What a column's type says about the column."""

    data_type: str
    display: str
    element: str | None = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    children: tuple[Column, ...] = ()


class Raw(NamedTuple):
    """One type as the catalogue has it."""

    oid: int
    modifier: int
    display: str
    name: str
    kind: str
    category: str
    element: int
    base: int
    base_modifier: int
    relation: int
    range_category: str | None


class Member(NamedTuple):
    """One attribute of a composite type."""

    relation: int
    name: str
    oid: int
    modifier: int
    required: bool
    comment: str | None


# Elements of arrays and bases of domains come along, so that one round trip is mostly enough.
# "offset 0" keeps the server to the index: every table has two rows in pg_type, and it would read
# them all, three times.
TYPES = """
with recursive w(oid, modifier) as (
  select u.oid, u.modifier from unnest(%s::oid[], %s::int4[]) as u(oid, modifier)
  union
  select case when t.typtype = 'd' then t.typbasetype else t.typelem end,
         case when t.typtype = 'd' then t.typtypmod else w.modifier end
    from w cross join lateral (
      select * from pg_catalog.pg_type t where t.oid = w.oid offset 0) t
   where t.typtype = 'd' or (t.typcategory = 'A' and t.typelem <> 0)
)
select w.oid::int8, w.modifier, pg_catalog.format_type(w.oid, w.modifier), t.typname,
       t.typtype::text, t.typcategory::text, t.typelem::int8, t.typbasetype::int8, t.typtypmod,
       t.typrelid::int8,
       (select s.typcategory::text from pg_catalog.pg_range r
          join pg_catalog.pg_type s on s.oid = r.rngsubtype where r.rngtypid = t.oid)
  from w
  cross join lateral (select * from pg_catalog.pg_type t where t.oid = w.oid offset 0) t
"""
MEMBERS = """
select a.attrelid::int8, a.attname, a.atttypid::int8, a.atttypmod, a.attnotnull, d.description
  from pg_catalog.pg_attribute a
  left join pg_catalog.pg_description d on d.classoid = 1259 and d.objoid = a.attrelid
       and d.objsubid = a.attnum
 where a.attrelid = any(%s::oid[]) and a.attnum > 0 and not a.attisdropped
 order by a.attrelid, a.attnum
"""


def key(oid: int, modifier: int) -> Key:
    """A type and its modifier in one number; the modifier may be -1."""
    return oid << 32 | (modifier & 0xFFFFFFFF)


def _apart(packed: Key) -> tuple[int, int]:
    modifier = packed & 0xFFFFFFFF
    return packed >> 32, modifier - (1 << 32) if modifier >> 31 else modifier


def learn(session: "PgSession", keys: Iterable[Key]) -> None:
    """Fill `session.shapes` for types not seen before, and for the types that they are made of."""
    raws: dict[Key, Raw] = {}
    members: dict[int, list[Member]] = {}
    wanted = {each for each in keys if each not in session.shapes}
    asked: set[Key] = set()
    while wanted - asked:
        fresh = sorted(wanted - asked)
        asked |= wanted
        oids, modifiers = zip(*map(_apart, fresh), strict=True)
        found = [Raw(*row) for row in session.rows(TYPES, [list(oids), list(modifiers)])]
        raws |= {key(raw.oid, raw.modifier): raw for raw in found}
        asked |= raws.keys()
        composite = {raw.relation for raw in found if raw.kind == "c"} - members.keys()
        if composite:
            for member in (Member(*row) for row in session.rows(MEMBERS, [sorted(composite)])):
                members.setdefault(member.relation, []).append(member)
        wanted |= {part for raw in found for part in _parts(raw, members)}
    session.shapes |= {each: _shape(each, raws, members) for each in asked}


def _parts(raw: Raw, members: dict[int, list[Member]]) -> list[Key]:
    if raw.kind == "d":
        return [key(raw.base, raw.base_modifier)]
    if raw.kind == "c":
        return [key(each.oid, each.modifier) for each in members.get(raw.relation, [])]
    return [key(raw.element, raw.modifier)] if _is_array(raw) else []


def _is_array(raw: Raw) -> bool:
    return raw.category == "A" and raw.element != 0


def _shape(
    packed: Key, raws: dict[Key, Raw], members: dict[int, list[Member]], depth: int = 0
) -> Shape:
    raw = raws.get(packed)
    if raw is None:  # dropped since the column was read
        return Shape("UNKNOWN", "unknown")
    if raw.kind == "d":
        base = _shape(key(raw.base, raw.base_modifier), raws, members, depth)
        return base._replace(display=raw.display)
    if raw.kind == "c":
        parts = members.get(raw.relation, []) if depth < DEEPEST else []
        children = [_child(each, raws, members, depth) for each in parts]
        return Shape("STRUCT", raw.display, children=tuple(children))
    if _is_array(raw):
        element = _shape(key(raw.element, raw.modifier), raws, members, depth)
        return Shape("ARRAY", raw.display, element=element.data_type, children=element.children)
    return _scalar(raw)


def _child(
    member: Member, raws: dict[Key, Raw], members: dict[int, list[Member]], depth: int
) -> Column:
    shape = _shape(key(member.oid, member.modifier), raws, members, depth + 1)
    return Column(
        name=member.name,
        data_type=shape.data_type,
        data_type_display=shape.display,
        array_data_type=shape.element,
        data_length=shape.length,
        precision=shape.precision,
        scale=shape.scale,
        constraint=ColumnConstraint.NOT_NULL if member.required else ColumnConstraint.NULL,
        description=member.comment,
        children=shape.children,
    )


def _scalar(raw: Raw) -> Shape:  # noqa: PLR0911 - a table of cases
    modifier, name = raw.modifier, raw.name
    match raw.kind:
        case "e":
            return Shape("ENUM", raw.display)
        case "r":
            return Shape(_range(raw.range_category), raw.display)
        case "m":
            dated = name in {"datemultirange", "tsmultirange", "tstzmultirange"}
            return Shape("ARRAY", raw.display, element=_range("D" if dated else None))
        case _:
            pass
    data_type = NAMES.get(name) or ("STRING" if name.startswith("reg") else "UNKNOWN")
    match data_type:
        case "VARCHAR" | "CHAR":
            length = NAME_LENGTH if name == "name" else max(modifier - 4, 1)
            return Shape(data_type, raw.display, length=length)
        case "BIT":
            return Shape(data_type, raw.display, length=modifier if modifier > 0 else None)
        case "NUMERIC" if modifier >= 4:
            packed = modifier - 4
            # The scale is a signed number of 11 bits since version 15.
            scale = ((packed & 0x7FF) ^ 1024) - 1024
            return Shape(data_type, raw.display, precision=packed >> 16 & 0xFFFF, scale=scale)
        case _:
            return Shape(data_type, raw.display, element=ELEMENTS.get(name))


def _range(subtype_category: str | None) -> str:
    return "DATETIMERANGE" if subtype_category == "D" else "TUPLE"
