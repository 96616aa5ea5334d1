"""A connector of a REST tool as data: its session, its kinds, what they share."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

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
from rayingest.kit.checks import tried
from rayingest.kit.rest.api import Api
from rayingest.kit.rest.kinds import Kind
from rayingest.kit.rest.source import RestSource
from rayingest.model import EntityType

# Whose vendor says nothing of limits is asked as often at the same time as it likes.
POLITE = (Limit(name="api", adaptive=True),)


def _nothing(api: Api, settings: Settings, catalogue: Readable | None) -> None:
    return None


@dataclass(frozen=True)
class Rest:
    """A connector; `connect` opens a session, `shared` asks for what all sessions share, once for a run."""

    service_type: str
    family: str
    connection: type[BaseModel]
    connect: Callable[[Settings], Api]
    kinds: Mapping[EntityType, Kind]
    capabilities: frozenset[Capability]
    lacks: Mapping[Capability, str]
    shared: Callable[[Api, Settings, Readable | None], Any] = _nothing
    extra: str = ""
    dependencies: Mapping[EntityType, EntityType] = field(default_factory=dict)
    listed_by: Mapping[EntityType, EntityType] = field(default_factory=dict)
    limits: tuple[Limit, ...] = POLITE
    max_connections: int = 100
    local: bool = False
    listing_hides: bool = True  # what the account may not see is mostly not listed

    @property
    def types(self) -> tuple[EntityType, ...]:
        """See Connector."""
        return tuple(self.kinds)

    @property
    def batching(self) -> Mapping[EntityType, Batching]:
        """See Connector: a call for each, so a lost worker costs five at most."""
        return dict.fromkeys(self.kinds, Batching(1, 5))

    def prepare(self, settings: Settings, catalogue: Readable | None) -> Any:
        """See Connector."""
        api = self.connect(settings)
        try:
            return self.shared(api, settings, catalogue)
        finally:
            api.close()

    @contextmanager
    def open(self, settings: Settings, context: Any = None) -> Generator[DiscoverableSource]:
        """See Connector."""
        source = RestSource(self.kinds, self.connect(settings), settings, context)
        try:
            yield source
        finally:
            source.close()

    def check(self, settings: Settings) -> Iterator[CheckResult]:
        """Log in, ask for what sessions share, and for the first of each type."""
        api = self.connect(settings)
        try:
            api.log_in()
            yield from self._checked(api, settings)
        finally:
            api.close()

    def _checked(self, api: Api, settings: Settings) -> Iterator[CheckResult]:
        for each, kind in self.kinds.items():
            if kind.wanted(settings.options):
                yield tried(each.value, _first(api, kind, settings), kind.grant)
        if self.shared is not _nothing:
            yield tried("what is shared", lambda: self.shared(api, settings, None))


def _first(api: Api, kind: Kind, settings: Settings) -> Callable[[], object]:
    pager = kind.pager(settings.connection)
    return lambda: next(api.items(kind.path, pager, kind.params), None)
