"""What python-oracledb is told: the address, the credentials, the options of a user's config."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field, SecretStr

from rayingest.config.connection import ConnectionModel, host_port
from rayingest.errors import ConfigError

PORT, TLS_PORT = 1521, 2484
CONNECT_SECONDS = 10
# OpenMetadata's own image has a client there, and its user interface writes the path into each config.
THEIR_CLIENT = "/instantclient"
NUMBERS = {"https_proxy_port", "expire_time", "retry_count", "retry_delay", "sdu", "port"}
FLAGS = {"ssl_server_dn_match", "externalauth", "disable_oob", "use_sni", "use_tcp_fast_open"}
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


class ServiceName(ConnectionModel):
    """The service of a pluggable database, or its alias in tnsnames.ora."""

    oracleServiceName: str = Field(  # noqa: N815 - OpenMetadata's spelling
        description="Service name; without hostPort an alias out of tnsnames.ora, or host:port/service."
    )


class Schema(ConnectionModel):
    """What follows the slash of OpenMetadata's address: a SID; with a service named elsewhere, a schema."""

    databaseSchema: str = Field(  # noqa: N815
        description="SID to connect to. With service_name or sid among connectionOptions: read this "
        "schema only."
    )


class Tns(ConnectionModel):
    """A whole connect descriptor."""

    oracleTNSConnection: str = Field(  # noqa: N815
        description="Connect descriptor, (DESCRIPTION=…)."
    )


class Connection(Protocol):
    """The fields that are needed of the connection model."""

    username: str
    password: SecretStr | None
    hostPort: str | None  # noqa: N815
    oracleConnectionType: ServiceName | Schema | Tns  # noqa: N815
    instantClientDirectory: str | None  # noqa: N815
    databaseName: str | None  # noqa: N815
    preserveIdentifierCase: bool  # noqa: N815
    useDBATable: bool  # noqa: N815
    connectionOptions: dict[str, str]  # noqa: N815
    connectionArguments: dict[str, Any]  # noqa: N815


def parameters(config: Connection) -> dict[str, Any]:
    """The arguments of `oracledb.connect`. Raises ConfigError."""
    given: dict[str, Any] = {
        "program": "rayingest",
        "tcp_connect_timeout": CONNECT_SECONDS,
        "expire_time": 2,  # minutes: firewalls forget a connection that is silent for long
        **_typed(config.connectionOptions),
        **config.connectionArguments,
    }
    if isinstance(given.get("access_token"), list):
        given["access_token"] = tuple(given["access_token"])  # OCI's token with its private key
    return {**_credentials(config, given), **_address(config, given), **given}


def only_schema(config: Connection) -> str | None:
    """The one schema to read, where the config names one beside its service."""
    wanted = config.oracleConnectionType
    named = _is_addressed({**config.connectionOptions, **config.connectionArguments})
    return wanted.databaseSchema if isinstance(wanted, Schema) and named else None


def client_folder(config: Connection) -> str | None:
    """Where Oracle's client libraries are, if the thick mode is wanted."""
    folder = config.instantClientDirectory or None
    return None if folder == THEIR_CLIENT and not Path(folder).is_dir() else folder


def place(config: Connection) -> str:
    """Where the database is, for people."""
    wanted = config.oracleConnectionType
    if isinstance(wanted, Tns):
        return "Oracle at that connect descriptor"
    name = wanted.oracleServiceName if isinstance(wanted, ServiceName) else wanted.databaseSchema
    return f"Oracle at {config.hostPort}, {name!r}," if config.hostPort else f"Oracle {name!r}"


def _credentials(config: Connection, given: Mapping[str, Any]) -> dict[str, Any]:
    """User and password; who signs in by Kerberos, by a wallet or with a token has no password."""
    if config.password is not None:
        return {"user": config.username, "password": config.password.get_secret_value()}
    # The driver refuses a plain name there: who it is, is told by what signs in. `[name]` is a proxy's.
    nameless = given.get("externalauth") or given.get("access_token")
    return {} if nameless and "[" not in config.username else {"user": config.username}


def _address(config: Connection, given: Mapping[str, Any]) -> dict[str, Any]:
    wanted = config.oracleConnectionType
    if isinstance(wanted, Tns):
        return {"dsn": wanted.oracleTNSConnection}
    if not config.hostPort:
        if isinstance(wanted, ServiceName):
            return {"dsn": wanted.oracleServiceName}
        raise ConfigError("hostPort is missing.", hint="Only a TNS alias or descriptor needs none.")
    tls = str(given.get("protocol", "")).lower() == "tcps"
    host, port = host_port(config.hostPort, TLS_PORT if tls else PORT)
    if isinstance(wanted, ServiceName):
        return {"host": host, "port": port, "service_name": wanted.oracleServiceName}
    sid = {} if _is_addressed(given) else {"sid": wanted.databaseSchema}
    return {"host": host, "port": port, **sid}


def _is_addressed(given: Mapping[str, Any]) -> bool:
    return bool(given.keys() & {"service_name", "sid", "dsn"})


def _typed(options: Mapping[str, str]) -> dict[str, Any]:
    """Options of a URL are text; the driver wants numbers and truth."""

    def value(name: str, text: str) -> object:
        if name in NUMBERS:
            return int(text)
        if name == "tcp_connect_timeout":
            return float(text)
        if name in FLAGS and text.lower() in TRUE | FALSE:
            return text.lower() in TRUE
        return text

    try:
        return {name: value(name, text) for name, text in options.items()}
    except ValueError as error:
        raise ConfigError(f"connectionOptions: {error}") from error
