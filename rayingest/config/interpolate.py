"""Put `${VAR}`, `${VAR:-default}` and `${file:/path}` into the values of a parsed config."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rayingest.config.problems import KeyPath

REFERENCE = re.compile(
    r"\$(?P<escaped>\$)\{|\$\{(?:file:(?P<file>[^}]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"(?::-(?P<default>[^}]*))?)\}|(?P<broken>\$\{)"
)
FORMS = "Write ${NAME}, ${NAME:-default}, ${file:/path}, or $${ for the characters themselves."


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A value that could not be filled in, and why; stands in the tree in its place."""

    why: str
    hint: str


@dataclass(frozen=True, slots=True)
class Variables:
    """Values by reference: the environment wins over what was `sent`; `used` notes what was read.

    With `elsewhere`, what is missing here is there where the run will be: the reference stays as it is
    written, counts as a text, and is noted.
    """

    environ: Mapping[str, str]
    sent: Mapping[str, str] = field(default_factory=dict, repr=False)
    used: dict[str, str] = field(default_factory=dict, repr=False)
    elsewhere: set[str] | None = None

    def fill(self, text: str) -> str | Unresolved:
        """Replace every reference in one value."""
        parts: list[str] = []
        end = 0
        for found in REFERENCE.finditer(text):
            value = self._one(found)
            if isinstance(value, Unresolved):
                return value
            parts += [text[end : found.start()], value]
            end = found.end()
        return "".join([*parts, text[end:]])

    def _one(self, found: re.Match[str]) -> str | Unresolved:
        if found["escaped"]:
            return "${"
        if found["broken"]:
            return Unresolved("'${' begins no reference here", FORMS)
        if found["file"]:
            return self._file(found["file"])
        return self._variable(found["name"], found["default"])

    def _variable(self, name: str, default: str | None) -> str | Unresolved:
        value = self.environ.get(name, self.sent.get(name))
        if default is not None and not value:
            return default
        if value is None and self.elsewhere is not None:
            return _noted(self.elsewhere, name)
        if value is None:
            why = f"the variable {name} is not set"
            return Unresolved(why, f"export {name}=…, or give a default: ${{{name}:-…}}")
        self.used[name] = value
        return value

    def _file(self, name: str) -> str | Unresolved:
        try:
            value = Path(name).expanduser().read_text("utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, ValueError, RuntimeError) as error:
            if self.elsewhere is not None:
                return _noted(self.elsewhere, f"file:{name}")
            if f"file:{name}" not in self.sent:
                why = error.strerror if isinstance(error, OSError) else "not a text file"
                return Unresolved(f"cannot read the file {name}: {why}", "Mount or create it.")
            value = self.sent[f"file:{name}"]
        self.used[f"file:{name}"] = value
        return value


def references(tree: Any) -> set[str]:
    """What a tree cannot do without: `NAME` and `file:/path`, but for those that have a default."""
    found: set[str] = set()

    def look(text: str) -> str:
        for each in REFERENCE.finditer(text):
            if each["file"] or (each["name"] and each["default"] is None):
                found.add(each["name"] or f"file:{each['file']}")
        return text

    _mapped(tree, look)
    return found


def _noted(elsewhere: set[str], name: str) -> str:
    elsewhere.add(name)
    return f"${{{name}}}"


def resolve(tree: Any, variables: Variables) -> Any:
    """Copy a tree with all references filled in; `Unresolved` stands where that failed."""
    return _mapped(tree, variables.fill)


def unresolved(tree: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Unresolved]]:
    """Find what could not be filled in."""
    match tree:
        case Unresolved():
            yield path, tree
        case dict():
            for key, value in tree.items():
                yield from unresolved(value, (*path, key))
        case list():
            for index, value in enumerate(tree):
                yield from unresolved(value, (*path, index))
        case _:
            return


def _mapped(tree: Any, change: Callable[[str], Any]) -> Any:
    match tree:
        case str():
            return change(tree)
        case dict():
            return {key: _mapped(value, change) for key, value in tree.items()}
        case list():
            return [_mapped(value, change) for value in tree]
        case _:
            return tree
