"""What documents look like: the columns that a sample of them has, in whatever system they lie."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from rayingest.model import Column, ColumnConstraint

WIDEST = 200  # a map with more keys has data for keys, and no fields
LONGEST = 100  # values of one array that are looked at: an embedding has thousands, all alike
UNKNOWN = ("UNKNOWN", "unknown")

# What kind of value it is, and what it holds: fields by name, a list of values, or nothing.
Tell = Callable[[Any], tuple[str, Mapping[str, Any] | Sequence[Any] | None]]


@dataclass(slots=True)
class Shape:
    """What was seen, or declared, of the values in one place: their kinds, and what they hold."""

    kinds: set[str] = field(default_factory=set)
    fields: dict[str, "Shape"] = field(default_factory=dict)
    items: "Shape | None" = None
    description: str | None = None

    def at(self, name: str) -> "Shape":
        """The shape of a field, which is there from now on."""
        found = self.fields.get(name)
        if found is None:
            found = self.fields[name] = Shape()
        return found

    def inside(self) -> "Shape":
        """The shape of what is in an array, which is there from now on."""
        if self.items is None:
            self.items = Shape()
        return self.items


def one_kind_each(kinds: Iterable[str]) -> list[str]:
    """Kinds that have nothing to do with each other."""
    return sorted(kinds)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A system's kinds of values: the catalogue's type and the word that is shown, by kind.

    `null` is the kind of what is not there; `settled` joins kinds that are one to the reader, and sorts
    them; fields are sorted where documents have no order of theirs; `deepest` is where maps in maps end.
    """

    types: Mapping[str, tuple[str, str]]
    tell: Tell
    null: str
    array: str
    settled: Callable[[Iterable[str]], list[str]] = one_kind_each
    ordered: bool = True
    deepest: int = 5

    def seen(self, documents: Iterable[Mapping[str, Any]]) -> Shape:
        """The shape of what has all these documents."""
        whole = Shape()
        for document in documents:
            self._hold(whole, document, 0)
        return whole

    def columns(self, shape: Shape, depth: int = 0) -> Iterator[Column]:
        """A column for each field."""
        if depth and len(shape.fields) > WIDEST:
            return
        for name in shape.fields if self.ordered else sorted(shape.fields):
            yield self.column(name, shape.fields[name], depth)

    def column(
        self, name: str, shape: Shape, depth: int = 0, constraint: ColumnConstraint | None = None
    ) -> Column:
        """A column that holds such values; those of different kinds make a union."""
        kinds = self._kinds(shape)
        data_type, _ = self._type(kinds)
        is_array = kinds == [self.array]
        return Column(
            name=name,
            data_type=data_type,
            data_type_display=self._display(shape),
            array_data_type=self._type(self._kinds(shape.items))[0] if is_array else None,
            data_length=1 if data_type == "BINARY" else None,  # the catalogue wants one
            constraint=constraint or (None if depth else ColumnConstraint.NULL),
            description=shape.description,
            children=self._children(shape, depth + 1),
        )

    def _children(self, shape: Shape, depth: int) -> tuple[Column, ...]:
        """Fields of the value itself, and of what is in it when it is an array."""
        if depth > self.deepest:
            return ()
        inner = shape.items
        if inner is None or not inner.fields:
            return tuple(self.columns(shape, depth))
        both = Shape(fields={**inner.fields, **shape.fields})
        return tuple(self.columns(both, depth))

    def _hold(self, shape: Shape, document: Mapping[str, Any], depth: int) -> None:
        """Add the fields of a document; this is where the time goes, 0.3 microseconds a value."""
        fields, tell = shape.fields, self.tell
        for name, value in document.items():
            found = fields.get(name)
            if found is None:
                if depth and len(fields) > WIDEST:
                    return
                found = fields[name] = Shape()
            kind, holds = tell(value)
            found.kinds.add(kind)
            if holds is not None:
                self._inside(found, holds, depth + 1)

    def _inside(self, shape: Shape, holds: Mapping[str, Any] | Sequence[Any], depth: int) -> None:
        """Add what a value holds: fields of its own, or what an array has."""
        if depth > self.deepest:
            return
        if isinstance(holds, Mapping):
            self._hold(shape, holds, depth)
            return
        for each in islice(holds, LONGEST):
            inner = shape.inside()
            kind, more = self.tell(each)
            inner.kinds.add(kind)
            if more is not None:
                self._inside(inner, more, depth)

    def _kinds(self, shape: Shape | None) -> list[str]:
        """Kinds in order; null only where there is nothing else."""
        if shape is None:
            return []
        return self.settled(shape.kinds - {self.null}) or sorted(shape.kinds)

    def _type(self, kinds: Sequence[str]) -> tuple[str, str]:
        if len(kinds) > 1:
            return "UNION", " | ".join(self.types[each][1] for each in kinds)
        return self.types[kinds[0]] if kinds else UNKNOWN

    def _display(self, shape: Shape) -> str:
        kinds = self._kinds(shape)
        _, shown = self._type(kinds)
        if kinds == [self.array] and shape.items is not None:
            return f"{shown}<{self._display(shape.items)}>"
        return shown
