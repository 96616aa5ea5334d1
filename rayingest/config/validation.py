"""Turn pydantic's errors into problems: positions, our words, nearest keys, and never a secret."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rayingest.config.document import Document
from rayingest.config.interpolate import Unresolved
from rayingest.config.options import workflow_of
from rayingest.config.problems import OPTIONS_PATH, KeyPath, Problem, did_you_mean, dotted, nearest
from rayingest.config.secrecy import looks_secret
from rayingest.config.shape import keys_at, variants_at

M = TypeVar("M", bound=BaseModel)

EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "list_type": "a list",
    "none_required": "nothing",
}
SCALARS = {bool: "true or false", int: "a number", float: "a number", str: "text"}


@dataclass(frozen=True, slots=True)
class Checked:
    """One part of a config before validation: its values, and where they stand in the document."""

    document: Document
    value: Any
    path: KeyPath = ()

    def read(self, model: type[M], problems: list[Problem]) -> M | None:
        """Validate; what is wrong is added to `problems`."""
        try:
            return model.model_validate(self.value)
        except ValidationError as error:
            problems.extend(self._problems(model, error.errors(include_url=False)))
            return None

    def _problems(self, model: type[BaseModel], errors: list[ErrorDetails]) -> Iterator[Problem]:
        by_place: dict[KeyPath, list[ErrorDetails]] = {}
        for error in errors:
            by_place.setdefault(_place(error["loc"], self.value), []).append(error)
        meant = {
            (*place[:-1], self._nearest(model, place))
            for place, found in by_place.items()
            if found[0]["type"] == "extra_forbidden"
        }
        for place, found in by_place.items():
            if found[0]["type"] == "missing" and place in meant:
                continue  # it is there, misspelt
            if not isinstance(at(self.value, place), Unresolved):
                yield self._problem(model, place, found)

    def _nearest(self, model: type[BaseModel], place: KeyPath) -> str | None:
        return nearest(str(place[-1]), keys_at(model, place[:-1]))

    def _problem(
        self, model: type[BaseModel], place: KeyPath, errors: list[ErrorDetails]
    ) -> Problem:
        full = (*self.path, *place)
        kind = errors[0]["type"]
        hint = _meant(model, place, errors[0]["loc"])
        if kind == "extra_forbidden":
            message, known = self._unknown(model, place)
            mark = self.document.key_mark(full)
            return Problem(mark, dotted(full), message, hint or known)
        if kind == "missing":
            return Problem(self.document.key_mark(full), dotted(full), "is missing", hint)
        message = self._wrong(full, place, errors)
        return Problem(self.document.value_mark(full), dotted(full), message, hint)

    def _unknown(self, model: type[BaseModel], place: KeyPath) -> tuple[str, str | None]:
        key, known = str(place[-1]), keys_at(model, place[:-1])
        other = workflow_of(key) if self.path == OPTIONS_PATH else None
        if other:
            return f"unknown key here; it belongs to the workflow {other}", None
        near = did_you_mean(key, known)
        listed = f"Known here: {', '.join(known)}." if known and not near else None
        return f"unknown key.{near}", listed

    def _wrong(self, full: KeyPath, place: KeyPath, errors: Sequence[ErrorDetails]) -> str:
        error, value = errors[0], at(self.value, place)
        if expected := _expected(errors):
            return f"expected {expected}, found {describe(value)}{_quotes(expected, value)}"
        if error["type"] in {"literal_error", "enum"}:
            return self._choice(full, error)
        if error["type"] in {"value_error", "assertion_error"}:
            return str(error["ctx"]["error"])
        return error["msg"].replace("Input", "the value").replace("String", "the text")

    def _choice(self, full: KeyPath, error: ErrorDetails) -> str:
        expected = error["ctx"]["expected"]
        written = at(self.document.tree, full)
        if not isinstance(written, str) or looks_secret(full):
            return f"expected {expected}"
        known = [each.strip("'") for each in expected.replace(" or ", ", ").split(", ")]
        return f"expected {expected}, found {written!r}.{did_you_mean(written, known)}"


def describe(value: object) -> str:
    """Say what kind of thing a value is, not which."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return SCALARS.get(type(value), f"a {type(value).__name__}")


def _expected(errors: Sequence[ErrorDetails]) -> str:
    if any(each["type"] not in EXPECTED for each in errors):
        return ""
    return " or ".join(dict.fromkeys(EXPECTED[each["type"]] for each in errors))


def _quotes(expected: str, value: object) -> str:
    is_plain = value is not None and not isinstance(value, dict | list)
    return ". Put it in quotes" if expected == "text" and is_plain else ""


def _place(loc: tuple[int | str, ...], value: Any) -> KeyPath:
    """The part of a pydantic location that the user wrote; what names a variant is left out."""
    place: KeyPath = ()
    for index, part in enumerate(loc):
        if isinstance(value, dict) and part in value:
            place, value = (*place, part), value[part]
        elif isinstance(value, list) and part in range(len(value)):
            place, value = (*place, part), value[int(part)]
        elif isinstance(value, dict) and index == len(loc) - 1 and not _is_tag(part):
            return (*place, part)
    return place


def _is_tag(part: int | str) -> bool:
    return isinstance(part, str) and (part.startswith("<") or "[" in part or part in {"str", "int"})


def at(value: Any, place: KeyPath) -> Any:
    """The value at a path, or None."""
    for part in place:
        match value:
            case dict() if part in value:
                value = value[part]
            case list() if isinstance(part, int) and part < len(value):
                value = value[part]
            case _:
                return None
    return value


def _meant(model: type[BaseModel], place: KeyPath, loc: tuple[int | str, ...]) -> str | None:
    """Which variant of a union an error speaks of, and how the others look."""
    tags = [part for part in loc if isinstance(part, str) and part.startswith("<")]
    for end in range(len(place), 0, -1) if tags else ():
        if variants := variants_at(model, place[:end]):
            forms = {name: " + ".join(keys) for name, keys in variants.items()}
            others = " | ".join(f"{{{keys}}}" for keys in forms.values())
            return f"{place[end - 1]} was understood as {tags[-1][1:-1]}; it may be {others}."
    return None
