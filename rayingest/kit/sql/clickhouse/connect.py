"""From the config to a session: address, credentials, TLS, settings of the statements."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import SecretStr

from rayingest.config.connection import host_port
from rayingest.core.source import Settings
from rayingest.errors import ConfigError, Denied, RayingestError
from rayingest.kit.sql.clickhouse.errors import FIXED, Said
from rayingest.kit.sql.clickhouse.http import HttpTransport
from rayingest.kit.sql.clickhouse.native import NativeTransport
from rayingest.kit.sql.clickhouse.session import ClickHouseSession, Transport
from rayingest.kit.sql.clickhouse.text import literal

DATABASE, USER = "default", "default"
CONNECT_SECONDS, SHORT = 10.0, 3.0
# For the first answer: a service that sleeps has to wake, a port of something else is not waited on.
FIRST_SECONDS = 60.0
# Without TLS, with TLS: https://clickhouse.com/docs/guides/sre/network-ports
PORTS = {"http": (8123, 8443), "native": (9000, 9440)}
YES, NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
FLAGS = {"secure", "verify", "check_hostname", "compression", "tcp_keepalive", "disable_reconnect"}
SECONDS = {"connect_timeout", "send_receive_timeout", "sync_request_timeout"}
# What both ways understand; over HTTP everything else is a setting of ClickHouse.
TLS = {"verify", "check_hostname", "ca_certs", "certfile", "keyfile", "keypass"}
HTTP = {*TLS, *SECONDS, "secure", "protocol", "settings"}

# Nothing is written, answers are whole or an error, and long statements are read.
SETTINGS = {
    "readonly": "2",
    "max_query_size": "1048576",
    "max_result_rows": "0",
    "max_result_bytes": "0",
    "result_overflow_mode": "throw",
    "read_overflow_mode": "throw",
    "set_overflow_mode": "throw",
    "sort_overflow_mode": "throw",
    "timeout_overflow_mode": "throw",
}
# Limits that `…_overflow_mode = break` makes cut an answer without a word.
CUTS = {
    "result_overflow_mode": ("max_result_rows", "max_result_bytes"),
    "read_overflow_mode": ("max_rows_to_read", "max_bytes_to_read"),
    "set_overflow_mode": ("max_rows_in_set", "max_bytes_in_set"),
    "sort_overflow_mode": ("max_rows_to_sort", "max_bytes_to_sort"),
    "timeout_overflow_mode": ("max_execution_time",),
}
# One row: nothing can be cut from it. Which columns system tables have decides what is asked for.
# The settings stand outside of the inner selects, which have limits of their own.
HELLO = """select version(), groupArray((name, value)),
  (select groupArray((table, name)) from system.columns
    where database = 'system' and table in ('databases', 'tables', 'columns')),
  (select toUInt32(count()) from system.databases where name = {schema})
