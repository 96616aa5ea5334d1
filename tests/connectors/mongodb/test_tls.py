"""TLS: the server's certificate and name are verified, and ours says who we are."""

import shutil
import subprocess

import pytest

from rayingest.connectors.database._mongodb.options import encrypted
from rayingest.connectors.database.mongodb import CONNECTOR
from rayingest.errors import ConfigError, Denied, Unreachable
from rayingest.testing.probe import Probe
from rayingest.testing.servers import mongodb

HURRY = {"serverSelectionTimeoutMS": "500", "connectTimeoutMS": "500"}
X509 = {**HURRY, "authMechanism": "MONGODB-X509"}


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def secure(certificates, storage):
    """A server that wants a certificate of ours and knows us by it, and a probe of it."""
    given = {each: str(certificates / each) for each in ("server.pem", "server.key")}
    options = ["--tls-cert-file", given["server.pem"], "--tls-key-file", given["server.key"]]
    options += ["--tls-ca-file", given["server.pem"], "--tls-require-client-cert", "--auth"]
    with mongodb.server(*options, storage=storage("secure")) as server:
        port = server.host_port.rpartition(":")[2]

        def probe(authority="server", host="localhost", own="server", **changes):
            files = {"caCertificate": certificates / f"{authority}.pem"} if authority else {}
            if own:
                files |= {"sslCertificate": certificates / f"{own}.pem"}
                files |= {"sslKey": certificates / f"{own}.key"}
            config = {
                "hostPort": f"{host}:{port}",
                "sslMode": "verify-full",
                "sslConfig": {key: str(each) for key, each in files.items()},
                "connectionOptions": X509,
            }
            return Probe(CONNECTOR, {**config, **changes})

        yield probe


def test_a_server_that_is_known_is_asked(secure, certificates):
    assert secure().listing()
    assert secure(sslMode="disable").listing()  # certificates switch it on
    texts = {
        "caCertificate": (certificates / "server.pem").read_text(),
        "sslCertificate": (certificates / "server.pem").read_text(),
        "sslKey": (certificates / "server.key").read_text(),
    }
    assert secure(sslConfig=texts).listing()


def test_a_certificate_alone_signs_nobody_in(secure):
    with pytest.raises(Denied, match="may not listDatabases"):
        secure(connectionOptions=HURRY).listing()


def test_a_strangers_certificate_is_refused(secure):
    for probe in (secure(authority="stranger"), secure(authority=None)):
        with pytest.raises(Unreachable, match="certificate verify failed") as raised:
            probe.listing()
        assert "caCertificate" in raised.value.hint


def test_a_name_that_the_certificate_has_not_is_refused_unless_the_authority_is_enough(secure):
    with pytest.raises(Unreachable, match="does not answer"):
        secure(host="127.0.0.1").listing()
    assert secure(host="127.0.0.1", sslMode="verify-ca").listing()


def test_without_a_certificate_of_ours_or_without_tls_nobody_answers(secure):
    with pytest.raises(Unreachable, match="does not answer"):
        secure(own=None).listing()
    with pytest.raises(Unreachable, match="does not answer"):
        secure(sslMode="disable", sslConfig=None).listing()


@pytest.mark.parametrize(
    ("config", "is_encrypted"),
    [
        ({}, False),
        ({"scheme": "mongodb+srv"}, True),
        ({"scheme": "mongodb+srv", "connectionOptions": {"tls": "false"}}, False),
        ({"connectionOptions": {"SSL": "true"}}, True),
        ({"sslMode": "require"}, True),
        ({"sslMode": "prefer"}, False),
        ({"sslConfig": {"caCertificate": "/ca.pem"}}, True),
        ({"sslConfig": {}}, False),
    ],
)
def test_check_knows_whether_there_is_tls(config, is_encrypted):
    connection = CONNECTOR.connection.model_validate({"hostPort": "h", **config})
    assert encrypted(connection) == is_encrypted


def test_keys_are_in_no_text(secure, certificates):
    key = "-----BEGIN PRIVATE KEY-----\ncanary-9f"
    with pytest.raises(ConfigError, match="sslConfig") as raised:
        secure(sslConfig={"sslCertificate": key, "sslKey": key}).listing()
    assert "canary-9f" not in str(raised.value)
