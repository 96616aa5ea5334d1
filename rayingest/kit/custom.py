"""A connector that brings a source of its own, as data: how to open, prepare and check it."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel

from rayingest.core.limits import Limit
from rayingest.core.source import (
    Batching,
    Capability,
    CheckResult,
    DiscoverableSource,
    Readable,
    Settings,
)
from rayingest.model import EntityType


class Closing(DiscoverableSource, Protocol):
    """A source that has something to close."""

    def close(self) -> None:
        """End the session."""
        ...


@dataclass(frozen=True)
class Custom:
    """A connector; `source` takes the settings and what `prepare` made."""

    service_type: str
    family: str
    connection: type[BaseModel]
    source: Callable[[Settings, Any], Closing]
    prepare: Callable[[Settings, Readable | None], Any]
    check: Callable[[Settings], Iterator[CheckResult]]
    batching: Mapping[EntityType, Batching]  # its types, parents first
    capabilities: frozenset[Capability]
    lacks: Mapping[Capability, str] = field(default_factory=dict)
    extra: str = ""
    dependencies: Mapping[EntityType, EntityType] = field(default_factory=dict)
    listed_by: Mapping[EntityType, EntityType] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    max_connections: int = 100
    local: bool = False
    listing_hides: bool = True  # what the account may not see is mostly not listed

    @property
    def types(self) -> tuple[EntityType, ...]:
        """See Connector."""
        return tuple(self.batching)

    @contextmanager
    def open(self, settings: Settings, context: Any = None) -> Generator[DiscoverableSource]:
        """See Connector."""
        with closing(self.source(settings, context)) as source:
            yield source