from system.settings where match(name, '_overflow_mode$|^max_')"""


class Connection(Protocol):
    """The fields that are needed of a connection model."""

    scheme: str | None
    username: str | None
    password: SecretStr | None
    hostPort: str  # noqa: N815 - OpenMetadata's spelling
    databaseName: str | None  # noqa: N815
    databaseSchema: str | None  # noqa: N815
    https: bool | None
    secure: bool | None
    keyfile: str | None
    connectionOptions: dict[str, str]  # noqa: N815
    connectionArguments: dict[str, Any]  # noqa: N815


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is, how it is spoken to, and what the user says of that."""

    native: bool
    tls: bool
    host: str
    port: int
    user: str
    password: str
    options: Mapping[str, Any]

    @classmethod
    def of(cls, config: Connection) -> "Address":
        """Read a connection model. Raises ConfigError."""
        native = config.scheme == "clickhouse+native"
        options = {**_typed(config.connectionOptions), **config.connectionArguments}
        if config.keyfile:
            options.setdefault("keyfile", config.keyfile)
        if "keyfile" in options:  # one PEM file may hold both
            options.setdefault("certfile", options["keyfile"])
        asked = options.pop("secure", False), options.pop("protocol", "http") == "https"
        tls = any((*asked, config.https, config.secure))
        host, port = host_port(config.hostPort, PORTS["native" if native else "http"][tls])
        password = config.password.get_secret_value() if config.password else ""
        return cls(native, tls, host, port, config.username or USER, password, options)

    @property
    def url(self) -> str:
        """As error messages say it; over HTTP also where statements are posted to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.native:
            return f"{host}:{self.port}"
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}/"

    def open(self, settings: Mapping[str, str], connect: float, seconds: float) -> Transport:
        """A transport that sends these settings with each statement, and waits that long."""
        connect = float(self.options.get("connect_timeout", connect))
        seconds = float(self.options.get("send_receive_timeout", seconds))
        waits = connect, min(seconds, FIRST_SECONDS), seconds
        theirs = self.options.get("settings", {})
        # The native driver makes a context of its own, but of a missing file it says that nobody answers.
        trust = self._trust() if self.tls else False
        if self.native:
            return self._native({**theirs, **settings}, waits)
        rest = {key: value for key, value in self.options.items() if key not in HTTP}
        return HttpTransport(
            self.url,
            user=self.user,
            password=self.password,
            settings={**{key: str(value) for key, value in {**rest, **theirs}.items()}, **settings},
            waits=waits,
            verify=trust,
        )

    def _native(
        self, settings: Mapping[str, Any], waits: tuple[float, float, float]
    ) -> NativeTransport:
        parameters = {
            "host": self.host,
            "port": self.port,
            "database": "system",
            "user": self.user,
            "password": self.password,
            "client_name": "rayingest",
            **self.options,
            "connect_timeout": waits[0],
            "send_receive_timeout": waits[1],
            "secure": self.tls,
            "settings": settings,
        }
        return NativeTransport(self.url, parameters, waits[2])

    def _trust(self) -> ssl.SSLContext:
        told = self.options.get("verify", True)
        authority = self.options.get("ca_certs") or (told if isinstance(told, str) else None)
        try:
            context = ssl.create_default_context(cafile=authority)
            context.check_hostname = bool(told) and bool(self.options.get("check_hostname", True))
            context.verify_mode = ssl.CERT_REQUIRED if told else ssl.CERT_NONE
            if "certfile" in self.options:
                files = self.options["certfile"], self.options.get("keyfile")
                context.load_cert_chain(*files, password=self.options.get("keypass"))
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(
                f"ca_certs, certfile, keyfile: cannot be read: {error.strerror or error}",
                hint="Give paths of PEM files; a keyfile without certfile holds the certificate, too.",
            ) from None
        return context


def connect(settings: Settings, database: str | None) -> ClickHouseSession:
    """Open a session; it reads every database of the server."""
    config: Connection = settings.connection
    address = Address.of(config)
    wait = max(1.0, settings.call_timeout)
    ours = {**SETTINGS, "max_execution_time": str(int(wait))}
    try:
        return _session(address, config, ours, wait)
    except Said as error:
        if error.code not in FIXED:
            raise
    return _session(address, config, {}, wait)  # a user who may change no settings


def _session(
    address: Address, config: Connection, ours: Mapping[str, str], wait: float
) -> ClickHouseSession:
    session = ClickHouseSession(
        address.open(ours, CONNECT_SECONDS, wait + 5),  # the server gives up first, and says so
        database=config.databaseName or DATABASE,
        schema=config.databaseSchema,
        user=address.user,
        beside=lambda: address.open({}, SHORT, SHORT),
    )
    try:
        _greet(session, address)
    except RayingestError:
        session.close()
        raise
    return session


def _greet(session: ClickHouseSession, address: Address) -> None:
    schema = literal(session.schema or "system")
    ((version, settings, columns, found),) = session.rows(HELLO.format(schema=schema))
    known: dict[str, set[str]] = {}
    for table, column in columns:
        known.setdefault(table, set()).add(column)
    session.learn(version, known)
    _refuse_cuts(session.user, dict(settings))
    if not found:
        raise Denied(
            f"{address.url}: there is no database {session.schema!r}, or user {session.user!r} may not see it.",
            hint="`SHOW DATABASES` lists them; databaseSchema must be one of them, or absent.",
        )


def _refuse_cuts(user: str, values: Mapping[str, str]) -> None:
    for mode, limits in CUTS.items():
        limit = next((each for each in limits if values.get(each, "0") != "0"), None)
        if values.get(mode) == "break" and limit:
            raise ConfigError(
                f"The profile of user {user!r} cuts answers without a word ({mode} = break,"
                f" {limit} = {values[limit]}), and lets nobody change that.",
                hint=f"Set {mode} to throw in that profile, or readonly to 2 instead of 1.",
            )


def _typed(options: Mapping[str, str]) -> dict[str, Any]:
    return {name: _value(name, text) for name, text in options.items()}


def _value(name: str, text: str) -> object:
    if name in FLAGS and text.lower() in YES | NO:
        return text.lower() in YES
    try:
        return float(text) if name in SECONDS else text
    except ValueError:
        raise ConfigError(f"connectionOptions.{name}: {text!r} is no number.") from None
