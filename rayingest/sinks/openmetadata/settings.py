"""What the sink needs to know, read from the user's config: plain, picklable, secrets as SecretStr."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from rayingest.errors import ConfigError
from rayingest.sinks.options import known

MASK = "**********"
_AUTH_HINT = (
    "What works: authProvider 'openmetadata' with securityConfig.jwtToken (a bot's token),"
    " 'basic' with securityConfig.email and password, or an Authorization header in extraHeaders."
)
# What drivers read: anything may be in there, a password too.
_OPEN_ENDED = {"connectionOptions", "connectionArguments", "sampleDataStorageConfig"}
_KNOWN = (
    "api_endpoint",
    "bulk_sink_batch_size",
    "override_metadata",
    "enable_async_pipeline",
    "async_pipeline_workers",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How to prove who we are: a token, or an e-mail address and a password that earn one."""

    kind: Literal["token", "basic", "headers"]
    token: SecretStr | None = None
    email: str = ""
    password: SecretStr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificates as PEM text or as paths; https verifies unless `verify` is switched off."""

    verify: bool = True
    ca: SecretStr | None = None
    certificate: SecretStr | None = None
    key: SecretStr | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where the catalogue is and how to talk to it; `host_port` ends in `/api`."""

    host_port: str
    login: Login
    tls: Tls = Tls()
    api_version: str = "v1"
    headers: Mapping[str, SecretStr] = field(default_factory=dict)
    validate_version: bool = True
    user_agent: str = "rayingest"
    connect_timeout: float = 10.0
    read_timeout: float = 120.0

    @property
    def base(self) -> str:
        """The URL that every path is appended to."""
        return f"{self.host_port.rstrip('/')}/{self.api_version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The connection to store with the service: as the user wrote it, or None to send none.

    A service without a connection to send is created when it is missing and never replaced: the
    catalogue may hold a connection that somebody entered there.
    """

    connection: Mapping[str, Any] | None = field(default=None, repr=False)


def server(given: Any, service: str = "") -> Server:
    """Read `workflowConfig.openMetadataServerConfig`. Raises ConfigError."""
    if given is None:
        raise ConfigError(
            "sink metadata-rest needs workflowConfig.openMetadataServerConfig.",
            hint="Give it hostPort, authProvider and securityConfig, or use the sink 'file'.",
        )
    address = str(_get(given, "hostPort") or "")
    _check_address(address)
    headers = {
        str(name): _header(value, f"extraHeaders.{name}")
        for name, value in dict(_get(given, "extraHeaders") or {}).items()
    }
    ssl = _get(given, "sslConfig")
    return Server(
        host_port=address,
        login=_login(given, headers),
        tls=Tls(
            verify=_text(_get(given, "verifySSL")) != "ignore",
            ca=_maybe_secret(_get(ssl, "caCertificate")),
            certificate=_maybe_secret(_get(ssl, "sslCertificate")),
            key=_maybe_secret(_get(ssl, "sslKey")),
        ),
        api_version=str(_get(given, "apiVersion") or "v1"),
        headers=headers,
        validate_version=_get(given, "enableVersionValidation") is not False,
        user_agent=_user_agent(service),
    )


def service(given: Any, connection: Any) -> Service:
    """What to store of the connection. `connection` is the model of serviceConnection.config."""
    if connection is None or _get(given, "storeServiceConnection") is False:
        return Service()
    if isinstance(connection, BaseModel):
        given = connection.model_dump(exclude_unset=True, exclude_none=True, by_alias=True)
    else:
        given = dict(connection)
    for key in _OPEN_ENDED & given.keys():
        given[key] = _all_secret(given[key])
    return Service(connection=given)


def sink_options(given: Mapping[str, Any]) -> tuple[int, bool | None]:
    """`bulk_sink_batch_size` and `override_metadata` of sink.config. Raises ConfigError."""
    known(given, _KNOWN)
    size = given.get("bulk_sink_batch_size", 100)
    if not isinstance(size, int) or not 1 <= size <= 1000:
        raise ConfigError(f"sink.config.bulk_sink_batch_size: {size!r} is not between 1 and 1000.")
    override = given.get("override_metadata")
    return size, None if override is None else bool(override)


def secrets(value: Any) -> Iterator[str]:
    """Every secret inside a value, in clear: to take them out of messages."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from secrets(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from secrets(each)


def reveal(value: Any, mask: str | None = None) -> Any:
    """A copy with secrets in clear, or masked."""
    if isinstance(value, SecretStr):
        return value.get_secret_value() if mask is None else mask
    if isinstance(value, Mapping):
        return {str(key): reveal(each, mask) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [reveal(each, mask) for each in value]
    return value


def _all_secret(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _all_secret(each) for key, each in value.items()}
    return SecretStr(value) if isinstance(value, str) else value


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            "openMetadataServerConfig.hostPort is not an http or https URL.",
            hint="It looks like http://localhost:8585/api.",
        )
    if parts.username or parts.password:
        raise ConfigError(
            "openMetadataServerConfig.hostPort holds a user name or password.",
            hint=_AUTH_HINT,
        )


def _login(given: Any, headers: Mapping[str, SecretStr]) -> Login:
    provider = _text(_get(given, "authProvider")) or "openmetadata"
    security = _get(given, "securityConfig")
    token = _maybe_secret(_get(security, "jwtToken"))
    if token is not None:  # a bot's token is good whatever people log in with
        return Login(kind="token", token=_header(token, "securityConfig.jwtToken"))
    email = _get(security, "email") or _get(security, "username")
    password = _maybe_secret(_get(security, "password"))
    if provider == "basic" and email and password is not None:
        return Login(kind="basic", email=str(email), password=password)
    if provider == "no-auth" or any(name.lower() == "authorization" for name in headers):
        return Login(kind="headers")
    lacks = (
        "lacks its securityConfig" if provider in ("openmetadata", "basic") else "is not supported"
    )
    raise ConfigError(
        f"openMetadataServerConfig: authProvider {provider!r} {lacks}.", hint=_AUTH_HINT
    )


def _user_agent(service: str) -> str:
    plain = service and service.isascii() and service.isprintable()
    return f"rayingest (service: {service})" if plain else "rayingest"


def _header(value: Any, where: str) -> SecretStr:
    """A secret that is sent in a header; files end in a newline, headers must not."""
    text = _secret(value).get_secret_value().strip()
    if not (text.isascii() and text.isprintable()):
        raise ConfigError(f"openMetadataServerConfig.{where} holds a character that no header can.")
    return SecretStr(text)


def _get(given: Any, key: str) -> Any:
    return given.get(key) if isinstance(given, Mapping) else getattr(given, key, None)


def _text(value: Any) -> str:
    return "" if value is None else str(getattr(value, "value", value))


def _secret(value: Any) -> SecretStr:
    return value if isinstance(value, SecretStr) else SecretStr(str(value))


def _maybe_secret(value: Any) -> SecretStr | None:
    if value is None or (isinstance(value, str) and not value):
        return None
    return _secret(value)
