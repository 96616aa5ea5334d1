# ruff: noqa: N815 - OpenMetadata's field names
"""How to reach Db2: the connection string of IBM's client.

https://www.ibm.com/docs/en/db2/11.5?topic=odbc-cliodbc-configuration-keywords
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import (
    HostPort,
    SqlCommon,
    SslConfig,
    SslMode,
    Unused,
    host_port,
)
from rayingest.core.source import Settings
from rayingest.errors import ConfigError
from rayingest.kit.sql.reflected.session import Connect

PORT = 50000
CONNECT_SECONDS = "10"
# Its client knows TLS or none, and verifies the server's certificate always. `prefer` has no second try.
PLAIN = {SslMode.DISABLE, SslMode.ALLOW}


class Db2Connection(SqlCommon):
    """How to reach a Db2 database."""

    type: Literal["Db2"] = Field("Db2", description="OpenMetadata's service type.")
    scheme: Literal["db2+ibm_db", "ibmi"] = Field(
        "db2+ibm_db", description="SQLAlchemy scheme; `ibmi`, Db2 for i, is not read."
    )
    username: str = Field(description="User to connect as.")
    password: SecretStr | None = Field(None, description="Password.")
    hostPort: HostPort = Field(description="Host and port (50000 when none is given).")
    database: str = Field(description="Database to read.")
    licenseFileName: Annotated[str | None, Unused()] = Field(
        None, description="Name of a licence file, which Db2 for z/OS and for i ask for."
    )
    license: Annotated[SecretStr | None, Unused()] = Field(
        None, description="Text of that licence file."
    )
    clidriverVersion: Annotated[str | None, Unused()] = Field(
        None, description="Version of IBM's client; the one that was installed is used."
    )
    sslMode: SslMode = Field(
        SslMode.DISABLE, description="TLS; all but disable and allow ask for it."
    )
    sslConfig: SslConfig | None = Field(None, description="Certificate of the server's authority.")


def connect(settings: Settings) -> Connect:
    """Address and TLS, in the words of IBM's client; of the dialect's own it would pass on but a few."""
    import sqlalchemy as sa

    config: Db2Connection = settings.connection
    if config.scheme == "ibmi":
        raise ConfigError(
            "db2: the scheme ibmi means Db2 for i, which has another catalogue than SYSCAT.",
            hint="Db2 for Linux, UNIX and Windows is read: scheme: db2+ibm_db.",
        )
    host, port = host_port(config.hostPort, PORT)
    password = config.password.get_secret_value() if config.password else ""
    keywords = {
        "DATABASE": config.database,
        "HOSTNAME": host,
        "PORT": str(port),
        "PROTOCOL": "TCPIP",
        "ConnectTimeout": CONNECT_SECONDS,
        **config.connectionOptions,
    }
    for key, value in {**keywords, "username": config.username, "password": password}.items():
        if ";" in value:
            raise ConfigError(f"db2: {key} has a ';', with which IBM's client ends every value.")
    tls, folder = _tls(config)
    text = "".join(f"{key}={value};" for key, value in {**tls, **keywords}.items())
    # Without a host the dialect hands all of it to the driver, which adds UID and PWD.
    url = sa.URL.create("db2+ibm_db", username=config.username, password=password, database=text)
    return Connect(url, config.connectionArguments, where=f"{host}:{port}", folder=folder)


def _tls(config: Db2Connection) -> tuple[dict[str, str], TemporaryDirectory[str] | None]:
    """The keywords, and a folder for what they name."""
    if config.sslMode in PLAIN:
        return {}, None
    given = {"Security": "SSL"}
    if config.sslMode is SslMode.VERIFY_FULL:
        given["SSLClientHostnameValidation"] = "Basic"
    if config.sslConfig is None:
        return given, None
    if config.sslConfig.sslCertificate or config.sslConfig.sslKey:
        raise ConfigError(
            "db2: IBM's client takes a certificate of one's own from a key store only.",
            hint="Name it in connectionOptions: SSLClientKeystoredb, SSLClientKeystash, SSLClientLabel.",
        )
    folder = TemporaryDirectory(prefix="rayingest-")
    files = config.sslConfig.files(Path(folder.name))
    if "caCertificate" in files:
        given["SSLServerCertificate"] = str(files["caCertificate"])
    return given, folder
