"""Look into models: which keys, and which variants of a union, may stand at a path."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rayingest.config.problems import KeyPath


def keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Keys that are known at a path, of all variants."""
    models = _models_at([model], path)
    return list(dict.fromkeys(key for each in models for key in each.model_fields))


def variants_at(model: type[BaseModel], path: KeyPath) -> dict[str, list[str]]:
    """The variants of the union at a path by name: their required keys, or else the first one.

    A key that has one value only stands with it: `type: gcp_adc`.
    """
    models = _models_at([model], path)
    return {each.__name__: _telling(each) for each in models} if len(models) > 1 else {}


def _telling(model: type[BaseModel]) -> list[str]:
    fields = model.model_fields
    required = [key for key, field in fields.items() if field.is_required()]
    return required or [_spelled(key, field) for key, field in list(fields.items())[:1]]


def _spelled(key: str, field: FieldInfo) -> str:
    values = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    return f"{key}: {values[0]}" if len(values) == 1 else key


def _models_at(models: list[type[BaseModel]], path: KeyPath) -> list[type[BaseModel]]:
    for part in path:
        if isinstance(part, int):
            continue
        fields = [each.model_fields.get(part) for each in models]
        models = [kind for field in fields if field for kind in models_in(field.annotation)]
    return models


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation speaks of, inside unions, lists and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    for each in get_args(annotation):
        yield from models_in(each)
