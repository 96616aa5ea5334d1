"""Delete lineage edges: only those that still say that a view's text is where they come from.

The server keeps one edge for two tables, whoever wrote it last. What has another `source` by now is
somebody else's (entered by hand, read from queries, dbt's), and stays. What a refusal means:
* 404 for a table or for the edge: it is not there: unchanged. 404 for the path is none of these.
* anything else but 5xx: refused, and the next one is tried; 5xx as in `removal`.

https://docs.open-metadata.org/v1.12.x/api-reference/lineage/delete
"""

from collections.abc import Sequence
from typing import Any

from rayingest.core.sink import ACKNOWLEDGED, UNCHANGED, Answer
from rayingest.model import EntityType
from rayingest.sinks.openmetadata import places
from rayingest.sinks.openmetadata.client import Client, Reply
from rayingest.sinks.openmetadata.patience import Patience
from rayingest.sinks.openmetadata.rows import ARROW

TABLE = EntityType.TABLE.value
OURS = "ViewLineage"
NO_PATH = "HTTP 404"  # what a server says that does not know a path at all
_HINTS = {403: "Give the bot a role that may edit lineage (operation EditLineage) of tables."}
_STAYS = "It stays in the catalogue: delete it there, or run again."


class Unlinker:
    """Deletes edges between tables; used by several threads at once."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def delete(self, names: Sequence[str]) -> list[Answer]:
        """One answer for each edge. Raises SinkDown, SinkUnauthorised or ConfigError for all of them."""
        patience = Patience(self._client)
        return [self._one(name, patience) for name in names]

    def _one(self, name: str, patience: Patience) -> Answer:
        source, _, target = name.partition(ARROW)  # an FQN has no arrow in it: they are encoded
        ids = []
        for each in (source, target):
            reply = self._get(places.by_name(TABLE, each), patience)
            if not reply.ok or not isinstance(reply.data, dict):
                return _refused(reply)
            ids.append(str(reply.data.get("id")))
        return self._between(*ids, patience=patience)

    def _between(self, source: str, target: str, *, patience: Patience) -> Answer:
        found = self._get(f"/lineage/getLineageEdge/{source}/{target}", patience)
        if not found.ok:
            return _refused(found)
        if origin(found.data) != OURS:
            return UNCHANGED
        path = f"/lineage/{TABLE}/{source}/{TABLE}/{target}"
        reply = patience.ask(lambda: self._client.call("DELETE", path))
        if reply.ok:
            return ACKNOWLEDGED
        return _refused(reply)

    def _get(self, path: str, patience: Patience) -> Reply:
        return patience.ask(lambda: self._client.call("GET", path))


def origin(told: Any) -> str | None:
    """The `source` of an edge: beside its columns, or in the details, as servers differ."""
    edge = told.get("edge") if isinstance(told, dict) else None
    if not isinstance(edge, dict):
        return None
    details = edge.get("lineageDetails")
    said = details.get("source") if isinstance(details, dict) else edge.get("source")
    return said if isinstance(said, str) else None


def _refused(reply: Reply) -> Answer:
    if reply.status == 404 and not reply.message.startswith(NO_PATH):
        return UNCHANGED
    return Answer("refused", f"{reply.status}: {reply.message}", _HINTS.get(reply.status, _STAYS))
