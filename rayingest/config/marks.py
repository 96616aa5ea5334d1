"""What a model says about a field beside its type: that nothing uses it yet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from rayingest.config.problems import KeyPath


@dataclass(frozen=True, slots=True)
class Unused:
    """The key is accepted, and nothing acts on it yet; the user is told once."""


@dataclass(frozen=True, slots=True)
class Older:
    """Another spelling of a key, accepted for files that have it, not offered to anybody."""


def idle(field: FieldInfo) -> bool:
    """Whether nothing acts on a field today."""
    return any(isinstance(each, Unused) for each in field.metadata)


def marked(value: BaseModel, mark: type, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Find what a user set of all fields with a mark: path and value."""
    for key in (each for each in type(value).model_fields if each in value.model_fields_set):
        child = getattr(value, key)
        if any(isinstance(each, mark) for each in type(value).model_fields[key].metadata):
            yield (*path, key), child
        elif isinstance(child, BaseModel):
            yield from marked(child, mark, (*path, key))


def secret_paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Find every SecretStr in validated models."""
    match value:
        case SecretStr():
            yield path
        case BaseModel():
            for key in type(value).model_fields:
                yield from secret_paths(getattr(value, key), (*path, key))
        case Mapping():
            for key, each in value.items():
                yield from secret_paths(each, (*path, key))
        case list():
            for index, each in enumerate(value):
                yield from secret_paths(each, (*path, index))
        case _:
            return
