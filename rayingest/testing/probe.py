"""Ask one source through its connector, as the engine would, in the words of a test."""

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from rayingest.core.filters import Filters
from rayingest.core.source import (
    Connector,
    Described,
    EntityDescriptor,
    Failed,
    Listed,
    ScopeOpened,
    Settings,
)
from rayingest.errors import RayingestError
from rayingest.model import Entity, EntityType
from rayingest.testing.conformance import answers


@dataclass(frozen=True)
class Probe:
    """A connector and the `serviceConnection.config` of something to read.

    Keyword arguments of the methods change fields of the connection, but for `options` and
    `filters` (of `sourceConfig.config`) and `call_timeout`.
    """

    connector: Connector
    config: dict[str, Any] = field(repr=False)
    service: str = "svc"

    def settings(self, **changes: Any) -> Settings:
        """What the connector is opened with."""
        options = changes.pop("options", {})
        filters = Filters.from_options(changes.pop("filters", {}))
        timeout = changes.pop("call_timeout", 60.0)
        connection = self.connector.connection.model_validate({**self.config, **changes})
        return Settings(self.service, connection, SimpleNamespace(**options), filters, timeout)

    def open(self, **changes: Any) -> AbstractContextManager[Any]:
        """A live session."""
        return self.connector.open(self.settings(**changes))

    def listing(self, **changes: Any) -> list[Listed]:
        """All that discovery yields, each scope listed after the one that opened it."""
        with self.open(**changes) as source:
            return list(walk(source))

    def descriptors(self, entity_type: EntityType, **changes: Any) -> list[EntityDescriptor]:
        """Descriptors of one type."""
        return [each for each in of(self.listing(**changes)) if each.type is entity_type]

    def answers(
        self, entity_type: EntityType, **changes: Any
    ) -> tuple[dict[str, Entity], dict[str, RayingestError]]:
        """Everything of a type in one batch, by FQN: what was described, what failed."""
        descriptors = self.descriptors(entity_type, **changes)
        with self.open(**changes) as source:
            return sort(answers(source, descriptors))

    def entities(self, entity_type: EntityType, **changes: Any) -> dict[str, Any]:
        """Everything of a type, by FQN; nothing may fail."""
        found, failed = self.answers(entity_type, **changes)
        if failed:
            raise AssertionError(f"not described: {failed}")
        return found

    def agree(self, entity_type: EntityType, seed: int = 1, **changes: Any) -> None:
        """Assert that a batch, any order of it and one by one give the same answers."""
        descriptors = self.descriptors(entity_type, **changes)
        shuffled = random.Random(seed).sample(descriptors, len(descriptors))  # noqa: S311
        with self.open(**changes) as source:
            whole = _told(answers(source, descriptors))
            if _told(answers(source, shuffled)) != whole:
                raise AssertionError("another order gives other answers")
            single = [_told(answers(source, [each])) for each in descriptors]
        if {key: value for each in single for key, value in each.items()} != whole:
            raise AssertionError("one by one gives other answers than a batch")


def walk(source: Any) -> Iterator[Listed]:
    """Discover everything, as the engine does: opened scopes get a listing of their own."""
    todo: list[tuple[EntityType, str | None]] = [(EntityType.DATABASE, None)]
    while todo:
        for each in source.discover_entities(*todo.pop(0)):
            yield each
            if isinstance(each, ScopeOpened):
                todo.append((each.type, each.scope))


def of(listed: Iterable[Listed]) -> list[EntityDescriptor]:
    """The descriptors of a listing, also of what it describes itself."""
    items = (each.descriptor if isinstance(each, Described) else each for each in listed)
    return [each for each in items if isinstance(each, EntityDescriptor)]


def sort(
    processed: Iterable[Described | Failed],
) -> tuple[dict[str, Entity], dict[str, RayingestError]]:
    """Answers by the id of their descriptors."""
    found: dict[str, Entity] = {}
    failed: dict[str, RayingestError] = {}
    for each in processed:
        if isinstance(each, Failed):
            failed[each.descriptor.id] = each.error
        else:
            (found[each.descriptor.id],) = each.entities
    return found, failed


def _told(processed: Iterable[Described | Failed]) -> dict[str, Sequence[Entity] | str]:
    return {
        each.descriptor.id: each.entities if isinstance(each, Described) else repr(each.error)
        for each in processed
    }
