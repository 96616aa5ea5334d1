"""From the config to an open connection: address, credentials, TLS, session settings."""

import shutil
import tempfile
from pathlib import Path
from typing import Any, Protocol

from pydantic import SecretStr

from rayingest.config.connection import (
    AzureAuth,
    BasicAuth,
    IamAuth,
    SslConfig,
    SslMode,
    host_port,
)
from rayingest.core.source import Settings
from rayingest.errors import ConfigError, MissingDriver
from rayingest.kit.sql.postgres.errors import classify_connect
from rayingest.kit.sql.postgres.product import POSTGRES, Product
from rayingest.kit.sql.postgres.session import PgSession
from rayingest.kit.sql.tokens import aws_token, azure_token

OLDEST = 120000
CERTIFICATES = {
    "caCertificate": "sslrootcert",
    "sslCertificate": "sslcert",
    "sslKey": "sslkey",
}


class Reachable(Protocol):
    """The fields of a connection model that say how to reach a server."""

    hostPort: str  # noqa: N815 - OpenMetadata's spelling
    sslMode: SslMode  # noqa: N815
    sslConfig: SslConfig | None  # noqa: N815
    connectionOptions: dict[str, str]  # noqa: N815
    connectionArguments: dict[str, Any]  # noqa: N815


class Connection(Reachable, Protocol):
    """The fields that are needed of a connection model."""

    username: str
    authType: BasicAuth | IamAuth | AzureAuth | None  # noqa: N815
    password: SecretStr | None
    database: str


def connect(settings: Settings, database: str | None) -> PgSession:
    """Open a read-only session."""
    config: Connection = settings.connection
    host, port = host_port(config.hostPort, POSTGRES.port)
    connection = dial(
        settings,
        POSTGRES,
        database or config.database,
        user=config.username,
        password=_password(config, host, port),
        options=_session_settings(settings.call_timeout),
    )
    session = PgSession(connection, getattr(config, "classificationName", ""))
    if session.version < OLDEST:
        session.close()
        raise ConfigError(
            f"PostgreSQL at {config.hostPort} is version {session.version // 10000}.",
            hint="This connector reads PostgreSQL 12 and newer.",
        )
    return session


def dial(
    settings: Settings,
    product: Product,
    database: str,
    *,
    user: str,
    password: str | None,
    options: str = "",
    **more: Any,
) -> Any:
    """A psycopg connection; `options` are settings of the session, `more` are parameters of libpq."""
    try:
        import psycopg
    except ImportError as error:
        raise MissingDriver(product.extra, "psycopg") from error
    config: Reachable = settings.connection
    folder = Path(tempfile.mkdtemp(prefix="rayingest-tls-")) if config.sslConfig else None
    try:
        told = parameters(config, product, database, folder, options)
        given = {"user": user, **more, **told}
        if password is not None:
            given.setdefault("password", password)
        return psycopg.connect(autocommit=True, prepare_threshold=None, **given)
    except psycopg.Error as error:
        raise classify_connect(error, config.hostPort, database, user, product) from error
    finally:
        # libpq has read the certificates once it is connected.
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def parameters(
    config: Reachable, product: Product, database: str, folder: Path | None, options: str
) -> dict[str, Any]:
    """What libpq is told, apart from who asks; certificates are written into `folder`."""
    host, port = host_port(config.hostPort, product.port)
    told: dict[str, Any] = {
        "host": host,
        "port": port,
        "sslmode": config.sslMode.value,
        "connect_timeout": 10,
        "application_name": "rayingest",
        "client_encoding": "utf8",
        "keepalives_idle": 60,
    }
    if config.sslConfig and folder:
        files = config.sslConfig.files(folder)
        told |= {CERTIFICATES[name]: str(path) for name, path in files.items()}
    if (
        config.sslMode is SslMode.VERIFY_FULL
        and not Path("~/.postgresql/root.crt").expanduser().exists()
    ):
        told.setdefault("sslrootcert", "system")
    theirs = {**config.connectionOptions, **config.connectionArguments}
    options = f"{options} {theirs.pop('options', '')}".strip()
    given = {"options": options} if options else {}
    return {**told, **theirs, "dbname": database, **given}


def _session_settings(seconds: float) -> str:
    milliseconds = max(1, int(seconds * 1000))
    values = {
        "default_transaction_read_only": "on",
        "statement_timeout": milliseconds,
        "lock_timeout": min(milliseconds, 30_000),
        # An empty path makes the server qualify every name it writes, whoever we are.
        "search_path": "",
        "bytea_output": "hex",
        "jit": "off",
    }
    return " ".join(f"-c {name}={value}" for name, value in values.items())


def _password(config: Connection, host: str, port: int) -> str | None:
    auth = config.authType
    if isinstance(auth, IamAuth):
        return aws_token(auth.awsConfig, host, port, config.username)
    if isinstance(auth, AzureAuth):
        return azure_token(auth.azureConfig)
    secret = (auth.password if auth else None) or config.password
    return secret.get_secret_value() if secret else None
