"""TLS: the server's certificate and name are verified once sslConfig is there."""

import shutil
import subprocess

import pytest

from rayingest.connectors.database.mysql import CONNECTOR
from rayingest.errors import ConfigError, Unreachable
from rayingest.testing import mariadb
from rayingest.testing.probe import Probe

CIPHER = "show session status like 'Ssl_cipher'"


def openssl(folder, *arguments):
    subprocess.run(
        [shutil.which("openssl"), *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("tls")
    folder.chmod(0o755)
    for name in ("ca", "stranger"):
        openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")  # fmt: skip
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server", "-keyout",
            "server.key", "-out", "server.csr")  # fmt: skip
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.pem")  # fmt: skip
    for each in folder.iterdir():
        each.chmod(0o644)
    for each in (folder, *folder.parents):
        ours = "pytest" in each.name or each.name.startswith("popen-")  # pytest-xdist's
        if each.owner() == folder.owner() and each != each.parent and ours:
            each.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def probe(certificates):
    if why := mariadb.available():
        pytest.skip(why)
    paths = {
        f"ssl_{key}": str(certificates / f"server.{end}")
        for key, end in (("cert", "pem"), ("key", "key"))
    }
    with mariadb.server(require_secure_transport="ON", **paths) as server:
        yield Probe(CONNECTOR, server.config("Mysql", hostPort=f"localhost:{server.port}"))


def test_a_verified_connection_is_encrypted(probe, certificates):
    ca = certificates / "ca.pem"
    for given in (str(ca), ca.read_text()):
        with (
            probe.open(sslConfig={"caCertificate": given}) as source,
            source._session("") as session,
        ):
            assert session.rows(CIPHER)[0][1]


def test_a_stranger_is_refused(probe, certificates):
    with pytest.raises(Unreachable, match=r"(?i)certificate"):
        probe.open(sslConfig={"caCertificate": str(certificates / "stranger.pem")}).__enter__()


def test_another_name_is_refused_unless_allowed(probe, certificates):
    by_number = {
        "hostPort": probe.config["hostPort"].replace("localhost", "127.0.0.1"),
        "sslConfig": {"caCertificate": str(certificates / "ca.pem")},
    }
    with pytest.raises(Unreachable, match=r"(?i)mismatch|match"):
        probe.open(**by_number).__enter__()
    with probe.open(**by_number, connectionArguments={"ssl_verify_identity": False}):
        pass


def test_without_ssl_config_it_is_encrypted_where_the_server_can(probe):
    with probe.open() as source, source._session("") as session:
        assert session.rows(CIPHER)[0][1]


def test_a_certificate_that_is_not_there(probe):
    with pytest.raises(ConfigError, match="sslConfig"):
        probe.open(sslConfig={"caCertificate": "/no/such.pem"}).__enter__()
