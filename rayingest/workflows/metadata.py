"""The metadata workflow: discover what a source has, describe it, write it; lineage goes the same way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rayingest import sinks
from rayingest.config import Config
from rayingest.core import fqn, registry
from rayingest.core.sink import Sink
from rayingest.core.source import Described, EntityDescriptor
from rayingest.errors import ConfigError
from rayingest.model import DashboardService, DatabaseService, Service
from rayingest.workflows.stage import Opened

SERVICES: Mapping[str, type[Service]] = {
    "database": DatabaseService,
    "dashboard": DashboardService,
    "lineage": DatabaseService,
}
NOT_OURS = {"lineage"}  # families that speak of a service without bringing it


@dataclass(frozen=True)
class MetadataStage:
    """One config as a stage; it pickles with the values of its variables, so it is never logged.

    `sink` replaces the config's own (previews).
    """

    bundle: Mapping[str, Any] = field(repr=False)
    connector: str
    service: str
    sink: Sink | None = None

    @classmethod
    def of(cls, config: Config, sink: Sink | None = None) -> "MetadataStage":
        """The stage of a config that has its connection."""
        return cls(config.bundle(), config.connector, config.service, sink)

    @property
    def name(self) -> str:
        """See Stage."""
        return f"{self.connector}:{self.service}"

    @property
    def variables(self) -> tuple[str, ...]:
        """See Stage."""
        return tuple(sorted(self.bundle["variables"]))

    def without(self, present: Sequence[str]) -> "MetadataStage":
        """See Stage."""
        values = self.bundle["variables"]
        kept = {name: value for name, value in values.items() if name not in present}
        return replace(self, bundle={**self.bundle, "variables": kept})

    def open(self, environ: Mapping[str, str]) -> Opened:
        """See Stage."""
        config = Config.from_bundle(self.bundle, environ)
        connector = registry.load(config.connector)
        return Opened(connector, config.settings, self.sink or sinks.build(config))

    def root(self) -> Described | None:
        """See Stage."""
        ours = registry.load(self.connector).family not in NOT_OURS
        return self.service_described() if ours else None

    def service_described(self) -> Described:
        """The service that is read. Raises ConfigError."""
        connector = registry.load(self.connector)
        kind = SERVICES.get(connector.family)
        if kind is None:
            raise ConfigError(
                f"{self.connector}: services of family {connector.family!r} are not supported yet."
            )
        name = fqn.join(self.service)
        entity = kind(name=self.service, fqn=name, service_type=connector.service_type)
        return Described(EntityDescriptor(kind.type, name), (entity,))
