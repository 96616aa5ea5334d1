"""What a user says in connectionOptions and connectionArguments, in the words of the vendors' clients.

https://github.com/trinodb/trino-python-client, `trino.dbapi.connect` and the parameters of its URL; for Presto
those of PyHive, https://github.com/dropbox/PyHive. In URLs what is no text is JSON.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

from rayingest.errors import ConfigError

SOURCE = "rayingest"
# What only says how the vendor's client does its work.
IGNORED = {
    *("legacy_primitive_types", "legacy_prepared_statements", "isolation_level", "encoding"),
    *(
        "heartbeat_interval",
        "max_attempts",
        "allow_insecure_auth",
        "poll_interval",
        "catalog",
        "schema",
    ),
}
OTHERS = {  # PyHive's word -> Trino's
    "protocol": "http_scheme",
    "session_props": "session_properties",
    "principal_username": "principal",
}
BROWSER = "a person at a browser has to sign in, and nobody sits in front of a run"
NO_BROWSER = (
    "Give authType a password, a jwt or an azureConfig, or cert and key in connectionOptions."
)


@dataclass(frozen=True, slots=True)
class Options:
    """The same, read; `None` and empty where nothing is said."""

    http_scheme: str | None = None
    user: str | None = None  # whom to ask as, where another one signs in
    principal: str | None = None  # who signs in, where another one asks
    source: str = SOURCE
    timezone: str | None = None
    session_properties: Mapping[str, Any] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    client_tags: Sequence[str] = ()
    extra_credential: Sequence[Sequence[str]] = field(default=(), repr=False)
    http_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    access_token: str | None = field(default=None, repr=False)
    cert: str | None = None
    key: str | None = None
    verify: bool | str | None = None
    request_timeout: float | None = None

    @classmethod
    def of(cls, options: Mapping[str, str], arguments: Mapping[str, Any]) -> "Options":
        """Read both, arguments before options. Raises ConfigError."""
        given = {**options, **arguments}
        given |= dict(given.pop("requests_kwargs", None) or {})
        if given.pop("externalAuthentication", None):
            raise ConfigError(f"externalAuthentication: {BROWSER}.", hint=NO_BROWSER)
        given = {OTHERS.get(name, name): each for name, each in given.items()}
        unknown = sorted(given.keys() - READ.keys() - IGNORED)
        if unknown:
            raise ConfigError(
                f"connectionOptions, connectionArguments: {unknown[0]!r} is not known.",
                hint=f"Known are {', '.join(sorted(READ))}; settings go into session_properties.",
            )
        return cls(**{name: _read(name, each) for name, each in given.items() if name in READ})

    def headers(self, prefix: str, user: str) -> dict[str, str]:
        """What goes with each statement; `prefix` is `X-Trino-` or `X-Presto-`."""
        ours = {
            "User": user,
            "Source": self.source,
            "Time-Zone": self.timezone or "",
            "Client-Tags": ",".join(self.client_tags),
            "Session": ",".join(
                f"{name}={quote(_said(each))}" for name, each in self.session_properties.items()
            ),
            "Role": ",".join(f"{name}={quote(_role(each))}" for name, each in self.roles.items()),
            "Extra-Credential": ",".join(
                f"{name}={quote_plus(each)}" for name, each in self.extra_credential
            ),
            # Else times are told without their precision, as clients of long ago knew them.
            "Client-Capabilities": "PARAMETRIC_DATETIME",
        }
        named = {prefix + name: each for name, each in ours.items() if each}
        return {**named, **self.http_headers}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may show."""
        credentials = [each for pair in self.extra_credential for each in pair[1:]]
        return (*credentials, *self.http_headers.values(), self.access_token or "")


def _read(name: str, given: object) -> Any:
    try:
        return READ[name](given)
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"connectionOptions, connectionArguments: {name} cannot be read: {type(error).__name__}.",
            hint="In connectionOptions what is no text is written as JSON.",
        ) from None


def _parsed(given: object) -> Any:
    return json.loads(given) if isinstance(given, str) else given


def _mapping(given: object) -> dict[str, Any]:
    found = _parsed(given)
    return {str(name): each for name, each in found.items()}


def _headers(given: object) -> dict[str, str]:
    return {name: str(each) for name, each in _mapping(given).items()}


def _roles(given: object) -> dict[str, str]:
    """A role alone is one of the system, as in the vendor's client."""
    if isinstance(given, str) and not given.lstrip().startswith("{"):
        return {"system": given}
    return _headers(given)


def _tags(given: object) -> tuple[str, ...]:
    if isinstance(given, str) and not given.lstrip().startswith("["):
        return tuple(each.strip() for each in given.split(","))
    return tuple(str(each) for each in _parsed(given))


def _pairs(given: object) -> tuple[tuple[str, str], ...]:
    found = _parsed(given)
    pairs = found.items() if isinstance(found, Mapping) else found
    return tuple((str(name), str(each)) for name, each in pairs)


def _verify(given: object) -> bool | str:
    """A word for yes or no, or the path of a file with authorities."""
    if isinstance(given, bool):
        return given
    text = str(given).strip()
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
        text.lower(), text
    )


def _scheme(given: object) -> str | None:
    scheme = str(given).lower()
    if scheme not in ("http", "https", ""):
        raise ValueError(given)
    return scheme or None


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _role(name: str) -> str:
    """ROLE{x}, or one of the words that stand for several."""
    return name if name in ("ALL", "NONE") or name.startswith("ROLE{") else f"ROLE{{{name}}}"


READ: dict[str, Callable[[object], Any]] = {
    "http_scheme": _scheme,
    **dict.fromkeys(
        ("user", "principal", "source", "timezone", "access_token", "cert", "key"), str
    ),
    "session_properties": _mapping,
    "roles": _roles,
    "client_tags": _tags,
    "extra_credential": _pairs,
    "http_headers": _headers,
    "verify": _verify,
    "request_timeout": lambda given: float(str(given)),
}
