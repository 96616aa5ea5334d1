"""Encrypted connections: whose certificate is believed."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from rayingest.errors import ConfigError, Unreachable
from rayingest.kit.sql.mssql.tls import is_for


def certificate(names, common):
    """One that signed itself, for these names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    if names:
        listed = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
        made = made.add_extension(listed, critical=False)
    return made.sign(key, hashes.SHA256())


def opened(probe, **changes):
    with probe.open(**changes) as source:
        return source.calls


def test_the_server_proves_who_it_is(plain):
    """By the certificate that it made for itself, which has its address among its names."""
    assert opened(plain) == 2


def test_a_server_that_nobody_vouches_for_gets_no_password(plain):
    with pytest.raises(Unreachable, match="cannot be trusted: certificate verify failed") as caught:
        opened(plain, sslConfig=None, encrypt=True)
    assert "caCertificate" in caught.value.hint


def test_a_certificate_of_another_host_is_refused(plain, server):
    """127.1 is this machine, too, and not what the certificate calls it."""
    with pytest.raises(Unreachable, match="cannot be trusted"):
        opened(plain, hostPort=f"127.1:{server.port}")


@pytest.mark.parametrize(
    "changes", [{"encrypt": True, "trustServerCertificate": True}, {"encrypt": False}]
)
def test_it_is_trusted_where_the_config_says_so(plain, changes):
    assert opened(plain, sslConfig=None, **changes) == 2


@pytest.mark.parametrize("name", ["caCertificate", "sslCertificate"])
def test_a_certificate_that_cannot_be_read_is_told(plain, name):
    with pytest.raises(ConfigError, match="sslConfig: a certificate or key"):
        opened(plain, sslConfig={**plain.config["sslConfig"], name: "/nowhere.pem"})


@pytest.mark.parametrize(
    ("names", "common", "host", "expected"),
    [
        (["sql.example.com"], "x", "SQL.example.com", True),
        (["SQL01"], "x", "sql01", True),
        (["*.database.windows.net"], "x", "shop.database.windows.net", True),
        (["*.database.windows.net"], "x", "a.b.database.windows.net", False),
        (["*.database.windows.net"], "x", "database.windows.net", False),
        (["other"], "sql01", "sql01", False),
        ([], "sql01", "sql01", True),
        ([], "sql01", "sql02", False),
        (["10.0.0.1"], "x", "10.0.0.1", False),
    ],
)
def test_whose_certificate_it_is(names, common, host, expected):
    assert is_for(certificate(names, common), host) is expected


@pytest.mark.parametrize(
    ("host", "arguments", "believed"),
    [
        ("127.0.0.1", {}, True),
        ("127.0.0.1", {"enc_login_only": True}, True),
        ("127.1", {}, False),
        ("127.1", {"validate_host": False}, True),
    ],
)
def test_what_the_driver_calls_it_means_the_same(plain, tmp_path, host, arguments, believed):
    """Configs for pytds name their authorities among its arguments."""
    port = plain.config["hostPort"].partition(":")[2]
    path = tmp_path / "ca.pem"
    path.write_text(plain.config["sslConfig"]["caCertificate"])
    more = {"cafile": str(path), **arguments}
    changes = {"sslConfig": None, "hostPort": f"{host}:{port}", "connectionArguments": more}
    if believed:
        assert opened(plain, **changes) == 2
        return
    with pytest.raises(Unreachable, match="cannot be trusted"):
        opened(plain, **changes)


def test_another_authority_is_not_believed(plain, tmp_path):
    path = tmp_path / "other.pem"
    path.write_bytes(certificate(["127.0.0.1"], "127.0.0.1").public_bytes(Encoding.PEM))
    changes = {"sslConfig": None, "connectionArguments": {"cafile": str(path)}}
    with pytest.raises(Unreachable, match="cannot be trusted"):
        opened(plain, **changes)
