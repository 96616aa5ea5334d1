"""What can go wrong, from the caller's point of view: who must act, and whether asking again helps.

* RayingestError
  + ConfigError            the user must change the config or the installation; never retried; exit 2
    - UnknownConnector     no connector has this name
    - MissingDriver        the connector exists, its driver is not installed
  + SourceError            the source answered badly
    - Retryable            the same question may be answered later
      . Throttled          ... and the source said when
      . SessionLost        ... on a new session
      . TimedOut           a call did not return in time
    - Permanent            asking again gives the same answer
    - Gone                 the entity vanished since it was listed: skipped, not failed
      . Forbidden          ... or is listed, and not shown to the account: skipped, and told
    - Denied               the account may not see it
    - Unauthorised         the source does not accept the credentials: the run cannot go on
    - Unreachable          nobody answers at the source's address: the run cannot go on
  + SinkError
    - Refused              one entity was refused; its neighbours are not touched
    - SinkDown             the sink does not answer now; nothing is lost, the run waits
    - SinkUnauthorised     the sink does not accept the credentials
  + NoWorker               no worker became ready to work
  + ClusterError           Kubernetes, or a Ray cluster elsewhere, did not do what it was asked
    - NotThere             the object does not exist (any more)
    - AlreadyThere         an object of this name exists
    - NotAllowed           the account may not do this
    - NotNow               no answer, or one that may be another a moment later
    - TooOld               a watch has to begin anew, with a listing
  + StateError             the run directory cannot be read or written
    - Superseded           another driver has taken the run over (state.claims)
"""

from typing import Any


class RayingestError(Exception):
    """Base of every error that rayingest raises on purpose; `hint` says what to do next."""

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive the journey from a worker, whatever the subclass's constructor asks for."""
        return _revive, (type(self), self.args, self.__dict__)


def _revive(
    kind: type[RayingestError], args: tuple[Any, ...], state: dict[str, Any]
) -> RayingestError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigError(RayingestError):
    """The config, or the installation, cannot work as it is."""


class UnknownConnector(ConfigError):
    """No connector has this name."""

    def __init__(self, name: str, nearest: list[str]) -> None:
        meant = f" Did you mean {' or '.join(map(repr, nearest))}?" if nearest else ""
        super().__init__(
            f"There is no connector {name!r}.{meant}", hint="`rayingest connectors` lists them."
        )
        self.name = name


class MissingDriver(ConfigError):
    """The connector exists, but the package it drives is not installed."""

    def __init__(self, extra: str, missing: str) -> None:
        super().__init__(
            f"{extra} needs the package {missing!r}, which is not installed.",
            hint=f"pip install 'rayingest[{extra}]'",
        )
        self.extra = extra
        self.missing = missing


class SourceError(RayingestError):
    """The source system answered badly."""


class Retryable(SourceError):
    """The same question may be answered later."""


class Throttled(Retryable):
    """The source asked us to wait `wait` seconds (None: it did not say how long)."""

    def __init__(self, message: str, wait: float | None = None, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.wait = wait


class SessionLost(Retryable):
    """The connection broke; a new session may succeed."""


class TimedOut(Retryable):
    """A call to the source did not return in time."""


class Permanent(SourceError):
    """Asking again gives the same answer."""


class Gone(SourceError):
    """The entity vanished between discovery and processing."""


class Forbidden(Gone):
    """The tool lists this entity and does not show it to the account: it is passed over, and told."""


class Denied(SourceError):
    """The account may not see this entity."""


class Unauthorised(SourceError):
    """The source does not accept our credentials."""


class Unreachable(SourceError):
    """Nobody answers at the source's address."""


class SinkError(RayingestError):
    """The sink answered badly."""


class Refused(SinkError):
    """The sink refused one entity."""


class SinkDown(SinkError):
    """The sink does not answer now; what was not acknowledged is kept and sent again."""


class SinkUnauthorised(SinkError):
    """The sink does not accept our credentials."""


class NoWorker(RayingestError):
    """The cluster gave us no worker in time."""


class ClusterError(RayingestError):
    """Kubernetes, or a Ray cluster elsewhere, did not do what it was asked."""


class NotThere(ClusterError):
    """The object does not exist (any more)."""


class AlreadyThere(ClusterError):
    """An object of this name exists."""


class NotAllowed(ClusterError):
    """The account may not do this."""


class NotNow(ClusterError):
    """No answer, or one that may be another a moment later (`wait`: seconds, when it said how many)."""

    def __init__(self, message: str, *, wait: float | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.wait = wait


class TooOld(ClusterError):
    """What a watch was to go on from is forgotten: list, and watch anew."""


class StateError(RayingestError):
    """The run directory cannot be read or written."""
