"""Descriptions of earlier runs that are still believed: their change tokens say that nothing is new."""

from collections.abc import Callable

from rayingest.core.source import EntityDescriptor
from rayingest.execute.events import Chunk, Written
from rayingest.model import EntityType
from rayingest.state.packed import Stored
from rayingest.state.shard import Shard
from rayingest.state.tokens import TOKEN, Window

# What is known of the scope of a descriptor, while the sink still has all of it.
Believed = Callable[[EntityDescriptor], Shard | None]


class Beliefs:
    """Tokens of what is under way, to be kept if all of it arrives; without a `window` there are none."""

    def __init__(self, window: Window | None) -> None:
        self._window = window
        self._tokens: dict[tuple[EntityType, str], Stored] = {}

    def note(self, chunk: Chunk) -> None:
        """What is described from here on is so as its token says, or newer."""
        if self._window is None or chunk.kind == "deferred":
            return
        for each in chunk.items:
            self._tokens.pop((each.type, each.id), None)
            if each.token is not None:
                self._tokens[each.type, each.id] = self._window.kept(each.id, each.token)

    def unchanged(self, chunk: Chunk, believed: Believed) -> dict[str, list[Written]]:
        """Members that need not be described, and what the sink has of them."""
        found: dict[str, list[Written]] = {}
        if self._window is None or chunk.kind != "process":
            return found
        for each in chunk.items:
            if each.token is None or (shard := believed(each)) is None:
                continue
            stored = shard.present.get(each.id, ())
            if self._window.unchanged(stored, each.token):
                found[each.id] = [
                    Written(one.type, one.fqn, one.hash, "unchanged")
                    for one in stored
                    if one.type != TOKEN
                ]
                # The day stays that of the description.
                told = next(one for one in stored if one.type == TOKEN)
                self._tokens[each.type, each.id] = told
        return found

    def forget(self, entity_type: EntityType, identity: str) -> None:
        """It is read again, whatever its token says."""
        self._tokens.pop((entity_type, identity), None)

    def take(self, entity_type: EntityType, identity: str) -> Stored | None:
        """The token of what has come to its end."""
        return self._tokens.pop((entity_type, identity), None)
