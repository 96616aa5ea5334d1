"""Object types and collections: their attributes are children, asked for level by level.

https://docs.oracle.com/en/database/oracle/oracle-database/19/refrn/ALL_TYPE_ATTRS.html
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple

from rayingest.kit.sql.oracle.names import columns_told, quoted
from rayingest.kit.sql.oracle.session import Among, Key, OracleSession
from rayingest.kit.sql.oracle.shapes import shape
from rayingest.kit.sql.reflected.shapes import DEEPEST, Shape, column

# An element of a collection is like a single attribute without a name. CHAR_USED is not asked for:
# DBA_TYPE_ATTRS lacks it.
ATTRIBUTES = """select a.owner, a.type_name, a.attr_no, a.attr_name, a.attr_type_mod, a.attr_type_owner,
       a.attr_type_name, a.length, a.precision, a.scale
  from {v}_type_attrs a where {attributes}
union all
select c.owner, c.type_name, 0, null, c.elem_type_mod, c.elem_type_owner,
       c.elem_type_name, c.length, c.precision, c.scale
  from {v}_coll_types c where {collections}"""
# They are known by their names, whoever owns them: what is in them says nothing.
KNOWN = {"XMLTYPE", "SDO_GEOMETRY", "ANYDATA"}
REFERENCE = "REF"


class Type(NamedTuple):
    """The type of a column, of an attribute or of an element."""

    name: str
    owner: str | None = None
    modifier: str | None = None
    size: int | None = None
    counted: str | None = None
    precision: int | None = None
    scale: int | None = None

    @property
    def key(self) -> Key | None:
        """What a type of a user's own is found by."""
        plain = self.owner is None or self.modifier == REFERENCE or self.name in KNOWN
        return None if plain else (self.owner or "", self.name)


class Part(NamedTuple):
    """An attribute; the element of a collection has no name."""

    place: int
    name: str | None
    type: Type


Types = Mapping[Key, list[Part]]


def types(session: OracleSession, wanted: Iterable[Type]) -> Types:
    """These types and all that they are made of, one statement for each level."""
    found: dict[Key, list[Part]] = {}
    fresh = {each.key for each in wanted if each.key}
    for _ in range(DEEPEST):
        if not fresh:
            break
        found |= {key: [] for key in fresh}
        among = Among(fresh)
        query = ATTRIBUTES.replace("{attributes}", among.where("a.owner", "a.type_name"))
        query = query.replace("{collections}", among.where("c.owner", "c.type_name"))
        for owner, name, place, attribute, modifier, of, kind, size, digits, scale in session.rows(
            query, among.binds
        ):
            part = Part(place, attribute, Type(kind, of, modifier, size, None, digits, scale))
            found[owner, name].append(part)
        fresh = {
            part.type.key for key in fresh for part in found[key] if part.type.key
        } - found.keys()
    return found


def shaped(given: Type, known: Types, *, exact: bool, above: frozenset[Key] = frozenset()) -> Shape:
    """The shape of a type with its children; an object that holds itself ends there."""
    if given.modifier == REFERENCE:
        return Shape("UNKNOWN", f"REF {quoted(given.owner or '', given.name)}")
    key = given.key
    if key is None:
        return shape(given.name, given.size, given.counted, given.precision, given.scale)
    display = ".".join(key)
    parts = sorted(known.get(key, ()), key=lambda part: part.place) if key not in above else []
    inside = partial(shaped, known=known, exact=exact, above=above | {key})
    if len(parts) == 1 and parts[0].name is None:
        element = inside(parts[0].type)
        return Shape("ARRAY", display, element=element.data_type, children=element.children)
    told = columns_told([part.name or "" for part in parts], exact=exact)
    children = tuple(
        [
            column(told[part.name or ""], inside(part.type), ordinal_position=place)
            for place, part in enumerate(parts, 1)
        ]
    )
    return Shape("STRUCT", display, children=children)
