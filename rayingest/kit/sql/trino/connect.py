"""From the config to a session: address, scheme, TLS, who signs in and who asks."""

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from rayingest.config.connection import SslConfig, host_port
from rayingest.config.server import VerifySsl
from rayingest.core.source import Settings
from rayingest.errors import ConfigError, Denied, Gone, RayingestError
from rayingest.kit.rest.tls import trust
from rayingest.kit.sql.trino.http import Http
from rayingest.kit.sql.trino.login import login
from rayingest.kit.sql.trino.options import Options
from rayingest.kit.sql.trino.session import TrinoSession
from rayingest.kit.sql.trino.statements import Statements

CONNECT_SECONDS = 15.0
# https://trino.io/docs/current/admin/properties-http-server.html; the vendor's client says 443 with TLS.
HTTP_PORT, HTTPS_PORT = 8080, 443
TLS_PORTS = {443, 8443}
# Which tables there are that tell of more than one catalog; older servers, and Presto, have fewer.
METADATA = "select table_name from system.information_schema.tables where table_schema = 'metadata'"

_log = logging.getLogger(__name__)


class Connection(Protocol):
    """The fields that are needed of a connection model."""

    type: str
    username: str
    hostPort: str  # noqa: N815 - OpenMetadata's spelling
    catalog: str | None
    databaseSchema: str | None  # noqa: N815
    verify: str | None
    connectionOptions: dict[str, str]  # noqa: N815
    connectionArguments: dict[str, Any]  # noqa: N815


@dataclass(frozen=True, slots=True)
class Address:
    """Where the coordinator is, and what the user says of the connection to it."""

    tls: bool
    host: str
    port: int
    user: str  # whom to ask as
    options: Options
    proxy: str | None = field(repr=False)
    verify: bool | str  # whether to, or by which authorities

    @classmethod
    def of(cls, config: Connection) -> "Address":
        """Read a connection model. Raises ConfigError."""
        options = Options.of(config.connectionOptions, config.connectionArguments)
        protocol = getattr(config, "protocol", None)
        scheme = options.http_scheme or Options.of({"protocol": protocol or ""}, {}).http_scheme
        host, port = host_port(config.hostPort, 0)
        # Passwords and tokens go over TLS, unless somebody says that they need not.
        tls = scheme == "https" if scheme else port in TLS_PORTS or _has_secret(config, options)
        user = options.user or config.username
        proxies: Mapping[str, str] = getattr(config, "proxies", None) or {}
        names = ("https", "https://") if tls else ("http", "http://")
        proxy = next((proxies[each] for each in (*names, "all", "all://") if each in proxies), None)
        port = port or (HTTPS_PORT if tls else HTTP_PORT)
        told = Options.of({"verify": config.verify}, {}) if config.verify else options
        verify = True if told.verify is None else told.verify
        return cls(tls, host, port, user, options, proxy, verify)

    @property
    def url(self) -> str:
        """Where statements are posted, without the path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


def connect(settings: Settings, database: str | None) -> TrinoSession:
    """Open a session; it reads every catalog."""
    config: Connection = settings.connection
    address = Address.of(config)
    options = address.options
    shows, secrets = login(config, options)
    seconds = max(1.0, settings.call_timeout)
    client: dict[str, Any] = {"verify": _trust(address)}
    if address.proxy:
        client["proxy"] = address.proxy
    http = Http(
        address.url,
        user=address.user,
        login=shows,
        seconds=min(seconds, options.request_timeout or seconds),
        connect=CONNECT_SECONDS,
        hidden=(*secrets, *options.secrets, urlsplit(address.proxy or "").password or ""),
        client=client,
    )
    statements = Statements(http, options.headers(f"X-{config.type}-", address.user), seconds)
    name, alone = database or config.catalog or "", bool(config.catalog)
    session = TrinoSession(statements, name, config.databaseSchema, alone=alone)
    try:
        _greet(session, config.catalog)
    except RayingestError:
        session.close()
        raise
    return session


def _greet(session: TrinoSession, catalog: str | None) -> None:
    session.catalogs = tuple(str(row[0]) for row in session.rows("show catalogs"))
    if catalog and catalog not in session.catalogs:
        raise Denied(
            f"{session.url}: there is no catalog {catalog!r}, or user {session.user!r} may not see it.",
            hint="`SHOW CATALOGS` lists them; catalog must be one of them, or absent.",
        )
    try:
        session.metadata = frozenset(str(row[0]) for row in session.rows(METADATA))
    except (Denied, Gone) as error:
        session.blind = error
        _log.warning("Comments on tables and materialized views are not read: %s", error)


def _has_secret(config: Connection, options: Options) -> bool:
    password: SecretStr | None = getattr(config, "password", None)
    given = getattr(config, "authType", None), password, options.access_token, options.cert
    return any(each is not None for each in given)


def _trust(address: Address) -> bool | ssl.SSLContext:
    if not address.tls:
        return False  # there is nothing to verify, and a context costs 29 ms
    files = {
        "caCertificate": address.verify if isinstance(address.verify, str) else None,
        "sslCertificate": address.options.cert,
        "sslKey": address.options.key,
    }
    given = {name: SecretStr(each) for name, each in files.items() if each}
    mode = VerifySsl.IGNORE if address.verify is False else VerifySsl.VALIDATE
    try:
        return trust(mode, SslConfig(**given))
    except ConfigError as error:
        said = str(error).removeprefix("sslConfig: ")
        raise ConfigError(
            f"verify, connectionOptions.cert and key: {said}", hint=error.hint
        ) from None
