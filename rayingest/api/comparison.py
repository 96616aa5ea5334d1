"""What a comparison has found."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from rayingest.execute.report import ErrorGroup
from rayingest.model import EntityType
from rayingest.sinks.differing import Difference

SCHEMA = "rayingest.compare/1"
SAMPLES = 3
LONG = 200  # characters of a value in a sample


class Compared(msgspec.Struct, rename="camel", kw_only=True):
    """Entities of one type. Of those only in the catalogue: `filtered` ones today's filters leave out, and
    of `unknown` ones this run cannot say whether the source has them.
    """

    here: int = 0
    there: int = 0
    same: int = 0
    changed: int = 0
    create: int = 0
    only_there: int = 0
    filtered: int = 0
    unknown: int = 0
    renamed: int = 0


class Sample(msgspec.Struct, rename="camel"):
    """One field of one entity."""

    fqn: str
    field: str
    here: Any
    there: Any


class FieldGroup(msgspec.Struct, rename="camel", kw_only=True):
    """A field that differs in many entities; `kept`: the catalogue keeps its own, people edit it there."""

    type: str
    field: str
    how: str
    kept: bool
    count: int = 0
    samples: list[Sample] = []


class Comparison(msgspec.Struct, rename="camel", kw_only=True):
    """`rayingest compare --format json`, schema `rayingest.compare/1`; entities are (type, FQN).

    `renamed`: type, our FQN, the catalogue's FQN of what is likely the same thing.
    """

    schema: str = SCHEMA
    made_at: str
    service: str
    sink: str
    state: str
    verdict: str
    exit_code: int = 0
    types: dict[str, Compared] = {}
    fields: list[FieldGroup] = []
    create: list[tuple[str, str]] = []
    only_there: list[tuple[str, str]] = []
    renamed: list[tuple[str, str, str]] = []
    errors: list[ErrorGroup] = []
    not_listed: list[str] = []
    calls: dict[str, int] = {}
    warnings: list[str] = []

    def __repr__(self) -> str:
        """The verdict, for notebooks and the prompt."""
        return f"<Comparison {self.service}: {self.verdict}>"

    def to_json(self) -> bytes:
        """Indented JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


@dataclass
class Tally:
    """What is being counted; `create` and `only` (in the catalogue) are in order."""

    types: dict[str, Compared] = field(default_factory=dict)
    groups: dict[tuple[str, str, str, bool], FieldGroup] = field(default_factory=dict)
    only: dict[tuple[EntityType, str], None] = field(default_factory=dict)
    create: dict[tuple[EntityType, str], None] = field(default_factory=dict)

    def of(self, kind: EntityType) -> Compared:
        """The counts of a type."""
        return self.types.setdefault(kind.value, Compared())

    def differing(self, kind: EntityType, name: str, each: Difference, *, kept: bool) -> None:
        """Count one field."""
        key = kind.value, each.pattern, each.how, kept
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = FieldGroup(
                type=kind.value, field=each.pattern, how=each.how, kept=kept
            )
        group.count += 1
        if len(group.samples) < SAMPLES:
            group.samples.append(Sample(name, each.field, short(each.here), short(each.there)))


def short(value: Any) -> Any:
    """A value as a sample shows it."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return value if len(text) <= LONG else text[:LONG] + "…"
