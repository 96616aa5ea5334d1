"""An SSL context from the user's certificates, which may be PEM text or paths."""

import ssl
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
from pydantic import SecretStr

from rayingest.errors import ConfigError
from rayingest.sinks.openmetadata.settings import Tls


def context(tls: Tls, *, encrypted: bool = True) -> ssl.SSLContext:
    """Verify by the user's CA, else by the system's (SSL_CERT_FILE is honoured). Raises ConfigError.

    For an address that is not encrypted no certificates are loaded: the context trusts nobody.
    """
    try:
        made = _trusting(tls) if encrypted else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if tls.certificate is not None:
            _show_certificate(made, tls.certificate, tls.key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigError(
            f"openMetadataServerConfig.sslConfig cannot be used: {type(error).__name__}:"
            f" {getattr(error, 'strerror', None) or getattr(error, 'reason', None) or 'no PEM'}",
            hint="caCertificate, sslCertificate and sslKey are PEM text or paths to PEM files.",
        ) from None
    return made


def _trusting(tls: Tls) -> ssl.SSLContext:
    if not tls.verify:
        return httpx2.create_ssl_context(verify=False)
    if tls.ca is None:
        return httpx2.create_ssl_context()
    ca = tls.ca.get_secret_value()
    if "-----BEGIN" in ca:
        return ssl.create_default_context(cadata=ca)
    return ssl.create_default_context(cafile=Path(ca).expanduser())


def _show_certificate(made: ssl.SSLContext, certificate: SecretStr, key: SecretStr | None) -> None:
    with ExitStack() as files:
        chain = files.enter_context(_as_file(certificate))
        made.load_cert_chain(chain, files.enter_context(_as_file(key)) if key is not None else None)


@contextmanager
def _as_file(pem: SecretStr) -> Generator[str]:
    """The `ssl` module loads keys from files only: PEM text is there for the moment of loading."""
    text = pem.get_secret_value()
    if "-----BEGIN" not in text:
        yield str(Path(text).expanduser())
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:  # mode 0600
        file.write(text)
        file.flush()
        yield file.name
