"""From the config to an open session: address, options, credentials, TLS.

https://www.mongodb.com/docs/manual/reference/connection-string-options/
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from pydantic import SecretStr

from rayingest import errors
from rayingest.config.connection import SslConfig, SslMode, host_port
from rayingest.connectors.database._mongodb.errors import said
from rayingest.connectors.database._mongodb.session import Session, counter
from rayingest.core.source import Settings

DATABASE = "default"
PORT = 27017
SAMPLE = "sampleSize"  # ours among the options, which are the driver's
CONNECT_SECONDS = 10
SRV = "mongodb+srv"
VERIFIED = {SslMode.REQUIRE, SslMode.VERIFY_CA, SslMode.VERIFY_FULL}
PEM = "Give the path of a PEM file, or the PEM text itself."
OPTIONS = "They take the options of a MongoDB connection string, and sampleSize."


class Options(Protocol):
    """What stands in `connectionOptions`."""

    sampleSize: int  # noqa: N815 - it is a key of the config

    @property
    def driver(self) -> Mapping[str, str]:
        """All that is the driver's."""
        ...


class Connection(Protocol):
    """The fields that are needed of the connection model."""

    scheme: str
    username: str | None
    password: SecretStr | None
    hostPort: str  # noqa: N815 - OpenMetadata's spelling
    databaseName: str | None  # noqa: N815
    databaseSchema: str | None  # noqa: N815
    connectionOptions: Options  # noqa: N815
    sslMode: SslMode  # noqa: N815
    sslConfig: SslConfig | None  # noqa: N815


def connect(settings: Settings, database: str | None) -> Session:
    """A session, signed in; all of MongoDB's databases are schemas of one of ours."""
    config: Connection = settings.connection
    try:
        calls = counter()
    except ImportError as error:
        raise errors.MissingDriver("mongodb", "pymongo") from error
    session = Session(
        _client(settings, listener=calls),
        calls,
        beside=partial(_client, settings, seconds=3),
        database=config.databaseName or DATABASE,
        only=config.databaseSchema,
        sample=config.connectionOptions.sampleSize,
        wait=settings.call_timeout,
    )
    try:
        session.begin()
    except Exception as error:
        session.close()
        raise _refused(error, config) from error
    return session


def encrypted(config: Connection) -> bool:
    """Whether there is TLS: what the options say counts, then certificates and modes, then the scheme."""
    given = {key.lower(): each.lower() for key, each in config.connectionOptions.driver.items()}
    said_so = given.get("tls", given.get("ssl"))
    return said_so == "true" if said_so else config.scheme == SRV or _wants_tls(config)


def _wants_tls(config: Connection) -> bool:
    files = config.sslConfig.model_dump(exclude_none=True) if config.sslConfig else {}
    return bool(files) or config.sslMode in VERIFIED


def _client(settings: Settings, *, seconds: float | None = None, listener: Any = None) -> Any:
    """The driver's client; `seconds` is for one that must not wait long."""
    config: Connection = settings.connection
    pymongo: Any = import_module("pymongo")
    failures: Any = import_module("pymongo.errors")
    folder = Path(tempfile.mkdtemp(prefix="rayingest-tls-"))
    try:
        options = _options(settings, folder, seconds)
        query = urlencode(options, quote_via=quote)
        import_module("pymongo.uri_parser").split_options(query, warn=False)
        return pymongo.MongoClient(
            f"{config.scheme}://{_hosts(config)}/?{query}",
            **_credentials(config),
            # A text that is no UTF-8 and a day out of Python's calendar cost nobody a collection.
            unicode_decode_error_handler="replace",
            datetime_conversion="DATETIME_AUTO",
            event_listeners=[listener] if listener else [],
        )
    except OSError as error:
        raise errors.ConfigError(
            f"sslConfig: a certificate or key cannot be read: {error.strerror or error}",
            hint=PEM,
        ) from error
    except (failures.PyMongoError, TypeError, ValueError) as error:
        raise _misconfigured(error, config) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)


