"""Whom a session trusts, as the user's certificates say."""

import shutil
import ssl
import tempfile
from contextlib import suppress
from pathlib import Path

from rayingest.config.connection import SslConfig
from rayingest.config.server import VerifySsl
from rayingest.errors import ConfigError


def trust(verify: VerifySsl, tls: SslConfig | None) -> bool | ssl.SSLContext:
    """What `Http` is to verify by: the system's authorities, or the user's. Raises ConfigError."""
    if tls is None or not tls.model_fields_set:
        return verify is not VerifySsl.IGNORE
    folder = Path(tempfile.mkdtemp(prefix="rayingest-tls-"))
    try:
        files = tls.files(folder)
        context = ssl.create_default_context(cafile=files.get("caCertificate"))
        if verify is VerifySsl.IGNORE:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if "sslCertificate" in files:
            context.load_cert_chain(files["sslCertificate"], files.get("sslKey"))
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(
            f"sslConfig: a certificate or key cannot be read: {error.strerror or error}",
            hint="Give the path of a PEM file, or the PEM text itself.",
        ) from None
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)
    return context
