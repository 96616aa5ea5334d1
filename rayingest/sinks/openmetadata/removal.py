"""Delete softly: exactly what is asked for, at once where the server agrees, else one by one.

`deleteStale` deletes whatever lies in a scope and was not seen. It is used where its dry run names
exactly what we want to be gone: nothing more, which somebody else may have put there, and nothing
less. Whatever it does not say it has deleted is then deleted by name. What a refusal means:
* 404 for an entity: it is not there, or deleted already: unchanged.
* 404 for the whole collection, 403, and anything else but 5xx: refused, and the next one is tried.
* 5xx twice, eight times in a row: SinkDown.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from rayingest.core.sink import ACKNOWLEDGED, UNCHANGED, Answer
from rayingest.errors import SinkError
from rayingest.sinks.openmetadata import bulk, places
from rayingest.sinks.openmetadata.client import Client, Reply
from rayingest.sinks.openmetadata.patience import Patience

MOST_SEEN = 10_000  # names in one request; the server compares them all
_LEAST = 3  # a dry run and its deletion are two calls: as many as two entities need
_SOFTLY = {"hardDelete": "false", "recursive": "true"}
_HINTS = {
    403: "Give the bot a role that may delete this type (operation Delete).",
    404: "The server does not know this type: see `rayingest check` for its version.",
}
_STAYS = "It stays in the catalogue: delete it there, or run again."
_log = logging.getLogger(__name__)


class Remover:
    """Deletes entities of one type; used by several threads at once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._not_at_once: set[str] = set()
        self._known: set[str] = set()

    def delete(
        self, entity_type: str, fqns: Sequence[str], scope: str, seen: Collection[str] | None
    ) -> list[Answer]:
        """One answer per FQN. Raises SinkDown, SinkUnauthorised or ConfigError for all of them."""
        if entity_type not in places.COLLECTIONS:
            return [_no_place(entity_type)] * len(fqns)
        gone = self._at_once(entity_type, set(fqns), scope, seen)
        patience = Patience(self._client)
        return [
            ACKNOWLEDGED if name in gone else self._one(entity_type, name, patience)
            for name in fqns
        ]

    def try_one(self, entity_type: str, name: str) -> Answer:
        """What deleting would be answered, as far as reading tells."""
        if entity_type not in places.COLLECTIONS:
            return _no_place(entity_type)
        return self._judged(
            entity_type, self._client.call("GET", places.by_name(entity_type, name))
        )

    def _one(self, entity_type: str, name: str, patience: Patience) -> Answer:
        path = places.by_name(entity_type, name)
        reply = patience.ask(lambda: self._client.call("DELETE", path, params=_SOFTLY))
        return self._judged(entity_type, reply)

    def _judged(self, entity_type: str, reply: Reply) -> Answer:
        if reply.ok:
            return ACKNOWLEDGED
        if reply.status == 404 and (reply.is_about_entity or self._knows(entity_type)):
            return UNCHANGED
        hint = _HINTS.get(reply.status, _STAYS)
        return Answer("refused", f"{reply.status}: {reply.message}", hint)

    def _knows(self, entity_type: str) -> bool:
        """Whether there is such a collection: without it nothing was deleted, and nothing is gone."""
        if entity_type not in self._known:
            path = f"/{places.COLLECTIONS[entity_type]}"
            if not self._client.call("GET", path, params={"limit": "1"}).ok:
                return False
            self._known.add(entity_type)
        return True

    # --- at once ---

    def _at_once(
        self, entity_type: str, wanted: set[str], scope: str, seen: Collection[str] | None
    ) -> set[str]:
        """What `deleteStale` says it has deleted; nothing unless it agrees with us."""
        level = places.level(entity_type, scope)
        if seen is None or level is None or len(wanted) < _LEAST or len(seen) > MOST_SEEN:
            return set()
        if entity_type in self._not_at_once:
            return set()
        request = {
            "scopeFqn": scope,
            "scopeEntityType": level,
            "seenFqns": list(seen),
            "recursive": True,
            "hardDelete": False,
        }
        if self._stale(entity_type, request, dry=True) != wanted:
            return set()
        gone = self._stale(entity_type, request, dry=False) or set()
        for stray in gone - wanted:  # it came between the dry run and the deletion
            self._restore(entity_type, stray)
        return gone & wanted

    def _stale(self, entity_type: str, request: Mapping[str, Any], *, dry: bool) -> set[str] | None:
        path = f"/{places.COLLECTIONS[entity_type]}/deleteStale"
        body = msgspec.json.encode({**request, "dryRun": dry})
        reply = self._client.call("DELETE", path, body)
        if reply.status in (404, 405) and not reply.is_about_entity:
            self._not_at_once.add(entity_type)
        return _deleted(reply.data, dry=dry) if reply.ok else None

    def _restore(self, entity_type: str, name: str) -> None:
        path = places.by_name(entity_type, name)
        try:
            reply = self._client.call("GET", path, params={"include": "deleted"})
            if reply.ok and isinstance(reply.data, dict):
                body = msgspec.json.encode({"id": reply.data.get("id")})
                path = f"/{places.COLLECTIONS[entity_type]}/restore"
                reply = self._client.call("PUT", path, body)
            why = None if reply.ok else f"{reply.status} {reply.message}"
        except SinkError as error:
            why = str(error)
        if why is not None:
            _log.warning(
                "%s %s was deleted by deleteStale although its dry run did not say so,"
                " and could not be restored: %s",
                entity_type,
                name,
                why,
            )


def _no_place(entity_type: str) -> Answer:
    return Answer("refused", f"metadata-rest has no place for {entity_type}", "Nothing is there.")


def _deleted(data: Any, *, dry: bool) -> set[str] | None:
    """The FQNs that a BulkOperationResult says are, or would be, deleted; None: it leaves a doubt."""
    if not isinstance(data, dict) or data.get("dryRun", False) is not dry:
        return None
    told = [each.get("request") for each in bulk.responses(data, "successRequest")]
    names = {each for each in told if isinstance(each, str)}
    whole = data.get("status") == "success" and data.get("numberOfRowsProcessed") == len(names)
    return names if whole or not dry else None
