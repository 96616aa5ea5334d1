"""From the config to an open connection: address, credentials, TLS, session settings."""

import shutil
import ssl
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field, SecretStr

from rayingest.config.connection import (
    AzureAuth,
    BasicAuth,
    ConnectionModel,
    IamAuth,
    SslConfig,
    host_port,
)
from rayingest.core.source import Settings
from rayingest.errors import ConfigError, MissingDriver
from rayingest.kit.sql.mysql.errors import classify, classify_connect
from rayingest.kit.sql.mysql.product import MYSQL, Product
from rayingest.kit.sql.mysql.session import MySqlSession
from rayingest.kit.sql.tokens import aws_token, azure_token

DATABASE = "default"
CONNECT_SECONDS = 10
NUMBERS = {"connect_timeout", "read_timeout", "write_timeout", "client_flag", "max_allowed_packet"}
FLAGS = {"ssl_disabled", "ssl_verify_cert", "ssl_verify_identity", "local_infile", "use_unicode"}
VERIFY_HOST, VERIFY = "ssl_verify_identity", "ssl_verify_cert"


class CloudSqlAuth(ConnectionModel):
    """Google's Cloud SQL connector; not supported yet."""

    password: SecretStr | None = Field(default=None, description="Password of the database user.")
    enableIamAuth: bool = Field(default=False, description="Sign in by IAM.")  # noqa: N815
    gcpConfig: dict[str, Any] | None = Field(  # noqa: N815
        default=None, repr=False, description="Google credentials."
    )


Auth = BasicAuth | IamAuth | AzureAuth | CloudSqlAuth


class Connection(Protocol):
    """The fields that are needed of a connection model; `authType` and `sslConfig` may be absent."""

    username: str
    hostPort: str  # noqa: N815 - OpenMetadata's spelling
    databaseName: str | None  # noqa: N815
    databaseSchema: str | None  # noqa: N815
    connectionOptions: dict[str, str]  # noqa: N815
    connectionArguments: dict[str, Any]  # noqa: N815


def connect(settings: Settings, database: str | None, product: Product = MYSQL) -> MySqlSession:
    """Open a session; it reads every schema of the server."""
    try:
        pymysql: Any = import_module("pymysql")
    except ImportError as error:
        raise MissingDriver("mysql", "pymysql") from error
    config: Connection = settings.connection
    try:
        parameters = _parameters(settings, config, product.port)
        connection = pymysql.connect(**parameters)
    except (pymysql.MySQLError, TypeError, ValueError, LookupError, RuntimeError) as error:
        raise classify_connect(
            error, config.hostPort, config.databaseSchema, config.username, product
        ) from error
    short = dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), 3)
    session = MySqlSession(
        connection,
        database=config.databaseName or DATABASE,
        schema=config.databaseSchema,
        beside=partial(pymysql.connect, **{**parameters, **short}),
        product=product,
    )
    try:
        prepare(session, settings.call_timeout)
    except pymysql.MySQLError as error:
        session.close()
        raise classify(error, product.rights) or error from error
    return session


def prepare(session: MySqlSession, seconds: float) -> None:
    """Say to a new session how we spell things, how long we wait, and which catalog is meant."""
    # An empty mode: backslashes escape, double quotes are strings, whatever the server's default.
    ours = {"sql_mode": "''"}
    extra = session.product.limits(seconds, is_mariadb=session.is_mariadb)
    pymysql: Any = import_module("pymysql")
    try:
        session.rows(_assignments({**ours, **extra}))
    except pymysql.OperationalError as error:
        if error.args[0] not in (1193, 1227, 1231, 1238):  # unknown, not ours to set
            raise
        session.rows(_assignments(ours))
    if session.product.catalogs:
        session.rows(session.product.catalogs.enter)


def _assignments(values: Mapping[str, object]) -> str:
    return "set session " + ", ".join(f"{name} = {value}" for name, value in values.items())


def _parameters(settings: Settings, config: Connection, port: int) -> dict[str, Any]:
    host, port = host_port(config.hostPort, port)
    where = {"unix_socket": host} if host.startswith("/") else {"host": host, "port": port}
    wait = max(1.0, settings.call_timeout)
    parameters: dict[str, Any] = {
        **where,
        "user": config.username,
        "database": config.databaseSchema,
        "charset": "utf8mb4",
        "autocommit": True,
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": wait + 5,  # the server gives up first, and says so
        "write_timeout": wait,
        "program_name": "rayingest",
    }
    auth: Auth | None = getattr(config, "authType", None)
    tls: SslConfig | None = getattr(config, "sslConfig", None)
    theirs = {**_typed(config.connectionOptions), **config.connectionArguments}
    token = isinstance(auth, IamAuth | AzureAuth)
    if (tls or token) and "ssl" not in theirs:
        # A token travels as it is: never without TLS, never to a server that we cannot tell.
        theirs["ssl"] = _context(
            tls or SslConfig(),
            host=bool(theirs.pop(VERIFY_HOST, True)),
            peer=bool(theirs.pop(VERIFY, True)),
        )
    password = _password(config, auth, host, port)
    if password is not None:
        # As bytes: PyMySQL would write text in latin1.
        parameters["password"] = password.encode()
    return {**parameters, **theirs}


def _typed(options: Mapping[str, str]) -> dict[str, Any]:
    def value(name: str, text: str) -> object:
        if name in NUMBERS:
            return int(text)
        return text.lower() in {"1", "true", "yes"} if name in FLAGS else text

    return {name: value(name, text) for name, text in options.items()}


def _context(tls: SslConfig, *, host: bool, peer: bool) -> ssl.SSLContext:
    """Verify the server's certificate and name, unless told otherwise; present ours if there is one."""
    folder = Path(tempfile.mkdtemp(prefix="rayingest-tls-"))
    try:
        files = tls.files(folder)
        context = ssl.create_default_context(cafile=files.get("caCertificate"))
        context.check_hostname = host and peer
        context.verify_mode = ssl.CERT_REQUIRED if peer else ssl.CERT_NONE
        if "sslCertificate" in files:
            context.load_cert_chain(files["sslCertificate"], files.get("sslKey"))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"sslConfig: a certificate or key cannot be read: {error.strerror or error}",
            hint="Give the path of a PEM file, or the PEM text itself.",
        ) from error
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)
    return context


def _password(config: Connection, auth: Auth | None, host: str, port: int) -> str | None:
    match auth:
        case IamAuth():
            return aws_token(auth.awsConfig, host, port, config.username)
        case AzureAuth():
            return azure_token(auth.azureConfig)
        case CloudSqlAuth() if auth.enableIamAuth or auth.gcpConfig:
            raise ConfigError(
                "authType: Google's Cloud SQL connector is not supported yet.",
                hint="Run cloud-sql-proxy and give its address as hostPort, with authType.password.",
            )
        case _:
            secret = (auth.password if auth else None) or getattr(config, "password", None)
            return secret.get_secret_value() if secret else None
