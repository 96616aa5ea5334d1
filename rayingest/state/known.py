"""What is known of a service from earlier runs: which entities the sink has, and with what content.

    <stateUrl>/<service>/state/<key>/
        key.json                      which sink, service and config the key stands for
        index.jsonl                   the heads of all shards; taken away while a run changes them
        <entity type>/<digest>.jsonl  a shard, one scope: its head, then a record per descriptor

Shards and index are checksummed like segments. A shard that is torn or of another version is
unknown, which is never the same as empty.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import msgspec

from rayingest.model import EntityType
from rayingest.state.run_directory import pack, safe, unpack
from rayingest.state.shard import (
    BROKEN,
    VERSION,
    Head,
    Key,
    Scope,
    Shard,
    decode_head,
    decoded,
    exported,
    name_of,
    unpacked,
)
from rayingest.state.store import Store, store

INDEX = "index.jsonl"
KEY = "key.json"
_SHARD = re.compile(r"\w+/[0-9a-f]{32}\.jsonl")


class _Index(msgspec.Struct, frozen=True):
    """The index's first record; the heads of all shards that could be read follow."""

    version: str
    unreadable: list[str]
    doubted: list[str]


_decode_index = msgspec.json.Decoder(_Index).decode


class KnownState:
    """The shards of one key; used by one driver at a time.

    `warnings` tells what could not be read; `unreadable` names the shards of which that still holds.
    """

    def __init__(self, kept: Store, about: Mapping[str, str]) -> None:
        self.store = kept
        self.about = dict(about)
        self.warnings: list[str] = []
        self.unreadable: set[str] = set()
        self._heads: dict[Scope, Head] = {}
        self._unread: set[str] = set()  # shards whose heads are not known yet
        self._doubted: set[str] = set()  # shards that a run may have outdated and did not commit
        self._looked = False
        self._begun = False

    @classmethod
    def open(
        cls,
        state_url: str,
        service: str,
        sink_identity: str,
        config_name: str,
        *,
        mapping: str = "",
    ) -> "KnownState":
        """The state of (sink, service, config); nothing is read or written yet. Raises StateError."""
        whose = msgspec.json.encode([sink_identity, service, config_name])
        key = hashlib.sha256(whose).hexdigest()[:32]
        about = {
            "sink": sink_identity,
            "service": service,
            "config": config_name,
            "mapping": mapping,
        }
        return cls(store(f"{state_url.rstrip('/')}/{safe(service)}/state/{key}"), about)

    # --- reading ---

    def load(self, entity_type: EntityType, scope: str) -> Shard | None:
        """What is known of a scope; None: nothing, which does not mean that nothing is there.

        What a run that never closed may have written since has no context, so that no hash of it
        counts. Raises StateError when the store does not answer.
        """
        self._look()
        name = name_of(entity_type, scope)
        if (entity_type, scope) not in self._heads and name not in self._unread:
            return None
        opened = self._opened(name)
        if opened is None:
            return None
        head, lines = opened
        try:
            shard = decoded(head, lines)
        except BROKEN as error:
            self._give_up(name, str(error))
            return None
        return replace(shard, context="") if name in self._doubted else shard

    def heads(self) -> Mapping[Scope, Head]:
        """All shards in short. Raises StateError."""
        self._look()
        for name in sorted(self._unread):
            self._opened(name)
        return self._heads

    def scopes(self) -> Iterator[Scope]:
        """The scopes of which something is known, in order. Raises StateError."""
        yield from sorted(self.heads())

    def members(self, types: Collection[EntityType]) -> dict[Scope, tuple[str, ...]]:
        """Ids of the descriptors, missing ones included, of all scopes of these types."""
        found = {}
        for scope in [each for each in self.scopes() if each[0] in types]:
            if (shard := self.load(*scope)) is not None:
                ids = dict.fromkeys((*shard.present, *(each.id for each in shard.missing)))
                found[scope] = tuple(ids)
        return found

    def holders(self, wanted: Collection[Key]) -> set[Key]:
        """Which of these entities exist as far as any scope knows; reads all shards."""
        found: set[Key] = set()
        if not wanted:
            return found
        for scope in self.scopes():
            if (shard := self.load(*scope)) is not None:
                for written in shard.present.values():
                    found.update(each.key for each in written if each.key in wanted)
        return found

    def export(self) -> Iterator[dict[str, Any]]:
        """Everything as JSON-able records: the key, then one per descriptor or missing entity."""
        yield {"record": "key", **self.about}
        for scope in self.scopes():
            if (shard := self.load(*scope)) is not None:
                yield from exported(shard)

    # --- writing ---

    def begin(self) -> None:
        """Say, before anything is written to the sink, that the state is about to change.

        From here to `close` there is no index. Raises StateError.
        """
        if not self._begun:
            self._look()
            self.store.put(KEY, msgspec.json.format(msgspec.json.encode(self.about)))
            self.store.delete(INDEX)
            self._begun = True

    def commit(self, shard: Shard, *, instead_of: Shard | None = None) -> bool:
        """Keep a scope's shard whole; False: what it is `instead_of` says it all already.

        Raises StateError.
        """
        if instead_of is not None and shard.tells_the_same(instead_of):
            return False
        self.begin()
        head = shard.head()
        name = name_of(*shard.key)
        self.store.put(name, pack(chain((head,), shard.records())))
        self._drop(name)
        self._heads[shard.key] = head
        return True

    def doubt(self, entity_type: EntityType, scope: str) -> None:
        """Let no hash of a scope count until it is committed: somebody may change it at the sink."""
        self._doubted.add(name_of(entity_type, scope))

    def doubt_others(self, run_id: str | None) -> None:
        """Let no hash count of a scope that another run than this has kept. Raises StateError.

        Whoever is doubted stays so, also in later runs, until it is committed.
        """
        self.begin()
        for scope, head in self._heads.items():
            if head.run_id != run_id:
                self.doubt(*scope)

    def forget(self, entity_type: EntityType, scope: str) -> None:
        """Know nothing of a scope any more. Raises StateError."""
        self.begin()
        name = name_of(entity_type, scope)
        self.store.delete(name)
        self._drop(name)
        self._heads.pop((entity_type, scope), None)

    def reset(self) -> None:
        """Know nothing of any scope any more. Raises StateError."""
        for name in (INDEX, *self.store.names()):
            self.store.delete(name)
        for each in (self._heads, self._unread, self._doubted, self.unreadable):
            each.clear()
        self._begun = False

    def close(self) -> None:
        """Leave an index for the next run, when all that was written is committed. Raises StateError."""
        if self._begun:
            heads = self.heads()
            about = _Index(VERSION, sorted(self.unreadable), sorted(self._doubted))
            self.store.put(INDEX, pack([about, *(heads[each] for each in sorted(heads))]))
            self._begun = False

    # --- objects ---

    def _look(self) -> None:
        """Learn which shards there are: from the index, else from their names."""
        if not self._looked and not self._take_index():
            names = self.store.names()
            self._unread = {each for each in names if _SHARD.fullmatch(each)}
            self._doubted = {*self._unread}
        self._looked = True

    def _take_index(self) -> bool:
        try:
            data = self.store.get(INDEX)
        except FileNotFoundError:
            return False
        try:
            lines = unpack(data) or iter(())
            index = _decode_index(next(lines, b""))
            heads = [decode_head(each) for each in lines]
        except BROKEN:
            return False  # the shards say it again
        if index.version == VERSION:
            self._heads = {each.key: each for each in heads}
            self.unreadable, self._doubted = {*index.unreadable}, {*index.doubted}
        return index.version == VERSION

    def _opened(self, name: str) -> tuple[Head, Iterator[bytes]] | None:
        """A shard's head and records; None, and a warning, when it cannot be read."""
        try:
            data = self.store.get(name)
        except FileNotFoundError:
            self._unread.discard(name)
            self._heads = {key: head for key, head in self._heads.items() if name_of(*key) != name}
            return None
        try:
            head, lines = unpacked(data, name)
        except BROKEN as error:
            self._give_up(name, str(error))
            return None
        self._heads[head.key] = head
        self._unread.discard(name)
        return head, lines

    def _give_up(self, name: str, reason: str) -> None:
        """A shard that says nothing. Its head, when the index had it, still counts."""
        self._unread.discard(name)
        if name not in self.unreadable:
            self.unreadable.add(name)
            self.warnings.append(
                f"What was known of a scope cannot be read ({self.store.url}/{name}: {reason})."
                " It is read and written anew; what vanished from it will not be noticed."
            )

    def _drop(self, name: str) -> None:
        for each in (self._unread, self._doubted, self.unreadable):
            each.discard(name)
