"""A merged document on its way to a config: what it says, and what is wrong with it so far."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from rayingest.config.document import Document
from rayingest.config.interpolate import Unresolved, Variables, resolve, unresolved
from rayingest.config.problems import KeyPath, Problem, dotted
from rayingest.config.validation import Checked, at

M = TypeVar("M", bound=BaseModel)


@dataclass(slots=True)
class Draft:
    """The document, its tree with references filled in, and the problems."""

    document: Document
    tree: Any
    problems: list[Problem] = field(default_factory=list)

    def get(self, path: KeyPath) -> Any:
        """What stands at a path; None when nothing does, or nothing that could be filled in."""
        value = at(self.tree, path)
        return None if isinstance(value, Unresolved) else value

    def read(self, path: KeyPath, model: type[M]) -> M | None:
        """Validate one part. None when it is wrong."""
        value = self.get(path)
        if not isinstance(value, dict):
            return None
        return Checked(self.document, value, path).read(model, self.problems)

    def problem(self, path: KeyPath, message: str, hint: str | None = None) -> None:
        """Note a problem with the value at a path."""
        mark = self.document.value_mark(path)
        self.problems.append(Problem(mark, dotted(path), message, hint))


def draft(document: Document, variables: Variables) -> Draft:
    """Fill in the references of a document."""
    made = Draft(document, resolve(document.tree, variables), list(document.problems))
    for path, each in unresolved(made.tree):
        made.problem(path, each.why, each.hint)
    return made
