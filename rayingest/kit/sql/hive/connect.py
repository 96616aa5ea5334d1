"""From the config to a session: address, credentials, TLS; what PyHive's and impyla's parameters say."""

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote

from pydantic import SecretStr

from rayingest.config.connection import SslConfig, host_port
from rayingest.config.server import VerifySsl
from rayingest.core.source import Settings
from rayingest.errors import ConfigError, MissingDriver
from rayingest.kit.rest.tls import trust
from rayingest.kit.sql.hive.errors import classify_connect
from rayingest.kit.sql.hive.session import HiveSession
from rayingest.kit.sql.hive.wire import Web, Wire

DATABASE, ANONYMOUS = "default", "anonymous"
CONNECT_SECONDS = 10.0
FIRST_SECONDS = 60.0  # for the sign-in: a port of something else is not waited on for long
PLAIN = {"NONE", "LDAP", "CUSTOM", "PLAIN", "BASIC"}
KERBEROS = {"KERBEROS", "GSSAPI"}
YES = {"1", "true", "yes", "on"}
OPTIONS = (
    *("auth", "auth_mechanism", "kerberos_service_name", "krb_host", "http_path", "configuration"),
    *("use_http_transport", "use_ssl", "ca_cert", "verify_cert", "ssl_cert", "check_hostname"),
    "jwt",
)
# Of the drivers, and without effect here.
IGNORED = {"timeout", "retries", "user_agent", "http_cookie_names", "auth_cookie_names"}


class Connection(Protocol):
    """The fields that are needed of a connection model; some are Hive's alone, some Impala's."""

    username: str | None
    password: SecretStr | None
    hostPort: str  # noqa: N815 - OpenMetadata's spelling
    kerberosServiceName: str | None  # noqa: N815
    databaseName: str | None  # noqa: N815
    databaseSchema: str | None  # noqa: N815
    authOptions: str | None  # noqa: N815
    useSSL: bool | None  # noqa: N815
    connectionOptions: dict[str, str]  # noqa: N815
    connectionArguments: dict[str, Any]  # noqa: N815


@dataclass(frozen=True, slots=True)
class Product:
    """What differs between the servers that speak this protocol: ports, path, the service of Kerberos.

    `server`, where it is given, is what it is taken for, whatever it says.
    """

    name: str
    extra: str
    port: int
    http_port: int
    http_path: str
    service: str
    server: str = ""


# https://hive.apache.org/docs/latest/admin/setting-up-hiveserver2/,
# https://impala.apache.org/docs/build/html/topics/impala_ports.html
HIVESERVER2 = Product("HiveServer2", "hive", 10000, 10001, "cliservice", "hive")
IMPALAD = Product("Impala", "impala", 21050, 28000, "", "impala", server="Impala")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is, how it is spoken to, and who asks."""

    host: str
    port: int
    http: str | None
    tls: bool
    auth: str
    user: str
    password: str = field(repr=False)
    options: Mapping[str, Any] = field(repr=False)  # there may be a token among them

    @classmethod
    def of(cls, config: Connection, product: Product) -> "Address":
        """Read a connection model. Raises ConfigError."""
        given = dict(parse_qsl(config.authOptions or ""))
        options = {**given, **config.connectionOptions, **config.connectionArguments}
        if strange := sorted(options.keys() - {*OPTIONS, *IGNORED}):
            raise ConfigError(
                f"connectionOptions, connectionArguments, authOptions: unknown: {', '.join(strange)}.",
                hint=f"Known are {', '.join(OPTIONS)}.",
            )
        scheme = getattr(config, "scheme", None) or ""
        web = "http" in scheme or _yes(options.get("use_http_transport")) or "http_path" in options
        tls = bool(config.useSSL) or scheme.endswith("https") or _yes(options.get("use_ssl"))
        path = str(options.get("http_path", product.http_path)).lstrip("/") if web else None
        host, port = host_port(config.hostPort, product.http_port if web else product.port)
        told = options.get("auth") or options.get("auth_mechanism") or _auth(config)
        auth = str(told).upper()
        if auth not in {*PLAIN, *KERBEROS, "NOSASL", "JWT"}:
            raise ConfigError(
                f"auth {auth!r} is not known.", hint="PLAIN, LDAP, GSSAPI, NOSASL or JWT."
            )
        secret = config.password.get_secret_value() if config.password else ""
        if auth == "JWT" and (not web or not (options.get("jwt") or secret)):
            raise ConfigError(
                "auth JWT needs HTTP, and the token as password.",
                hint="Set scheme: hive+https (for Impala connectionArguments.use_http_transport), and password.",
            )
        if auth in KERBEROS and web:
            raise ConfigError(
                "Kerberos over HTTP is not supported yet.",
                hint="Use the binary port, or LDAP over HTTP.",
            )
        return cls(host, port, path, tls, auth, config.username or ANONYMOUS, secret, options)

    @property
    def where(self) -> str:
        """As errors say it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Where messages are posted to."""
        return f"{'https' if self.tls else 'http'}://{self.where}/{quote(self.http or '')}"

    @property
    def verified(self) -> bool:
        """Whether the server's certificate is checked."""
        asked = str(self.options.get("ssl_cert") or "").lower() != "none"  # PyHive's word for it
        return asked and _yes(self.options.get("verify_cert", True))


