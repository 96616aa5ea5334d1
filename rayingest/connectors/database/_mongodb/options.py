"""What the driver is told besides who asks: address, options, certificates.

https://www.mongodb.com/docs/manual/reference/connection-string-options/
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from pydantic import SecretStr

from rayingest.config.connection import SslConfig, SslMode, host_port

PORT = 27017
SRV = "mongodb+srv"
SAMPLE = "sampleSize"  # ours among the options, which are the driver's
CONNECT_SECONDS = 10
VERIFIED = {SslMode.REQUIRE, SslMode.VERIFY_CA, SslMode.VERIFY_FULL}


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


def encrypted(config: Connection) -> bool:
    """Whether there is TLS: what the options say counts, then certificates and modes, then the scheme."""
    given = {key.lower(): each.lower() for key, each in config.connectionOptions.driver.items()}
    said_so = given.get("tls", given.get("ssl"))
    return said_so == "true" if said_so else config.scheme == SRV or _wants_tls(config)


def _wants_tls(config: Connection) -> bool:
    files = config.sslConfig.model_dump(exclude_none=True) if config.sslConfig else {}
    return bool(files) or config.sslMode in VERIFIED


def options(
    config: Connection, folder: Path, call_timeout: float, seconds: float | None = None
) -> dict[str, str]:
    """The user's options, and ours where there is none of that name; `seconds` is for a short visit."""
    wait = int(1000 * (seconds or CONNECT_SECONDS))
    patience = int(1000 * (seconds or max(1.0, call_timeout) + 5))
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


def hosts(config: Connection) -> str:
    """One server or several; the path of a socket must not look like that of a URL."""
    if config.scheme == SRV:
        return config.hostPort.strip()
    found = []
    for each in config.hostPort.split(","):
        host, port = host_port(each, PORT)
        plain = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        found.append(quote(host, safe="") if host.startswith("/") else plain)
    return ",".join(found)
