"""From the config to an open session: credentials, and what it means when there is none."""

import shutil
import tempfile
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from rayingest import errors
from rayingest.connectors.database._mongodb.errors import said
from rayingest.connectors.database._mongodb.options import SRV, Connection, hosts, options
from rayingest.connectors.database._mongodb.session import Session, counter
from rayingest.core.source import Settings

DATABASE = "default"
PEM = "Give the path of a PEM file, or the PEM text itself."
WRONG = "They take the options of a MongoDB connection string, and sampleSize."


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


def _client(settings: Settings, *, seconds: float | None = None, listener: Any = None) -> Any:
    """The driver's client; `seconds` is for one that must not wait long."""
    config: Connection = settings.connection
    pymongo: Any = import_module("pymongo")
    failures: Any = import_module("pymongo.errors")
    folder = Path(tempfile.mkdtemp(prefix="rayingest-tls-"))
    try:
        given = options(config, folder, settings.call_timeout, seconds)
        query = urlencode(given, quote_via=quote)
        import_module("pymongo.uri_parser").split_options(query, warn=False)
        return pymongo.MongoClient(
            f"{config.scheme}://{hosts(config)}/?{query}",
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


def _credentials(config: Connection) -> dict[str, str]:
    found = {"username": config.username} if config.username else {}
    if config.password is not None:
        found["password"] = config.password.get_secret_value()
    return {key: each for key, each in found.items() if each}


def _misconfigured(error: Exception, config: Connection) -> errors.RayingestError:
    """What the driver says before it asks any server; a name that DNS lacks is one of these."""
    text = said(error)
    before = error.__cause__ or error.__context__  # older drivers name no cause
    if config.scheme == SRV and type(before).__module__.startswith("dns."):
        return _silent(text, config)
    if any(word in text.lower() for word in ("tls", "ssl", "certificate")):
        return errors.ConfigError(f"sslConfig, connectionOptions: {text}", hint=PEM)
    return errors.ConfigError(f"hostPort, connectionOptions: {text}", hint=WRONG)


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
        return errors.ConfigError(f"connectionOptions: {said(error.__cause__)}", hint=WRONG)
    return error


def _silent(text: str, config: Connection) -> errors.Unreachable:
    hint = "Check hostPort, scheme, network, sslMode and firewall."
    if "certificate" in text.lower():
        hint = "Name the authority that signed the server's certificate: sslConfig.caCertificate."
    return errors.Unreachable(f"MongoDB at {config.hostPort} does not answer: {text}", hint=hint)
