"""What is known of the value of a Power Query expression: above all, which tables and queries it reads.

Followed are names, steps, parameters, functions that are written there, and how one goes from a server to a
table (`{[Schema=…,Item=…]}[Data]`); the library's functions pass on what they are given. What comes
from anywhere else, or by a name that is computed, is not known, and not guessed.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rayingest.connectors.dashboard._powerbi.mashup import LONGEST, WORDS, parsed
from rayingest.connectors.dashboard._powerbi.tree import (
    Call,
    Field,
    Function,
    Item,
    Joined,
    Let,
    Name,
    NotUnderstood,
    Parts,
    Record,
    Text,
    Tree,
)
from rayingest.connectors.dashboard._powerbi.value import (
    EMPTY,
    SERVERS,
    Scope,
    Value,
    arrived,
    asked,
    item_of,
    on_server,
)

STEPS = 20_000  # of one dataset
DEEPEST = 60
_DAX = re.compile(
    r"(?:\s|--[^\n]*|//[^\n]*)*+(?:(?:VAR|EVALUATE)\b|'|(?P<function>\w+)\s*\()", re.IGNORECASE
)
NATIVE = "Value.NativeQuery"
SHARED = {"#shared", "#sections"}  # everything there is
TOLD = {"PowerBI.Dataflows", "PowerPlatform.Dataflows"}  # the API itself says which
LIBRARY = {
    "Any", "Binary", "BinaryEncoding", "BinaryFormat", "Byte", "Character", "Combiner", "Comparer",
    "Compression", "Currency", "Date", "DateTime", "DateTimeZone", "Decimal", "Diagnostics",
    "Double", "Duration", "ExtraValues", "Function", "GroupKind", "Guid", "Int8", "Int16", "Int32",
    "Int64", "JoinAlgorithm", "JoinKind", "JoinSide", "Json", "Lines", "List", "Logical",
    "MissingField", "Number", "Occurrence", "Order", "Percentage", "Precision", "QuoteStyle",
    "Record", "Replacer", "RoundingMode", "Single", "Splitter", "Table", "Text", "TextEncoding",
    "Time", "Type", "Value",
}  # fmt: skip


@dataclass
class Model:
    """A dataset's expressions: each is looked at once, however many refer to it."""

    scope: Scope
    tables: Sequence[tuple[str, str]]
    steps: int = 0
    depth: int = 0
    busy: set[tuple[int, str]] = field(default_factory=set)

    @classmethod
    def of(cls, dataset: Mapping[str, Any]) -> "Model":
        """Of a dataset as a scan tells it."""
        tables = [
            (str(each["name"]), str(source["expression"]))
            for each in dataset.get("tables") or ()
            for source in each.get("source") or ()
            if source.get("expression")
        ]
        shared = {
            str(each["name"]): str(each["expression"])
            for each in dataset.get("expressions") or ()
            if each.get("expression")
        }
        return cls(Scope({**dict(tables), **shared}), tables)

    def values(self) -> Iterator[tuple[str, Value]]:
        """Each table, and what its expression reads; one that is computed in DAX reads nothing new."""
        for name, expression in self.tables:
            if not self._in_dax(expression):
                yield name, self._read(expression)

    def _in_dax(self, expression: str) -> bool:
        """Functions of M's library have a dot in their names, and DAX's have none."""
        found = _DAX.match(expression)
        called = found and found["function"]
        return found is not None and called not in self.scope.names and called not in WORDS

    def _read(self, expression: str) -> Value:
        try:
            return self._together([self._behind(expression, self.scope)])
        except NotUnderstood as error:  # in a function that nobody called
            return Value(unknown=(str(error),))

    def _value(self, tree: Tree, scope: Scope) -> Value:
        self.steps += 1
        if self.steps > STEPS:
            raise NotUnderstood("it takes too long to follow")
        self.depth += 1
        try:
            if self.depth > DEEPEST:
                raise NotUnderstood("it is too deep")
            return self._at(tree, scope)
        finally:
            self.depth -= 1

    def _at(self, tree: Tree, scope: Scope) -> Value:
        made = EMPTY
        match tree:
            case Text(value):
                made = Value(text=value)
            case Name(name):
                made = self._named(name, scope)
            case Let(steps, body):
                made = self._value(body, self._stepped(Scope(steps, scope)))
            case Function():
                made = Value(function=(tree, scope))
            case Call(function, arguments):
                made = self._call(function, arguments, scope)
            case Field(of, name):
                made = self._field(of, name, scope) if of is not None else EMPTY
            case Item(of, key):
                made = item_of(self._value(of, scope), self._value(key, scope))
            case Record() | Joined() | Parts():
                made = self._built(tree, scope)
        return made

    def _field(self, of: Tree, name: str, scope: Scope) -> Value:
        value = self._value(of, scope)
        return value.fields.get(name, value)

    def _built(self, tree: Record | Joined | Parts, scope: Scope) -> Value:
        match tree:
            case Record(fields):
                told = {key: self._value(each, scope) for key, each in fields.items()}
                return replace(self._together(told.values()), fields=told)
            case Joined(left, right):
                both = [self._value(each, scope) for each in (left, right)]
                texts = [each.text for each in both if each.text is not None]
                if sum(map(len, texts)) > LONGEST:
                    raise NotUnderstood("a text is too long")
                made = self._together(both)
                return replace(made, text="".join(texts)) if len(texts) == 2 else made
            case Parts(parts):
                return self._together([self._value(each, scope) for each in parts])

    def _together(self, values: Iterable[Value]) -> Value:
        """What several read, and what of them is not known; functions among them are called with nothing."""
        told = [arrived(self._called(each, ())) for each in values]
        reads = dict.fromkeys(read for each in told for read in each.reads)
        unknown = dict.fromkeys(name for each in told for name in each.unknown)
        return Value(reads=tuple(reads), unknown=tuple(unknown))

    def _named(self, name: str, scope: Scope) -> Value:
        at: Scope | None = scope
        while at is not None and name not in at.names:
            at = at.above
        if at is None:  # a constant of the library, or a row's own fields
            known = "." in name or name == "_" or (name[0] == "#" and name not in SHARED)
            return EMPTY if known else Value(unknown=(name,))
        if name not in at.known:
            if (id(at), name) in self.busy:
                return Value(unknown=(f"{name} leads to itself",))
            self.busy.add((id(at), name))
            try:
                at.known[name] = self._behind(at.names[name], at)
            finally:
                self.busy.discard((id(at), name))
        return at.known[name]

    def _stepped(self, scope: Scope) -> Scope:
        """Its steps one after the other, as they are written: a hundred of them are not a hundred deep."""
        for each in scope.names:
            self._named(each, scope)
        return scope

    def _behind(self, told: Tree | Value | str, scope: Scope) -> Value:
        if isinstance(told, Value):
            return told
        try:
            return self._value(parsed(told) if isinstance(told, str) else told, scope)
        except NotUnderstood as error:
            return Value(unknown=(str(error),))

    def _call(self, function: Tree, arguments: Sequence[Tree], scope: Scope) -> Value:
        given = [self._value(each, scope) for each in arguments]
        if isinstance(function, Name):
            name = function.name
            if name in SERVERS:
                return on_server(name, given)
            if name == NATIVE and len(given) > 1 and given[0].place is not None:
                return asked(given[1], given[0].place)
            if name in TOLD:
                return EMPTY
            if name != NATIVE and (name[0] == "#" or name.partition(".")[0] in LIBRARY):
                return self._together(given)
        called = self._value(function, scope)
        if called.function is None:
            named = function.name if isinstance(function, Name) else "a function"
            return self._together([called, Value(unknown=(named,))])
        return self._called(called, given)

    def _called(self, value: Value, given: Sequence[Value]) -> Value:
        """What a function answers; any other value as it is."""
        if value.function is None:
            return value
        written, where = value.function
        own = {
            each: given[at] if at < len(given) else EMPTY
            for at, each in enumerate(written.parameters)
        }
        return self._value(written.body, Scope(own, where))
