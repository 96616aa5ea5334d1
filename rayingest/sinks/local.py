"""What the sinks without a server share: every reference at once, no secret, the FQN in the body."""

from collections.abc import Sequence

import msgspec

from rayingest.core.sink import Answer, Row
from rayingest.model import Entity, EntityType, Fact
from rayingest.sinks import spelling

ENTITIES = frozenset(each.value for each in EntityType)


class _Named(msgspec.Struct, rename="camel"):
    fully_qualified_name: str


class _Target(msgspec.Struct, rename="camel"):
    target_type: str
    target_fqn: str


_named = msgspec.json.Decoder(_Named)
_target = msgspec.json.Decoder(_Target)


def unreadable(row: Row) -> Answer | None:
    """A refusal of a row whose body is not one line of JSON about its FQN."""
    try:
        right = _named.decode(row.body).fully_qualified_name == row.fqn and b"\n" not in row.body
    except (msgspec.DecodeError, UnicodeDecodeError):
        right = False
    return None if right else Answer("refused", f"{row.type} {row.fqn!r}: its body cannot be read")


def target(fact: bytes) -> tuple[str, str] | None:
    """The type and FQN of the entity that an encoded fact is about; None for what is no fact."""
    try:
        told = _target.decode(fact)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return told.target_type, told.target_fqn


class LocalSpelling:
    """The spelling half of a session."""

    def encode(self, entity: Entity) -> Row:
        """Spell one entity. Raises Refused for what cannot be spelled."""
        return spelling.local_row(entity)

    def encode_fact(self, fact: Fact) -> Row:
        """Spell one fact."""
        return spelling.local_fact(fact)

    def without(self, row: Row, missing: Sequence[str]) -> Row:
        """The row itself: a reference to what is missing is kept as the source told it."""
        return row
