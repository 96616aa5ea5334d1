"""The read side of the catalogue: lists, entities by FQN, and the connection of a service."""

from collections.abc import Iterator, Sequence
from typing import Any

from rayingest.core import fqn
from rayingest.errors import ConfigError, SinkError
from rayingest.model import EntityType
from rayingest.sinks.openmetadata import places
from rayingest.sinks.openmetadata.client import Client, Reply

_PAGE, _FULL_PAGE = "500", "100"
_FIELDS = {
    "table": "owners,tags,columns,tableConstraints,tablePartition,schemaDefinition",
    "dashboard": "owners,tags,charts,dataModels",
}
_ALIVE = {"include": "non-deleted"}


class OpenMetadataCatalogue:
    """Reads through the client of a session."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(
        self, entity_type: EntityType, scope: str, *, full: bool = False
    ) -> Iterator[dict[str, object]]:
        """Entities of a type below the FQN of a service, database or schema ('' for all)."""
        path = f"/{places.COLLECTIONS[entity_type.value]}"
        params = {"limit": _PAGE, **_ALIVE, **places.list_filter(entity_type.value, scope)}
        if full:
            fields = _FIELDS.get(entity_type.value, "owners,tags")
            params |= {"limit": _FULL_PAGE, "fields": fields}
        while True:
            page = self._ok(self._client.call("GET", path, params=params), path)
            for each in page.get("data") or ():
                if not scope or str(each.get("fullyQualifiedName")).startswith(f"{scope}."):
                    yield each
            after = (page.get("paging") or {}).get("after")
            if not after:
                return
            params["after"] = str(after)

    def count(self, entity_type: EntityType, scope: str) -> int | None:
        """How many are below an FQN, in one call; None where no filter of the API says just that."""
        within = places.list_filter(entity_type.value, scope)
        if bool(scope) != bool(within) or not places.is_exact(entity_type.value, within):
            return None
        path = f"/{places.COLLECTIONS[entity_type.value]}"
        params = {"limit": "1", **_ALIVE, **within}
        reply = self._client.call("GET", path, params=params)
        if reply.status == 404:
            return 0 if reply.is_about_entity else None
        total = (self._ok(reply, path).get("paging") or {}).get("total")
        return total if isinstance(total, int) else None

    def get(self, entity_type: EntityType, fqns: Sequence[str]) -> dict[str, dict[str, object]]:
        """Entities by FQN, in full; the unknown ones are left out."""
        found = {}
        for name in fqns:
            path = places.by_name(entity_type.value, name)
            reply = self._client.call("GET", path, params={"fields": "*"})
            if reply.status != 404:
                found[name] = self._ok(reply, path)
        return found

    def service_connection(self, kind: EntityType, name: str) -> dict[str, Any]:
        """The stored `connection.config` of a service. Raises ConfigError without one."""
        path = places.by_name(kind.value, fqn.quote(name))
        reply = self._client.call("GET", path, params={"fields": "*"})
        if reply.status == 404:
            raise ConfigError(
                f"The catalogue has no {kind.value} {name!r} to read the connection from.",
                hint="Write source.serviceConnection, or create the service in OpenMetadata.",
            )
        config = (self._ok(reply, path).get("connection") or {}).get("config")
        if not isinstance(config, dict) or len(config) < 2:
            raise ConfigError(
                f"The service {name!r} is in the catalogue, without a connection that we may see.",
                hint="Write source.serviceConnection, or use the token of the ingestion bot.",
            )
        return config

    def _ok(self, reply: Reply, path: str) -> dict[str, Any]:
        if not reply.ok or not isinstance(reply.data, dict):
            raise SinkError(
                f"{self._client.server.host_port}: {path}: {reply.status} {reply.message}"
            )
        return reply.data
