"""What of an entity differs between a create request of ours and what a catalogue has, field by field."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from rayingest.model import EntityType
from rayingest.sinks import wire

# What people edit in OpenMetadata: without overrideMetadata it keeps what it has.
EDITED = frozenset({"description", "displayName", "owners", "tags"})
_BOOKKEEPING = frozenset({"sourceHash", "fullyQualifiedName", "connection"})


class Difference(msgspec.Struct, frozen=True, rename="camel"):
    """One field. `how`: it `differs`, or only `here` (we would add it) or only `there`.

    `field` names a column by its name (`columns[id].dataType`), `pattern` any (`columns[].dataType`).
    """

    field: str
    pattern: str
    how: Literal["differs", "here", "there"]
    here: Any = None
    there: Any = None

    @property
    def edited(self) -> bool:
        """Whether people edit this field, and the catalogue has something in it."""
        return self.how != "here" and self.pattern.rpartition(".")[2] in EDITED


def differences(
    kind: EntityType, here: Mapping[str, Any], there: Mapping[str, Any]
) -> Iterator[Difference]:
    """How the catalogue's entity (`there`) differs from a create request (`here`)."""
    request = wire.REQUESTS.get(kind.value)
    names = request.__struct_encode_fields__ if request is not None else tuple(here)
    for name in names:
        if name not in _BOOKKEEPING:
            yield from _field(name, name, here.get(name), there.get(name))


def _field(field: str, pattern: str, here: Any, there: Any) -> Iterator[Difference]:
    if pattern.endswith(("columns", "children")) and (_records(here) or _records(there)):
        yield from _columns(field, pattern, here or [], there or [])
        return
    one, other = plain(pattern, here), plain(pattern, there)
    if one == other:
        return
    if other is None:
        yield Difference(field, pattern, "here", one, None)
    elif one is None:
        yield Difference(field, pattern, "there", None, other)
    else:
        yield Difference(field, pattern, "differs", one, other)


def _records(value: Any) -> bool:
    return bool(value) and isinstance(value[0], Mapping) and "dataType" in value[0]


def _columns(field: str, pattern: str, here: Any, there: Any) -> Iterator[Difference]:
    ours = {each["name"]: each for each in here}
    theirs = {each["name"]: each for each in there}
    for name in [*ours, *(each for each in theirs if each not in ours)]:
        at = f"{field}[{name}]"
        if name not in theirs:
            yield Difference(at, f"{pattern}[]", "here", _type(ours[name]), None)
        elif name not in ours:
            yield Difference(at, f"{pattern}[]", "there", None, _type(theirs[name]))
        else:
            for key in wire.Column.__struct_encode_fields__:
                yield from _field(
                    f"{at}.{key}", f"{pattern}[].{key}", ours[name].get(key), theirs[name].get(key)
                )


def _type(column: Mapping[str, Any]) -> Any:
    return column.get("dataTypeDisplay") or column.get("dataType")


def plain(pattern: str, value: Any) -> Any:
    """A value so that equal things are equal: references by FQN or id, lists that have no order sorted.

    Owners and tags that the catalogue has inherited or derived are nobody's to write.
    """
    if value in (None, "", [], {}, ()):
        return None
    name = pattern.rpartition(".")[2]
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return (_UNORDERED[name](value) if name in _UNORDERED else value) or None
    if isinstance(value, Mapping):
        if "fullyQualifiedName" in value:
            return value["fullyQualifiedName"]
        kept = {key: plain(f"{pattern}.{key}", each) for key, each in sorted(value.items())}
        return {key: each for key, each in kept.items() if each is not None}
    return value


def _owners(given: Sequence[Mapping[str, Any]]) -> list[str]:
    own = (each for each in given if not each.get("inherited"))
    return sorted(str(each.get("id") or each.get("name")) for each in own)


def _tags(given: Sequence[Mapping[str, Any]]) -> list[str]:
    own = (each for each in given if each.get("labelType") not in ("Derived", "Propagated"))
    return sorted(str(each.get("tagFQN")) for each in own)


def _constraints(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = ("constraintType", "columns", "referredColumns")
    found = [{name: each[name] for name in names if each.get(name)} for each in given]
    return sorted(found, key=msgspec.json.encode)


def _names(given: Sequence[Any]) -> list[str]:
    return sorted(each if isinstance(each, str) else str(plain("", each)) for each in given)


_UNORDERED: dict[str, Callable[[Sequence[Mapping[str, Any]]], list[Any]]] = {
    "owners": _owners,
    "tags": _tags,
    "tableConstraints": _constraints,
    "charts": _names,
    "dataModels": _names,
}
