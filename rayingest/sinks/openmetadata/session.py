"""An open catalogue: spells entities, writes rows, reads back."""

from collections.abc import Collection, Sequence

from rayingest.core.sink import Answer, Row
from rayingest.model import Entity, Fact
from rayingest.sinks import spelling
from rayingest.sinks.openmetadata import rows
from rayingest.sinks.openmetadata.catalogue import OpenMetadataCatalogue
from rayingest.sinks.openmetadata.client import Client
from rayingest.sinks.openmetadata.references import Owners, Tags
from rayingest.sinks.openmetadata.removal import Remover
from rayingest.sinks.openmetadata.settings import Service
from rayingest.sinks.openmetadata.unlinking import Unlinker
from rayingest.sinks.openmetadata.writer import Writer


class OpenMetadataSession:
    """Used by several threads at once.

    `encode` looks up owners (once per name), so it may raise SinkDown and SinkUnauthorised too.
    """

    def __init__(self, client: Client, service: Service, *, override: bool = False) -> None:
        self.client = client
        self.catalogue = OpenMetadataCatalogue(client)
        self._service = service
        self._owners, self._tags = Owners(client), Tags(client)
        self._writer = Writer(client, self._tags, override=override)
        self._remover = Remover(client)
        self._unlinker = Unlinker(client)

    def encode(self, entity: Entity) -> Row:
        """Spell one entity. Raises Refused for what cannot be spelled."""
        request = spelling.create(entity, self._owners)
        row = rows.row(entity, request, self._service)
        if tags := rows.tags_of(entity, request):
            self._tags.want(tags)
        return row

    def encode_fact(self, fact: Fact) -> Row:
        """Spell one fact. Raises Refused for all but lineage and usage."""
        return rows.fact_row(fact)

    def without(self, row: Row, missing: Sequence[str]) -> Row:
        """The row's body without its references to these FQNs. Raises Refused for lineage."""
        return rows.without(row, missing)

    def write(self, entity_type: str, rows: Sequence[Row]) -> Sequence[Answer]:
        """Send rows of one type; one answer each."""
        return self._writer.write(entity_type, rows)

    def delete(
        self,
        entity_type: str,
        fqns: Sequence[str],
        *,
        scope: str,
        seen: Collection[str] | None = None,
    ) -> Sequence[Answer]:
        """Delete entities of one type softly, with their children, or edges; one answer each.

        A PUT brings back what is deleted softly: `write` need not restore anything.
        """
        if entity_type == rows.LINEAGE:
            return self._unlinker.delete(fqns)
        return self._remover.delete(entity_type, fqns, scope, seen)

    @property
    def calls(self) -> int:
        """Requests so far."""
        return self.client.calls

    @property
    def unknown_owners(self) -> list[str]:
        """Owners that the catalogue knows neither as users nor as teams."""
        return self._owners.unknown
