"""YAML with positions: a tree of plain values, and for each path where key and value were written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from rayingest.config.problems import KeyPath, Mark, Problem, dotted

MAX_NODES = 100_000
SCALAR_ERRORS = (yaml.YAMLError, ValueError, KeyError, AttributeError, OverflowError)
MERGE = "tag:yaml.org,2002:merge"
COLLECTIONS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


@dataclass(slots=True)
class Document:
    """A parsed file: its tree, marks of keys and values by path, and what was wrong with it."""

    name: str
    tree: Any = None
    keys: dict[KeyPath, Mark] = field(default_factory=dict)
    values: dict[KeyPath, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def key_mark(self, path: KeyPath) -> Mark:
        """Where a key was written, or else the nearest thing around it."""
        return self.keys.get(path) or self.value_mark(path)

    def value_mark(self, path: KeyPath) -> Mark:
        """Where a value was written, or else the key of the nearest thing around it."""
        if path in self.values:
            return self.values[path]
        while path:
            path = path[:-1]
            if path in self.keys:
                return self.keys[path]
        return self.values.get((), Mark(self.name))


def parse(text: str, name: str) -> Document:
    """Read one YAML document. Never raises: what is wrong is in `problems`."""
    document = Document(name)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document.tree = _Reading(document).value(node, (), ()) if node else None
    except yaml.MarkedYAMLError as error:
        document.problems.append(_syntax(name, error))
    except yaml.reader.ReaderError as error:
        document.problems.append(_unreadable(name, text, error))
    except RecursionError:
        document.problems.append(Problem(Mark(name), "", "is nested too deeply"))
    return document


class _Reading:
    """Turns nodes into values, and notes marks and problems on the way."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.constructor = yaml.constructor.SafeConstructor()
        self.nodes = 0

    def value(self, node: yaml.Node, path: KeyPath, around: tuple[yaml.Node, ...]) -> Any:
        self.nodes += 1
        self.document.values[path] = mark = self._mark(node)
        if any(node is each for each in around):
            return self._problem(mark, path, "refers to itself")
        if self.nodes > MAX_NODES:
            return self._too_many(mark, path)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag not in COLLECTIONS:
            return self._problem(mark, path, "has a YAML tag that means nothing here")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, (*around, node))
        items = enumerate(node.value)
        return [self.value(each, (*path, index), (*around, node)) for index, each in items]

    def _mapping(
        self, node: yaml.MappingNode, path: KeyPath, around: tuple[yaml.Node, ...]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag != MERGE and (key := self._key(key_node, path)) is not None:
                if key in found:
                    self._twice(key_node, (*path, key))
                else:
                    self.document.keys[(*path, key)] = self._mark(key_node)
                    found[key] = self.value(value_node, (*path, key), around)
        for key_node, value_node in node.value:
            if key_node.tag == MERGE:
                for each in self._merged(value_node, path, around):
                    found = each | found
        return found

    def _merged(
        self, node: yaml.Node, path: KeyPath, around: tuple[yaml.Node, ...]
    ) -> Iterator[dict[str, Any]]:
        """Values of `<<`; marks of what the mapping itself says stay."""
        for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            keys, values = dict(self.document.keys), dict(self.document.values)
            value = self.value(each, path, around)
            self.document.keys |= keys
            self.document.values |= values
            if isinstance(value, dict):
                yield value
            else:
                self._problem(self._mark(each), path, "'<<' expects mappings")

    def _twice(self, node: yaml.Node, path: KeyPath) -> None:
        first = self.document.keys[path].line
        self._problem(self._mark(node), path, f"the key stands here twice, first in line {first}")

    def _key(self, node: yaml.Node, path: KeyPath) -> str | None:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str":
            return str(node.value)
        message = "a key that is not text; put it in quotes"
        self._problem(self._mark(node), path, message)
        return None

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        try:
            return self.constructor.construct_object(node)
        except SCALAR_ERRORS:
            message = "is not what its YAML tag or its looks say; put it in quotes to mean text"
            return self._problem(self._mark(node), path, message)

    def _too_many(self, mark: Mark, path: KeyPath) -> None:
        if self.nodes == MAX_NODES + 1:
            self._problem(mark, path, f"there are more than {MAX_NODES:,} values")

    def _mark(self, node: yaml.Node) -> Mark:
        start = node.start_mark
        return Mark(self.document.name, start.line + 1, start.column + 1)

    def _problem(self, mark: Mark, path: KeyPath, message: str) -> None:
        self.document.problems.append(Problem(mark, dotted(path), message))


def _syntax(name: str, error: yaml.MarkedYAMLError) -> Problem:
    """Say what the parser said, without the words of the file: one of them may be a password."""
    found = error.problem_mark or error.context_mark
    mark = Mark(name, found.line + 1, found.column + 1) if found else Mark(name)
    problem = error.problem or "cannot be read"
    if "undefined alias" in problem:
        hint = "A value that begins with '*' is a reference; put it in quotes to mean text."
        return Problem(mark, "", "YAML: there is no anchor of this name", hint)
    if "'\\t'" in problem:
        return Problem(mark, "", "YAML: a tab", "YAML is indented with spaces.")
    words = [f"'{each}'" if len(each) < 2 or each[0] == "<" else "…" for each in _quoted(problem)]
    return Problem(mark, "", "YAML: " + problem.split("'")[0] + _rest(problem, words))


def _quoted(text: str) -> list[str]:
    return text.split("'")[1::2]


def _rest(text: str, words: list[str]) -> str:
    plain = text.split("'")[2::2]
    return "".join(word + after for word, after in zip(words, [*plain, ""], strict=False))


def _unreadable(name: str, text: str, error: yaml.reader.ReaderError) -> Problem:
    before = text[: error.position]
    mark = Mark(name, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
    return Problem(mark, "", "YAML: a character that is not allowed; write it as an escape")
