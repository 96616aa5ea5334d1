"""What the sinks without a server share: every reference at once, no secret, the FQN in the body."""

from collections.abc import Sequence

import msgspec

from rayingest.core.sink import Answer, Row
from rayingest.model import Entity, Fact
from rayingest.sinks import spelling


class _Named(msgspec.Struct, rename="camel"):
    fully_qualified_name: str


_named = msgspec.json.Decoder(_Named)


def unreadable(row: Row) -> Answer | None:
    """A refusal of a row whose body is not one line of JSON about its FQN."""
    try:
        right = _named.decode(row.body).fully_qualified_name == row.fqn and b"\n" not in row.body
    except (msgspec.DecodeError, UnicodeDecodeError):
        right = False
    return None if right else Answer("refused", f"{row.type} {row.fqn!r}: its body cannot be read")


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
