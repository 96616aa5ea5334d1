"""Who signs in: a login of the server, a token of Entra ID, or an account of Windows."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from rayingest.config.connection import AzureCredentials
from rayingest.errors import ConfigError, MissingDriver
from rayingest.kit.sql.tokens import azure_token, entra_token

SCOPE = "https://database.windows.net/.default"
PASSWORD = "ActiveDirectoryPassword"  # noqa: S105 - a way of signing in
# The application that Azure's own tools sign people in with; azure-identity's default as well.
PEOPLE = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
ONE_FACTOR = (
    "Check username and password; Entra ID takes them only where no second factor is asked for."
)


def credentials(config: Any, machine: str) -> Mapping[str, Any]:
    """Arguments of the driver's `connect` that sign in. Raises ConfigError."""
    way = getattr(getattr(config, "authenticationMode", None), "authentication", None)
    password = config.password.get_secret_value() if config.password else None
    if way is not None or getattr(config, "clientSecret", None) is not None:
        token = _token(config, way, password)
        return {"access_token_callable": lambda: token}
    if not config.username or "\\" in config.username:
        return {"auth": _windows(config.username, password, machine)}
    return {"user": config.username, "password": password}


def _token(config: Any, way: str | None, password: str | None) -> str:
    if way == PASSWORD:
        return _of_a_person(config.username, password)
    principal = AzureCredentials(
        clientId=getattr(config, "clientId", None),
        clientSecret=getattr(config, "clientSecret", None),
        tenantId=getattr(config, "tenantId", None),
    )
    whole = principal.clientId and principal.clientSecret and principal.tenantId
    if way != "ActiveDirectoryIntegrated" and not whole:
        raise ConfigError(
            "A service principal needs clientId, clientSecret and tenantId.",
            hint="Give all three; or ActiveDirectoryIntegrated, for what the environment has.",
        )
    return azure_token(principal, (SCOPE,))


def _of_a_person(username: str | None, password: str | None) -> str:
    if not (username and password):
        raise ConfigError(f"{PASSWORD} needs username and password.")
    try:
        identity: Any = import_module("azure.identity")
    except ImportError as error:
        raise MissingDriver("azure", "azure-identity") from error
    credential = identity.UsernamePasswordCredential(PEOPLE, username, password)
    return entra_token(credential, (SCOPE,), ONE_FACTOR)


def _windows(username: str | None, password: str | None, machine: str) -> Any:
    r"""`DOMAIN\name` with its password, or the Kerberos ticket of this process."""
    if username and not password:
        raise ConfigError(f"{username} needs a password; without both, a Kerberos ticket is taken.")
    try:
        login: Any = import_module("pytds.login")
        return login.SpnegoAuth(username, password, hostname=machine, service="MSSQLSvc")
    except ImportError as error:
        raise MissingDriver("mssql", "pyspnego") from error
