"""What an expression of Power Query's language M is made of."""

from collections.abc import Mapping
from dataclasses import dataclass


class NotUnderstood(Exception):
    """This is no M, or more of it than is read here."""


# --- the tree ---


@dataclass(frozen=True)
class Text:
    """A text."""

    value: str


@dataclass(frozen=True)
class Name:
    """What another expression is called, or a function of the library."""

    name: str


@dataclass(frozen=True)
class Call:
    """A function with arguments."""

    function: "Tree"
    arguments: tuple["Tree", ...]


@dataclass(frozen=True)
class Item:
    """One of a list or table: `of{key}`."""

    of: "Tree"
    key: "Tree"


@dataclass(frozen=True)
class Field:
    """One field of a record: `of[name]`; of whatever row it is about when `of` is None."""

    of: "Tree | None"
    name: str


@dataclass(frozen=True)
class Record:
    """Values by name."""

    fields: Mapping[str, "Tree"]


@dataclass(frozen=True)
class Joined:
    """Two with `&` between them."""

    left: "Tree"
    right: "Tree"


@dataclass(frozen=True)
class Parts:
    """Whatever is made of these: a list, a sum, a choice."""

    parts: tuple["Tree", ...] = ()


@dataclass(frozen=True)
class Let:
    """Named steps, and what they lead to."""

    steps: Mapping[str, "Tree"]
    body: "Tree"


@dataclass(frozen=True)
class Function:
    """A function that is written there."""

    parameters: tuple[str, ...]
    body: "Tree"


Tree = Text | Name | Call | Item | Field | Record | Joined | Parts | Let | Function
NOTHING = Parts()
