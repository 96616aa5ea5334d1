"""Encryption of a connection to SQL Server: what is verified, and by which certificates.

python-tds verifies by one file of authorities or not at all, and takes no address in a certificate
for that of the server. So the context is ours; the handshake stays the driver's.
"""

import ssl
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from rayingest.config.connection import SslConfig
from rayingest.errors import ConfigError, MissingDriver

DEEPEST = 0  # the server's own certificate; those of authorities have higher numbers


class Encryption(NamedTuple):
    """Whether all is encrypted, or the sign-in alone; whether the server must prove who it is."""

    whole: bool = False
    verified: bool = False
    files: SslConfig | None = None
    named: bool = True  # whether the certificate has to be for the server's name


def context(wanted: Encryption) -> Any:
    """An OpenSSL context for one connection."""
    try:
        openssl: Any = import_module("OpenSSL.SSL")
    except ImportError as error:
        raise MissingDriver("mssql", "pyopenssl") from error
    made = openssl.Context(openssl.TLS_METHOD)
    # TLS 1.3 comes with TDS 8 alone, which python-tds does not speak:
    # https://learn.microsoft.com/en-us/sql/relational-databases/security/networking/tls-1-3
    made.set_min_proto_version(openssl.TLS1_2_VERSION)
    made.set_max_proto_version(openssl.TLS1_2_VERSION)
    made.set_verify(
        openssl.VERIFY_PEER if wanted.verified else openssl.VERIFY_NONE,
        _is_right if wanted.named else _is_signed,
    )
    with TemporaryDirectory(prefix="rayingest-tls-") as folder:
        files = wanted.files.files(Path(folder)) if wanted.files else {}
        try:
            _authorities(made, files.get("caCertificate"))
            if "sslCertificate" in files:
                made.use_certificate_chain_file(str(files["sslCertificate"]))
                made.use_privatekey_file(str(files.get("sslKey", files["sslCertificate"])))
        except (OSError, openssl.Error) as error:
            raise ConfigError(
                "sslConfig: a certificate or key cannot be read.",
                hint="Give the path of a PEM file, or the PEM text itself.",
            ) from error
    return made


def _authorities(made: Any, given: Path | None) -> None:
    """Those of the config, or else the machine's own."""
    if given is not None:
        made.load_verify_locations(str(given))
        return
    paths = ssl.get_default_verify_paths()
    if paths.cafile or paths.capath:
        made.load_verify_locations(paths.cafile, paths.capath)


def _is_signed(connection: Any, certificate: Any, number: int, depth: int, accepted: int) -> bool:
    """OpenSSL has looked at the signatures."""
    return bool(accepted)


def _is_right(connection: Any, certificate: Any, number: int, depth: int, accepted: int) -> bool:
    """The name is left to us."""
    if not accepted or depth != DEEPEST:
        return bool(accepted)
    host = (connection.get_servername() or b"").decode("idna")
    return is_for(certificate.to_cryptography(), host)


def is_for(certificate: Any, host: str) -> bool:
    """Whether a certificate is for this host: by its names, or by its common name when it has none."""
    x509: Any = import_module("cryptography.x509")
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return any(_matches(str(each.value), host) for each in common)
    try:
        return ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        return any(_matches(each, host) for each in names.get_values_for_type(x509.DNSName))


def _matches(name: str, host: str) -> bool:
    name, host = name.lower().rstrip("."), host.lower().rstrip(".")
    if name.startswith("*."):
        first, dot, rest = host.partition(".")
        return bool(first and dot) and rest == name[2:]
    return name == host
