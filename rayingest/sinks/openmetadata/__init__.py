"""The sink `metadata-rest`: OpenMetadata's REST API."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rayingest.core.sink import Placement
from rayingest.core.source import CheckResult
from rayingest.sinks.openmetadata.settings import Server, Service, secrets

if TYPE_CHECKING:
    from rayingest.sinks.openmetadata.session import OpenMetadataSession

__all__ = ["OpenMetadata", "from_config"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMetadata:
    """Where to write and how much at once; pickles, and shows no secret."""

    server: Server
    service: Service = field(default_factory=Service)
    override: bool = False
    max_rows: int = 100
    max_bytes: int = 1_000_000
    concurrency: int = 8
    placement: Placement = Placement.WORKER

    @property
    def identity(self) -> str:
        """Which catalogue this is, for the state that is kept about it."""
        return f"openmetadata:{self.server.base}"

    @contextmanager
    def open(self, *, dry_run: bool = False) -> Generator["OpenMetadataSession"]:
        """A session; nothing is asked of the server before the first row or look-up."""
        from rayingest.sinks.openmetadata.client import Client
        from rayingest.sinks.openmetadata.dry import DrySession
        from rayingest.sinks.openmetadata.session import OpenMetadataSession

        kind = DrySession if dry_run else OpenMetadataSession
        hidden = tuple(secrets(self.service.connection))
        with Client(self.server, hidden) as client:
            yield kind(client, self.service, override=self.override)

    def check(self) -> Iterator[CheckResult]:
        """Reachable, authorised, which version."""
        from rayingest.sinks.openmetadata.check import check
        from rayingest.sinks.openmetadata.client import Client

        with Client(self.server) as client:
            yield from check(client)


def from_config(config: Any) -> OpenMetadata:
    """Read the whole config. Raises ConfigError."""
    from rayingest.sinks.openmetadata import settings

    size, override = settings.sink_options(config.sink.config or {})
    if override is None:
        wanted = getattr(config.options, "overrideMetadata", None)
        override = bool(wanted) or bool(getattr(config.server, "forceEntityOverwriting", False))
    # A connection that was read from the catalogue is not written back to it.
    own = None if getattr(config, "fetched", None) else config.connection
    return OpenMetadata(
        server=settings.server(config.server, config.service or ""),
        service=settings.service(config.server, own),
        override=override,
        max_rows=size,
    )
