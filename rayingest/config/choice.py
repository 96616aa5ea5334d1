"""Unions that say which of their variants was meant, so that an error speaks of that one only."""

from dataclasses import dataclass
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from rayingest.config.shape import models_in


@dataclass(frozen=True, slots=True)
class Choice:
    """Marks a union: `Annotated[BasicAuth | IamAuth, Choice()]`.

    The variant is chosen by the keys that the user wrote: a fixed value (`type: local`) decides,
    then the number of known keys, then those within them; the first variant wins a draw. In error
    locations its name stands between angle brackets.
    """

    def __get_pydantic_core_schema__(self, union: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Build a union that validates against one variant only."""
        kinds = {f"<{getattr(each, '__name__', each)}>": each for each in get_args(union)}

        def chosen(value: object) -> str:
            return choose(value, kinds)

        schemas = {tag: handler.generate_schema(kind) for tag, kind in kinds.items()}
        return core_schema.tagged_union_schema(schemas, discriminator=chosen)


def choose(value: object, kinds: dict[str, Any]) -> str:
    """Name the variant that a value was most likely meant to be."""
    types = {tag: kind for tag, kind in kinds.items() if isinstance(kind, type)}
    for tag, kind in types.items():
        if isinstance(value, kind):
            return tag
    models = {tag: kind for tag, kind in types.items() if issubclass(kind, BaseModel)}
    if not isinstance(value, dict):
        plain = [tag for tag, kind in kinds.items() if tag not in models and kind is not NoneType]
        return next(iter(plain or kinds))
    return max(models, key=lambda tag: _likeness(value, models[tag]))


def _likeness(value: dict[Any, Any], model: type[BaseModel]) -> tuple[int, int, int, int]:
    fields = model.model_fields
    fixed = sum(value[key] in get_args(fields[key].annotation) for key in value if key in fields)
    known = sum(key in fields for key in value)
    missing = sum(field.is_required() and key not in value for key, field in fields.items())
    return (
        fixed,
        known,
        -missing,
        sum(_within(value[key], fields[key]) for key in value if key in fields),
    )


def _within(value: object, field: FieldInfo) -> int:
    """How many keys of a value are those of the model that the field holds."""
    if not isinstance(value, dict):
        return 0
    known = (each.model_fields.keys() for each in models_in(field.annotation))
    return max((len(value.keys() & keys) for keys in known), default=0)
