"""What pyiceberg's exceptions mean, and those of the clients below it."""

from rayingest import errors
from rayingest.kit.storage import errors as storage

KEYS = "Check token, credential or sigv4 of catalog.connection, and whether they have expired."
GRANT = "Let the account list namespaces, tables and views of the catalogue, and load them."
TABLES = "The database of sqlUri has no tables of Iceberg's SQL catalogue, or they may not be read."
FILE = "The catalogue says that the table's metadata is there: it was deleted, or fileSystem is another."
ADDRESS = "Check catalog.connection: the address, the network and the proxy."
DATABASE = "Check sqlUri: the address, the user and the password."
PACKAGE = "Install it where this runs; files in Azure need pip install 'rayingest[adls]'."
LONGEST = 300
_GONE = {
    *("NoSuchTableError", "NoSuchIcebergTableError", "NoSuchViewError", "NoSuchNamespaceError"),
    *("NoSuchIdentifierError", "NoSuchObjectException"),
}
_BUSY = {"ServiceUnavailableError", "ServerError", "WaitingForLockException"}
_NOBODY = {"UnauthorizedError", "OAuthError", "AuthorizationExpiredError", "SignError"}
_WRONG = (ValueError, KeyError, TypeError, NotImplementedError)


def classify(error: Exception) -> errors.RayingestError | None:
    """Say what it means; None: nothing is known about it."""
    name, text = type(error).__name__, _short(error)
    module = type(error).__module__.partition(".")[0]
    if isinstance(error, errors.RayingestError):
        return error
    if isinstance(error, FileNotFoundError):
        return errors.Permanent(text, hint=FILE)
    if isinstance(error, ImportError):
        return errors.ConfigError(f"The package {error.name!r} is not installed.", hint=PACKAGE)
    if module == "sqlalchemy":
        return _of_sql(error, name)
    known = _of_catalog(name, text) or storage.classify(error)
    if known is None and (module == "pyiceberg" or isinstance(error, _WRONG)):
        return errors.Permanent(f"{name}: {text}")
    return known


def _of_catalog(name: str, text: str) -> errors.RayingestError | None:
    if name in _GONE:
        return errors.Gone(text)
    if name in _NOBODY:
        return errors.Unauthorised(text, hint=KEYS)
    if name in _BUSY:
        return errors.Retryable(text)
    others: dict[str, errors.RayingestError] = {
        "ForbiddenError": errors.Denied(text, hint=GRANT),
        "TooManyRequestsError": errors.Throttled(text),
        "TTransportException": errors.Unreachable(text, hint=ADDRESS),
    }
    return others.get(name)


def _of_sql(error: Exception, name: str) -> errors.RayingestError:
    text = _short(getattr(error, "orig", None) or error)
    if getattr(error, "connection_invalidated", False):
        return errors.SessionLost(text)
    if name == "ProgrammingError" or "no such table" in text:
        return errors.ConfigError(text, hint=TABLES)
    if name in {"NoSuchModuleError", "ArgumentError"}:
        return errors.ConfigError(text, hint="sqlUri names a driver that is not installed.")
    return errors.Unreachable(text, hint=DATABASE)


def _short(error: BaseException) -> str:
    text = " ".join(str(error).partition("\n")[0].split())[:LONGEST]
    return text or type(error).__name__