def _options(settings: Settings, folder: Path, seconds: float | None) -> dict[str, str]:
    """The user's options, and ours where there is none of that name."""
    config: Connection = settings.connection
    wait = int(1000 * (seconds or CONNECT_SECONDS))
    patience = int(1000 * (seconds or max(1.0, settings.call_timeout) + 5))
    ours = {
        "appName": "rayingest",
        "connectTimeoutMS": str(wait),
        "serverSelectionTimeoutMS": str(wait),
        "socketTimeoutMS": str(patience),  # the server gives up first, and says so
        "readPreference": "secondaryPreferred",
        "maxPoolSize": "2",
        # One connection that watches each server; the other way takes two.
        "serverMonitoringMode": "poll",
        **_tls(config, folder),
    }
    theirs = dict(config.connectionOptions.driver)
    given = {each.lower() for each in theirs}
    return {**{key: each for key, each in ours.items() if key.lower() not in given}, **theirs}


def _tls(config: Connection, folder: Path) -> dict[str, str]:
    """The server's certificate and name are verified, whenever there is TLS."""
    files = config.sslConfig.files(folder) if config.sslConfig else {}
    found = {"tls": "true"} if _wants_tls(config) else {}
    if config.sslMode is SslMode.VERIFY_CA:
        found["tlsAllowInvalidHostnames"] = "true"
    if "caCertificate" in files:
        found["tlsCAFile"] = str(files["caCertificate"])
    if "sslCertificate" in files:
        found["tlsCertificateKeyFile"] = str(_pair(files, folder))
    return found


def _pair(files: Mapping[str, Path], folder: Path) -> Path:
    """The driver wants certificate and key in one file."""
    if "sslKey" not in files:
        return files["sslCertificate"]
    both = "\n".join(files[each].read_text() for each in ("sslCertificate", "sslKey"))
    path = folder / "pair.pem"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(both)
    return path


def _hosts(config: Connection) -> str:
    """One server or several; the path of a socket must not look like that of a URL."""
    if config.scheme == SRV:
        return config.hostPort.strip()
    found = []
    for each in config.hostPort.split(","):
        host, port = host_port(each, PORT)
        plain = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        found.append(quote(host, safe="") if host.startswith("/") else plain)
    return ",".join(found)


def _credentials(config: Connection) -> dict[str, str]:
    found = {"username": config.username} if config.username else {}
    if config.password is not None:
        found["password"] = config.password.get_secret_value()
    return {key: each for key, each in found.items() if each}


def _misconfigured(error: Exception, config: Connection) -> errors.RayingestError:
    """What the driver says before it asks any server; a name that DNS lacks is one of these."""
    text = said(error)
    if config.scheme == SRV and type(error.__cause__).__module__.startswith("dns."):
        return _silent(text, config)
    if any(word in text.lower() for word in ("tls", "ssl", "certificate")):
        return errors.ConfigError(f"sslConfig, connectionOptions: {text}", hint=PEM)
    return errors.ConfigError(f"hostPort, connectionOptions: {text}", hint=OPTIONS)


def _refused(error: Exception, config: Connection) -> Exception:
    """What a first question ended with: nobody is there, or nobody knows us."""
    failures: Any = import_module("pymongo.errors")
    if isinstance(error, errors.SessionLost | errors.TimedOut):
        return _silent(said(error.__cause__ or error), config)
    if isinstance(error, errors.Unauthorised):
        return errors.Unauthorised(
            f"MongoDB at {config.hostPort} does not accept user {config.username!r}: {error}",
            hint="Check username and password, and authSource and authMechanism in connectionOptions.",
        )
    if isinstance(error.__cause__, failures.ConfigurationError):
        return errors.ConfigError(f"connectionOptions: {said(error.__cause__)}", hint=OPTIONS)
    return error


def _silent(text: str, config: Connection) -> errors.Unreachable:
    hint = "Check hostPort, scheme, network, sslMode and firewall."
    if "certificate" in text.lower():
        hint = "Name the authority that signed the server's certificate: sslConfig.caCertificate."
    return errors.Unreachable(f"MongoDB at {config.hostPort} does not answer: {text}", hint=hint)
