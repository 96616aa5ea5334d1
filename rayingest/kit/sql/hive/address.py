"""Where HiveServer2 is and how it is spoken to: what the config says, in PyHive's and impyla's words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote

from pydantic import SecretStr

from rayingest.config.connection import host_port
from rayingest.errors import ConfigError

ANONYMOUS = "anonymous"
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

    @property
    def named(self) -> bool:
        """Whether the certificate must be of this host."""
        return self.verified and _yes(self.options.get("check_hostname", True))


def _auth(config: Connection) -> str:
    return getattr(config, "auth", None) or getattr(config, "authMechanism", None) or "NONE"


def _yes(value: object) -> bool:
    return value.lower() in YES if isinstance(value, str) else bool(value)
