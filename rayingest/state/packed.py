"""What many descriptors have written, in little memory: a mapping that keeps each answer encoded.

Equal answers are encoded equally, so that two mappings are compared without decoding them.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import msgspec

from rayingest.model import EntityType

EDGE = "lineage"  # the one kind of fact whose end is looked for (see `edges`)
LEFT = "left"  # instead of a hash: no content is like that
HEX = 32  # digits of a hash; such ones are kept as half as many bytes

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Any]).decode
_KINDS = tuple(each.value for each in EntityType)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}


class Stored(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One entity or fact that the sink has; without a `hash` nobody knows with what content."""

    type: str
    fqn: str
    hash: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it: type and FQN."""
        return self.type, self.fqn

    @property
    def is_left(self) -> bool:
        """Whether its descriptor has not written it when it was asked last."""
        return self.hash == LEFT


class Packed(MutableMapping[str, tuple[Stored, ...]]):
    """Descriptor's id -> what it has written."""

    def __init__(self, told: Mapping[str, tuple[Stored, ...]] | None = None) -> None:
        self._kept: dict[str, bytes] = {}
        if isinstance(told, Packed):
            self._kept.update(told._kept)  # noqa: SLF001 - one of its own
        elif told is not None:
            self.update(told)

    def __setitem__(self, identity: str, written: tuple[Stored, ...]) -> None:
        flat: list[Any] = []
        for each in written:
            flat.append(_NUMBERS.get(each.type, each.type))
            flat.append(None if each.fqn == identity else each.fqn)
            flat.append(_short(each.hash))
        self._kept[identity] = _encode(flat)

    def __getitem__(self, identity: str) -> tuple[Stored, ...]:
        return _unpacked(identity, self._kept[identity])

    def __delitem__(self, identity: str) -> None:
        del self._kept[identity]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, identity: object) -> bool:
        return identity in self._kept

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Packed):
            return self._kept == other._kept
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self)!r})"

    def take(self, identity: str, other: "Packed") -> None:
        """What the other one has of a descriptor, as it is."""
        self._kept[identity] = other._kept[identity]  # noqa: SLF001 - one of its own

    def same(self, identity: str, other: "Packed") -> bool:
        """Whether the other one has just this of a descriptor."""
        return self._kept.get(identity) == other._kept.get(identity)  # noqa: SLF001


def _short(digest: str) -> bytes | str:
    if len(digest) == HEX:
        try:
            short = bytes.fromhex(digest)
        except ValueError:
            return digest
        if short.hex() == digest:
            return short
    return digest


def _unpacked(identity: str, kept: bytes) -> tuple[Stored, ...]:
    flat = iter(_decode(kept))
    return tuple(
        [
            Stored(
                kind if isinstance(kind, str) else _KINDS[kind],
                identity if fqn is None else fqn,
                digest.hex() if isinstance(digest, bytes) else digest,
            )
            for kind, fqn, digest in zip(flat, flat, flat, strict=True)
        ]
    )
