"""How a session shows who it is: headers made anew whenever the server takes the old ones no more.

https://trino.io/docs/current/security/authentication-types.html. Certificates are shown by the connection
itself; Kerberos is not spoken.
"""

import base64
from collections.abc import Callable
from typing import Protocol

from pydantic import SecretStr

from rayingest.config.connection import AzureAuth, AzureCredentials, BasicAuth, JwtAuth
from rayingest.errors import ConfigError
from rayingest.kit.sql.tokens import azure_token
from rayingest.kit.sql.trino.http import Headers
from rayingest.kit.sql.trino.options import BROWSER, NO_BROWSER, Options

Login = Callable[[], Headers]


class Connection(Protocol):
    """The fields that say who signs in: Trino's `authType`, or Presto's `password`."""

    username: str


def login(config: Connection, options: Options) -> tuple[Login, tuple[str, ...]]:
    """What makes the headers of a log-in, and the secrets in them. Raises ConfigError."""
    auth = getattr(config, "authType", None)
    if isinstance(auth, AzureAuth):
        return _azure(auth.azureConfig), ()
    if auth is not None and not isinstance(auth, BasicAuth | JwtAuth):
        raise ConfigError(f"authType {auth}: {BROWSER}.", hint=NO_BROWSER)
    if isinstance(auth, JwtAuth):
        token = _shown(auth.jwt) or options.access_token
    else:
        token = options.access_token
    if token:
        return _bearer(token), (token,)
    password = _shown(getattr(auth, "password", None) or getattr(config, "password", None))
    if not password:
        return dict, ()
    name = options.principal or config.username
    encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
    return (lambda: {"Authorization": f"Basic {encoded}"}), (password, encoded)


def _bearer(token: str) -> Login:
    return lambda: {"Authorization": f"Bearer {token}"}


def _azure(azure: AzureCredentials) -> Login:
    if not azure.scopes:
        raise ConfigError(
            "authType.azureConfig has no scopes: which application the token is for is not known.",
            hint="Set scopes to that of the cluster, such as api://<application id>/.default.",
        )
    return lambda: {"Authorization": f"Bearer {azure_token(azure)}"}


def _shown(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None
