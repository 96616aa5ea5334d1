"""A real Spark Thrift Server with the story, and certificates for lines with TLS."""

import shutil
import ssl
import subprocess

import pytest

from ..beds import BEDS


@pytest.fixture(scope="session")
def bed(tmp_path_factory):
    with BEDS["hive"](tmp_path_factory.mktemp("hive")) as made:
        yield made


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """`server.pem` is of localhost, signed by itself; `stranger.pem` is of nobody we know."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("tls")
    for name in ("server", "stranger"):
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        command += ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost"]
        command += ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    return folder


@pytest.fixture(scope="session")
def context(certificates):
    """A server's side of TLS, which asks for a certificate that `server.pem` has signed."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "server.pem")
    made.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    made.verify_mode = ssl.CERT_OPTIONAL
    return made
