"""From the config to an open connection: address, credentials, TLS, session settings."""

import shutil
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from pydantic import SecretStr

from rayingest.config.connection import (
    AwsCredentials,
    AzureAuth,
    AzureCredentials,
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

PORT = 5432
OLDEST = 120000
CERTIFICATES = {
    "caCertificate": "sslrootcert",
    "sslCertificate": "sslcert",
    "sslKey": "sslkey",
}
AZURE_SCOPE = "https://ossrdbms-aad.database.windows.net/.default"


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
        return _aws_token(auth.awsConfig, host, port, config.username)
    if isinstance(auth, AzureAuth):
        return _azure_token(auth.azureConfig)
    secret = (auth.password if auth else None) or config.password
    return secret.get_secret_value() if secret else None


def _aws_token(aws: AwsCredentials, host: str, port: int, user: str) -> str:
    try:
        boto3: Any = import_module("boto3")
    except ImportError as error:
        raise MissingDriver("aws", "boto3") from error
    secret, token = aws.awsSecretAccessKey, aws.awsSessionToken
    keys = {
        "aws_access_key_id": aws.awsAccessKeyId,
        "aws_secret_access_key": secret.get_secret_value() if secret else None,
        "aws_session_token": token.get_secret_value() if token else None,
    }
    session = boto3.Session(region_name=aws.awsRegion, profile_name=aws.profileName, **keys)
    if aws.assumeRoleArn:
        role = {"RoleArn": aws.assumeRoleArn, "RoleSessionName": aws.assumeRoleSessionName}
        if aws.assumeRoleSourceIdentity:
            role["SourceIdentity"] = aws.assumeRoleSourceIdentity
        given = session.client("sts").assume_role(**role)["Credentials"]
        session = boto3.Session(
            region_name=aws.awsRegion,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
    signed = session.client("rds").generate_db_auth_token(host, port, user, aws.awsRegion)
    return str(signed)


def _azure_token(azure: AzureCredentials) -> str:
    try:
        identity: Any = import_module("azure.identity")
    except ImportError as error:
        raise ConfigError(
            "authType.azureConfig needs the package 'azure-identity', which is not installed.",
            hint="pip install azure-identity, or give authType.password.",
        ) from error
    if azure.clientId and azure.clientSecret and azure.tenantId:
        secret = azure.clientSecret.get_secret_value()
        credential = identity.ClientSecretCredential(azure.tenantId, azure.clientId, secret)
    else:
        credential = identity.DefaultAzureCredential()
    scopes = (azure.scopes or AZURE_SCOPE).replace(",", " ").split()
    return str(credential.get_token(*scopes).token)
