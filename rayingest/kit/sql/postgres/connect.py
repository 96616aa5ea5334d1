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
from rayingest.kit.sql.postgres.session import PgSession
from rayingest.kit.sql.tokens import aws_token, azure_token

PORT = 5432
OLDEST = 120000
CERTIFICATES = {
    "caCertificate": "sslrootcert",
    "sslCertificate": "sslcert",
    "sslKey": "sslkey",
}


class Connection(Protocol):
    """The fields that are needed of a connection model."""

    username: str
    authType: BasicAuth | IamAuth | AzureAuth | None  # noqa: N815 - OpenMetadata's spelling
    password: SecretStr | None
    hostPort: str  # noqa: N815
    database: str
    sslMode: SslMode  # noqa: N815
    sslConfig: SslConfig | None  # noqa: N815
    connectionOptions: dict[str, str]  # noqa: N815
    connectionArguments: dict[str, Any]  # noqa: N815


def connect(settings: Settings, database: str | None) -> PgSession:
    """Open a read-only session."""
    try:
        import psycopg
    except ImportError as error:
        raise MissingDriver("postgres", "psycopg") from error
    config: Connection = settings.connection
    name = database or config.database
    with_files = Path(tempfile.mkdtemp(prefix="rayingest-tls-")) if config.sslConfig else None
    try:
        parameters = _parameters(settings, config, name, with_files)
        connection = psycopg.connect(autocommit=True, prepare_threshold=None, **parameters)
    except psycopg.Error as error:
        raise classify_connect(error, config.hostPort, name, config.username) from error
    finally:
        # libpq has read the certificates once it is connected.
        if with_files:
            shutil.rmtree(with_files, ignore_errors=True)
    session = PgSession(connection, getattr(config, "classificationName", ""))
    if session.version < OLDEST:
        session.close()
        raise ConfigError(
            f"PostgreSQL at {config.hostPort} is version {session.version // 10000}.",
            hint="This connector reads PostgreSQL 12 and newer.",
        )
    return session


def _parameters(
    settings: Settings, config: Connection, database: str, folder: Path | None
) -> dict[str, Any]:
    host, port = host_port(config.hostPort, PORT)
    parameters: dict[str, Any] = {
        "host": host,
        "port": port,
        "user": config.username,
        "dbname": database,
        "sslmode": config.sslMode.value,
        "connect_timeout": 10,
        "application_name": "rayingest",
        "client_encoding": "utf8",
        "keepalives_idle": 60,
    }
    password = _password(config, host, port)
    if password is not None:
        parameters["password"] = password
    if config.sslConfig and folder:
        files = config.sslConfig.files(folder)
        parameters |= {CERTIFICATES[name]: str(path) for name, path in files.items()}
    if (
        config.sslMode is SslMode.VERIFY_FULL
        and not Path("~/.postgresql/root.crt").expanduser().exists()
    ):
        parameters.setdefault("sslrootcert", "system")
    theirs = {**config.connectionOptions, **config.connectionArguments}
    ours = _session_settings(settings.call_timeout)
    options = f"{ours} {theirs.pop('options', '')}".strip()
    return {**parameters, **theirs, "dbname": database, "options": options}


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
