"""The contract between a sink and whatever feeds it.

The engine buffers rows and calls `write`; a sink only knows how one entity is spelled and how a
batch is sent. Writing the same row twice must be the same as writing it once.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Literal, Protocol

import msgspec

from rayingest.core.source import CheckResult
from rayingest.model import Entity, EntityType, Fact


class Placement(StrEnum):
    """Where a sink writes: beside the source sessions, or in the driver alone."""

    WORKER = "worker"
    DRIVER = "driver"


def identity(kind: str, fqn: str) -> str:
    """What stands for an entity where it is referred to: a chart and a dashboard may share an FQN."""
    return f"{kind}:{fqn}"


class Row(msgspec.Struct, frozen=True, gc=False):
    """One entity (or fact) as the sink spells it.

    `body` is what is sent; `hash` identifies its content (32 hex digits). A row with `needs` holds
    references to entities (`identity`) that must exist first: the engine sends `partial` now, when there
    is one, and `body` when all entities of the run are written. `known` is the hash of what the sink has
    of it already: then nothing is sent before it is clear what it refers to. `kept`: a name and a text
    that the state has of it instead of FQN and hash.
    """

    type: str
    fqn: str
    body: bytes
    hash: str
    partial: bytes | None = None
    needs: tuple[str, ...] = ()
    known: str = ""
    kept: tuple[str, str] | None = None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What became of one row: acknowledged, unchanged (the sink had it already), or refused and why."""

    outcome: Literal["acknowledged", "unchanged", "refused"]
    why: str | None = None
    hint: str | None = None


ACKNOWLEDGED = Answer("acknowledged")
UNCHANGED = Answer("unchanged")


class Catalogue(Protocol):
    """The read side of a sink."""

    def list(
        self, entity_type: EntityType, scope: str, *, full: bool = False
    ) -> Iterator[dict[str, object]]:
        """Entities of a type below an FQN; `full`: with all that a sink writes of them. Raises SinkError."""
        ...

    def get(self, entity_type: EntityType, fqns: Sequence[str]) -> dict[str, dict[str, object]]:
        """Entities by FQN; the unknown ones are left out."""
        ...

    def count(self, entity_type: EntityType, scope: str) -> int | None:
        """How many entities of a type, the deleted ones left out, lie below an FQN at any depth.

        '' counts all of the type; None: this sink cannot say, or not cheaply. Raises SinkError.
        """
        ...


class SinkSession(Protocol):
    """An open sink, used by several threads at once."""

    def encode(self, entity: Entity) -> Row:
        """Spell one entity. Pure but for cached look-ups; raises Refused for what cannot be spelled."""
        ...

    def encode_fact(self, fact: Fact) -> Row:
        """Spell one fact. Raises Refused where the sink has no place for it."""
        ...

    def without(self, row: Row, missing: Sequence[str]) -> Row:
        """The row's full body without its references to these identities, which do not exist anywhere."""
        ...

    def write(self, entity_type: str, rows: Sequence[Row]) -> Sequence[Answer]:
        """Send rows of one type; one answer each, in order.

        Raises SinkDown or SinkUnauthorised when nothing can be said about any of them: the engine
        keeps them and asks again.
        """
        ...

    def delete(
        self,
        entity_type: str,
        fqns: Sequence[str],
        *,
        scope: str,
        seen: Collection[str] | None = None,
    ) -> Sequence[Answer]:
        """Delete exactly these entities (or lineage edges) of one type and all that lies below them.

        Softly, where the sink knows the difference: written again, they are alive again. `scope` is
        the FQN that all of them lie below; `seen`, where the caller knows, is every entity of this
        type below it that is to stay. One answer each, in order: acknowledged, unchanged (it is not
        there, or deleted already) or refused.

        Raises SinkDown or SinkUnauthorised as `write` does; asking again is harmless.
        """
        ...

    @property
    def catalogue(self) -> Catalogue | None:
        """The read side; None where there is nothing to read."""
        ...

    @property
    def calls(self) -> int:
        """Requests (statements) so far."""
        ...


class Sink(Protocol):
    """How to open a sink: a value that pickles; secrets only as SecretStr."""

    @property
    def identity(self) -> str:
        """Which catalogue this is, the same in every run, free of secrets: state is kept under it."""
        ...

    @property
    def placement(self) -> Placement:
        """Where `write` is called."""
        ...

    @property
    def max_rows(self) -> int:
        """Rows per `write`, at most."""
        ...

    @property
    def max_bytes(self) -> int:
        """Bytes of bodies per `write`, roughly at most."""
        ...

    @property
    def concurrency(self) -> int:
        """Calls of `write` at the same time in the whole run."""
        ...

    def open(self, *, dry_run: bool = False) -> AbstractContextManager[SinkSession]:
        """Connect lazily; with `dry_run` rows are validated as far as possible, and nothing changes."""
        ...

    def check(self) -> Iterator[CheckResult]:
        """Say whether a run could write: reachable, authorised, which version."""
        ...
