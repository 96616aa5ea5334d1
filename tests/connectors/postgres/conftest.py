"""A real PostgreSQL for these tests, and short ways to ask the connector about it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from rayingest.connectors.database.postgres import CONNECTOR, PostgresConnection
from rayingest.core.filters import Filters
from rayingest.core.source import Described, EntityDescriptor, Listed, Processed, Settings
from rayingest.model import Entity, EntityType
from rayingest.testing import postgres
from rayingest.testing.hostile import hostile
from rayingest.testing.shop import Shop, shop


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as running:
        yield running


@dataclass
class Probe:
    """One database, asked through the connector."""

    server: postgres.Server
    database: str
    shop: Shop | None = None

    def settings(self, **changes: Any) -> Settings:
        """`options` and `filters` are `sourceConfig`'s, all else are fields of the connection."""
        options = changes.pop("options", {})
        filters = changes.pop("filters", {})
        timeout = changes.pop("call_timeout", 60.0)
        connection = PostgresConnection.model_validate(self.server.config(self.database, **changes))
        return Settings(
            "svc", connection, SimpleNamespace(**options), Filters.from_options(filters), timeout
        )

    def open(self, **changes: Any) -> AbstractContextManager[Any]:
        return CONNECTOR.open(self.settings(**changes))

    def listing(self, **changes: Any) -> list[Listed]:
        with self.open(**changes) as source:
            return [
                *source.discover_entities(EntityType.DATABASE),
                *source.discover_entities(EntityType.DATABASE_SCHEMA, f"svc.{self.database}"),
            ]

    def descriptors(self, entity_type: EntityType, **changes: Any) -> list[EntityDescriptor]:
        return [
            each
            for each in self.listing(**changes)
            if isinstance(each, EntityDescriptor) and each.type is entity_type
        ]

    def entities(self, entity_type: EntityType, **changes: Any) -> dict[str, Entity]:
        """Everything of a type, by FQN."""
        descriptors = self.descriptors(entity_type, **changes)
        with self.open(**changes) as source:
            return by_fqn(source.process_entities(descriptors))


def by_fqn(processed: Iterator[Processed]) -> dict[str, Entity]:
    found = {}
    for each in processed:
        assert isinstance(each, Described), each
        (entity,) = each.entities
        found[entity.fqn] = entity
    return found


@pytest.fixture(scope="session")
def make(server: postgres.Server) -> Callable[..., Probe]:
    """Create a database out of statements."""

    def create(database: str, *statements: str) -> Probe:
        server.create(database)
        with server.connect(database) as connection:
            for statement in statements:
                connection.execute(statement)
        return Probe(server, database)

    return create


@pytest.fixture(scope="session")
def shop200(make: Callable[..., Probe]) -> Probe:
    catalogue = shop(200)
    probe = make("shop200", *catalogue.blocks)
    probe.shop = catalogue
    return probe


@pytest.fixture(scope="session")
def nasty(make: Callable[..., Probe]) -> Probe:
    catalogue = hostile()
    probe = make("nasty", *catalogue.blocks)
    probe.shop = catalogue
    return probe
