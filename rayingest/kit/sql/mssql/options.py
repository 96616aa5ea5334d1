"""What the connections of SQL Server, Azure SQL and Synapse say, in the words of the driver."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from rayingest.config.connection import SslConfig, host_port
from rayingest.errors import ConfigError
from rayingest.kit.sql.mssql.tls import Encryption

PORT = 1433
NUMBERS = {"login_timeout", "timeout", "blocksize", "tds_version", "port"}
FLAGS = {"readonly", "use_mars", "validate_host", "enc_login_only", "use_sso"}
TRUE, FALSE = {"yes", "true", "1", "mandatory", "strict"}, {"no", "false", "0", "optional"}
# Words of ODBC that people write into connectionOptions; what is None there says nothing to us.
ODBC: Mapping[str, str | None] = {
    "encrypt": "encrypt",
    "trustservercertificate": "trust",
    "applicationintent": "readonly",
    "logintimeout": "login_timeout",
    "connecttimeout": "login_timeout",
    "connectiontimeout": "login_timeout",
    "app": "appname",
    "applicationname": "appname",
    "driver": None,
    "multisubnetfailover": None,
    "mars_connection": None,
    "charset": None,
}


class Address(NamedTuple):
    """Where a server is: by port, or by the name of an instance that its browser service tells."""

    host: str
    port: int | None

    @classmethod
    def of(cls, text: str) -> "Address":
        """Read `host:port`, `host` or `host\\instance`."""
        host, port = host_port(text, PORT)
        return cls(host, None if "\\" in host else port)

    @property
    def machine(self) -> str:
        """The host without its instance."""
        return self.host.partition("\\")[0]


class Given(NamedTuple):
    """What the config asks for beside address and credentials; `more` goes to the driver as it is."""

    encryption: Encryption
    more: dict[str, Any]


def given(config: Any) -> Given:
    """Read fields, `authenticationMode`, connectionOptions and connectionArguments."""
    mode = getattr(config, "authenticationMode", None)
    told = _typed(config.connectionOptions) | dict(config.connectionArguments)
    encryption = _encryption(config, mode, told)
    if mode is not None:
        told.setdefault("login_timeout", mode.connectionTimeout)
    return Given(encryption, told)


def _encryption(config: Any, mode: Any, told: dict[str, Any]) -> Encryption:
    """What is said of it, in our words or in those of the driver; taken out of what `told` has for it."""
    files = getattr(config, "sslConfig", None)
    if authorities := told.pop("cafile", None):
        files = files or SslConfig(caCertificate=authorities)
    encrypt, trust = told.pop("encrypt", None), told.pop("trust", None)
    for place in (config, mode):
        encrypt = encrypt if encrypt is not None else getattr(place, "encrypt", None)
        trust = trust if trust is not None else getattr(place, "trustServerCertificate", None)
    # A service that is Azure's alone takes nothing else than encrypted connections.
    wanted = bool(encrypt) or files is not None or not hasattr(config, "encrypt")
    return Encryption(
        whole=wanted and not told.pop("enc_login_only", False),
        verified=wanted and not trust,
        files=files,
        named=bool(told.pop("validate_host", True)),
    )


def _typed(options: Mapping[str, str]) -> dict[str, Any]:
    """Options of a URL are text; the driver wants numbers and truth."""
    found: dict[str, Any] = {}
    for name, text in options.items():
        plain = name.lower().replace(" ", "")
        key = ODBC.get(plain, name)
        if key is not None:
            found[key] = _value(name, key, text)
    return found


def _value(name: str, key: str, text: str) -> object:
    word = text.strip().lower()
    if name.lower() == "applicationintent":
        return word == "readonly"
    if key in NUMBERS and word.isdecimal():
        return int(word)
    if key in FLAGS | {"encrypt", "trust"} and word in TRUE | FALSE:
        return word in TRUE
    if key in NUMBERS | FLAGS | {"encrypt", "trust"}:
        raise ConfigError(f"connectionOptions.{name}: {text!r} is no such value.")
    return text
