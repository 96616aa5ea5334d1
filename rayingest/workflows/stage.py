"""A stage as plain data: what is opened, discovered and processed, and where it is written.

A stage pickles; what it opens does not. The engine ships it to workers, which open it anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from rayingest.core.limits import Limit, Limiter
from rayingest.core.sink import Sink
from rayingest.core.source import Connector, Described, Settings, no_context


@dataclass(frozen=True)
class Opened:
    """What a stage is made of, in the process that uses it."""

    connector: Connector
    settings: Settings
    sink: Sink

    def prepared(self) -> Any:
        """What all sessions share. Raises whatever keeps it from being built."""
        prepare = self.connector.prepare
        if prepare is no_context:
            return None
        with self.sink.open(dry_run=True) as session:
            return prepare(self.settings, session.catalogue)

    def limited(self, limiter: Limiter) -> "Opened":
        """The same, with a limiter for what it calls."""
        return replace(self, settings=replace(self.settings, limiter=limiter))


class Stage(Protocol):
    """A picklable description of discover -> process -> write."""

    @property
    def name(self) -> str:
        """What actors and threads are called after: `postgres:shop`."""
        ...

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables that the stage needs and carries values of."""
        ...

    def without(self, present: Sequence[str]) -> "Stage":
        """The same stage without the values of variables that a worker has in its own environment."""
        ...

    def open(self, environ: Mapping[str, str]) -> Opened:
        """Resolve `${VAR}`s and build connector, settings and sink. Raises ConfigError."""
        ...

    def root(self) -> Described | None:
        """The service itself, which everything waits for."""
        ...


@dataclass(frozen=True)
class WorkerTask:
    """What every worker is given: the stage, the prepared context, whether anything is written, limits.

    `sink_limits` hold for several runs together, by the sink's identity. `share` is the part of the
    machine's (or container's) memory that the worker may have; `surroundings` are the driver's proxies
    and certificates.
    """

    stage: Stage
    context: Any = None
    dry_run: bool = False
    slots: int = 1
    writers: int = 8
    call_timeout: float = 300.0
    limits: tuple[Limit, ...] = ()
    sink_limits: tuple[Limit, ...] = ()
    share: float = 1.0
    surroundings: Mapping[str, str] = field(default_factory=dict, repr=False)