def connect(product: Product, settings: Settings, database: str | None) -> HiveSession:
    """Open a session; all of the server is one database of the catalogue."""
    config: Connection = settings.connection
    address = Address.of(config, product)
    named = f"{product.name} at {address.where}"
    tls = _context(getattr(config, "sslConfig", None), address) if address.tls else None
    opened = partial(_opened, product, config, address, tls)
    seconds = max(1.0, settings.call_timeout)
    wire: Wire | Web | None = None
    try:
        client, wire = opened()
        session = HiveSession(
            client,
            wire,
            database=config.databaseName or DATABASE,
            schema=config.databaseSchema,
            user=address.user,
            beside=opened,
        )
        wire.wait(min(FIRST_SECONDS, seconds))
        session.begin(seconds, dict(address.options.get("configuration") or {}))
    except Exception as error:
        if wire is not None:
            wire.close()
        raise classify_connect(error, named, address.user) from error
    session.server = product.server or session.server
    return session


def _opened(
    product: Product, config: Connection, address: Address, tls: ssl.SSLContext | None
) -> tuple[Any, Wire | Web]:
    """A client that has signed in, but has no session."""
    try:
        service: Any = import_module("impala._thrift_gen.TCLIService.TCLIService")
        protocol: Any = import_module("thrift.protocol.TBinaryProtocol")
    except ImportError as error:
        raise MissingDriver(product.extra, "impyla") from error
    wire, transport = _transport(product, config, address, tls)
    return service.Client(protocol.TBinaryProtocolAccelerated(transport)), wire


def _transport(
    product: Product, config: Connection, address: Address, tls: ssl.SSLContext | None
) -> tuple[Wire | Web, Any]:
    """The wire, and what Thrift writes to. Raises what the sign-in raises."""
    if address.http is not None:
        web = Web(address.url, _headers(address), CONNECT_SECONDS, tls)
        return web, web
    wire = Wire(address.host, address.port, CONNECT_SECONDS, tls)
    try:
        if address.auth == "NOSASL":
            buffered: Any = import_module("thrift.transport.TTransport")
            return wire, buffered.TBufferedTransport(wire)
        signed = _sasl(product, config, address, wire)
        signed.open()
    except BaseException:
        wire.close()
        raise
    return wire, signed


def _sasl(product: Product, config: Connection, address: Address, wire: Wire) -> Any:
    sasl: Any = import_module("thrift_sasl")
    client: Any = import_module("impala.sasl_compat")
    kerberos = address.auth in KERBEROS
    if kerberos:
        try:
            import_module("kerberos")
        except ImportError as error:
            raise MissingDriver("kerberos", "kerberos") from error
    told = address.options.get("kerberos_service_name") or config.kerberosServiceName

    def made() -> Any:
        return client.PureSASLClient(
            address.options.get("krb_host") or address.host,
            username=address.user,
            # Without a password the server asks for none, but PLAIN may not leave it out.
            password=address.password or "anonymous",
            service=told or product.service,
        )

    return sasl.TSaslClientTransport(made, "GSSAPI" if kerberos else "PLAIN", wire)


def _headers(address: Address) -> dict[str, str]:
    if address.auth == "NOSASL":
        return {}
    if address.auth == "JWT":
        return {"Authorization": f"Bearer {address.options.get('jwt') or address.password}"}
    pair = f"{address.user}:{address.password or 'anonymous'}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _context(given: SslConfig | None, address: Address) -> ssl.SSLContext:
    """Verify the server's certificate and name, unless told otherwise; present ours if there is one."""
    authority = address.options.get("ca_cert")
    told = given or (SslConfig(caCertificate=SecretStr(authority)) if authority else None)
    made = trust(VerifySsl.VALIDATE if address.verified else VerifySsl.IGNORE, told)
    context = made if isinstance(made, ssl.SSLContext) else ssl.create_default_context()
    if not (address.verified and _yes(address.options.get("check_hostname", True))):
        context.check_hostname = False
    if not address.verified:
        context.verify_mode = ssl.CERT_NONE
    return context


def _auth(config: Connection) -> str:
    return getattr(config, "auth", None) or getattr(config, "authMechanism", None) or "NONE"


def _yes(value: object) -> bool:
    return value.lower() in YES if isinstance(value, str) else bool(value)
