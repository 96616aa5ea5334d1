"""What is known of one scope: what each of its descriptors has written, and what is missing since when.

A shard is an object of its own (see `known`): its head, then a record per descriptor.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from rayingest.errors import StateError
from rayingest.model import USAGE, EntityType
from rayingest.state.packed import Packed, Stored
from rayingest.state.run_directory import unpack
from rayingest.state.tokens import TOKEN

VERSION = "rayingest.shard/1"
ENTITIES = frozenset(each.value for each in EntityType)
BROKEN = (StateError, msgspec.MsgspecError, UnicodeDecodeError)  # what reading one may raise

Scope = tuple[EntityType, str]
Key = tuple[str, str]  # type and FQN of an entity
# What the run that wrote a shard has shown: that absent means gone, that `Removed` was all there
# was to hear, or nothing about what it did not see.
Proof = Literal["absence", "removal", "nothing"]


class Known(msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="is", tag="known"):
    """What one descriptor of a scope has written."""

    id: str
    written: tuple[Stored, ...] = ()


class Missing(
    msgspec.Struct, frozen=True, gc=False, array_like=True, tag_field="is", tag="missing"
):
    """An entity that the sink has and the source, when it was last asked, had not.

    `id` is the descriptor that wrote it; `since` the run that missed it first; `withheld` the run
    that first kept it for a second look ('': none did); `removed`: the source itself said so;
    `buried`: it was deleted with its container, and may come back with that.
    """

    id: str
    type: EntityType
    fqn: str
    since: str
    withheld: str = ""
    removed: bool = False
    buried: bool = False

    @property
    def key(self) -> Key:
        """What identifies it."""
        return self.type.value, self.fqn


class Head(msgspec.Struct, frozen=True):
    """A shard in short; `counts` is entities by type, `missing` how many of them are missing."""

    version: str
    type: EntityType
    scope: str
    run_id: str
    context: str
    proof: Proof
    present: int
    missing: int
    counts: dict[str, int]

    @property
    def key(self) -> Scope:
        """The scope."""
        return self.type, self.scope


@dataclass(frozen=True, slots=True)
class Shard:
    """What is known of one scope, as `run_id` left it.

    `present` is what each descriptor wrote that exists as far as is known; `missing` waits for its
    deletion; `context` is a digest of all that shapes content besides the source (see `context`).
    """

    type: EntityType
    scope: str
    run_id: str
    context: str
    present: Mapping[str, tuple[Stored, ...]] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
    proof: Proof = "nothing"

    @property
    def key(self) -> Scope:
        """The scope."""
        return self.type, self.scope

    def hashes(self, ids: Iterable[str], context: str) -> dict[str, dict[str, str]]:
        """Type -> FQN -> hash of what these descriptors wrote; nothing under another context.

        By type, for a chart and a dashboard may share an FQN. What was missing is not vouched for.
        """
        found: dict[str, dict[str, str]] = {}
        if context == self.context:
            for identity in ids:
                for each in self.present.get(identity, ()):
                    if each.hash and each.type != TOKEN and not each.is_left:
                        found.setdefault(each.type, {})[each.fqn] = each.hash
        return found

    def totals(self, ids: Iterable[str]) -> dict[str, str]:
        """Name -> what these descriptors told of its uses, and when (see `usage`).

        It counts under any context but none: then somebody may have told more since.
        """
        if not self.context:
            return {}
        written = (each for identity in ids for each in self.present.get(identity, ()))
        return {each.fqn: each.hash for each in written if each.type == USAGE}

    def fqns(self, entity_type: EntityType, *, missing: bool = True) -> set[str]:
        """FQNs of one type that the sink has out of this scope; `missing` ones included or not."""
        kind = entity_type.value
        found = {each.fqn for each in self._stored() if each.type == kind}
        if missing:
            found.update(
                each.fqn for each in self.missing if each.type is entity_type and not each.buried
            )
        return found

    def count(self, entity_type: EntityType) -> int:
        """How many entities of one type the sink has out of this scope, missing ones included."""
        return len(self.fqns(entity_type))

    def counts(self) -> dict[str, int]:
        """How many entities of each type the sink has out of this scope."""
        kinds = {each.type for each in self._stored()} | {each.type.value for each in self.missing}
        return {kind: self.count(EntityType(kind)) for kind in sorted(kinds & ENTITIES)}

    def head(self) -> Head:
        """The shard in short."""
        sizes = len(self.present), len(self.missing)
        return Head(
            VERSION, *self.key, self.run_id, self.context, self.proof, *sizes, self.counts()
        )

    def records(self) -> Iterator[Known | Missing]:
        """What it says, in an order of its own."""
        for identity in sorted(self.present):
            yield Known(identity, self.present[identity])
        yield from sorted(self.missing, key=lambda each: each.key)

    def tells_the_same(self, other: "Shard") -> bool:
        """Whether the next run would learn the same from the other one."""
        return (
            self.key == other.key
            and self.context == other.context
            and self.missing == other.missing
            and (not self.missing or self.proof == other.proof)
            and self.present == other.present
        )

    def _stored(self) -> Iterator[Stored]:
        return (each for written in self.present.values() for each in written)


def context(mapping: str, options: Mapping[str, Any]) -> str:
    """A digest of the mapping's version and of those options that shape what is written."""
    said = msgspec.json.encode([mapping, options], order="deterministic")
    return hashlib.sha256(said).hexdigest()[:32]


def name_of(entity_type: EntityType, scope: str) -> str:
    """The name of a scope's shard; scopes may hold anything and be long."""
    digest = hashlib.sha256(scope.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{entity_type.value}/{digest[:32]}.jsonl"


decode_head = msgspec.json.Decoder(Head).decode
_decode_record = msgspec.json.Decoder(Known | Missing).decode


def unpacked(data: bytes, name: str) -> tuple[Head, Iterator[bytes]]:
    """A shard's head and records. Raises one of BROKEN."""
    lines = unpack(data) or iter(())
    first = next(lines, None)
    if first is None:
        raise StateError("it is incomplete")
    head = decode_head(first)
    if head.version != VERSION:
        raise StateError(f"its version is {head.version!r}, this rayingest reads {VERSION!r}")
    if name_of(*head.key) != name:
        raise StateError(f"it is about {head.type.value} in {head.scope!r}")
    return head, lines


def decoded(head: Head, lines: Iterable[bytes]) -> Shard:
    """The shard of a head and its records. Raises one of BROKEN."""
    present = Packed()
    missing = []
    for line in lines:
        record = _decode_record(line)
        if isinstance(record, Missing):
            missing.append(record)
        else:
            present[record.id] = record.written
    return Shard(*head.key, head.run_id, head.context, present, tuple(missing), head.proof)


def exported(shard: Shard) -> Iterator[dict[str, Any]]:
    """A shard as JSON-able records."""
    where = {"scopeType": shard.type.value, "scope": shard.scope, "run": shard.run_id}
    for each in shard.records():
        if isinstance(each, Known):
            written = [msgspec.structs.asdict(one) for one in each.written]
            yield {"record": "known", **where, "id": each.id, "written": written}
        else:
            yield {
                "record": "missing",
                **where,
                "id": each.id,
                "type": each.type.value,
                "fqn": each.fqn,
                "missingSince": each.since,
                "withheldIn": each.withheld or None,
                "removed": each.removed,
                "buried": each.buried,
            }
