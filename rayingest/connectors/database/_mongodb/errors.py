"""What the driver's exceptions mean, by MongoDB's error codes, and the privilege that is missing.

https://www.mongodb.com/docs/manual/reference/error-codes/
"""

from importlib import import_module
from typing import Any

from rayingest import errors

DENIED = 13
_UNAUTHORISED = {11, 18, 334}
_ATLAS = 8000  # of its proxy, for all that it refuses
_GONE = {26}
_TIMED_OUT = {50, 202, 262, 11601, 237}
_THROTTLED = {462, 16500}  # too many requests: MongoDB's admission control, Azure's Cosmos DB
_LOST = {6, 7, 43, 63, 89, 91, 133, 134, 136, 175, 189, 234, 9001}
_LOST |= {10058, 10107, 11600, 11602, 13388, 13435, 13436}
# What a command takes: the action of a privilege, and a built-in role that has it.
# https://www.mongodb.com/docs/manual/reference/privilege-actions/
GRANTS = {
    "listDatabases": ("listDatabases on the cluster", "readAnyDatabase on admin"),
    "listCollections": ("listCollections on {}", "read on {}"),
    "listIndexes": ("listIndexes on {}", "read on {}"),
    "find": ("find on {}", "read on {}"),
}
SLOW = (
    "Raise callTimeoutSeconds, or set connectionOptions.sampleSize to 0: then no document is read."
)


def classify(error: Exception) -> errors.RayingestError | None:
    """Say what a failed call means for its caller."""
    return told(error, "", "", "")


def told(  # noqa: PLR0911 - a table of cases
    error: Exception, command: str, database: str, name: str
) -> errors.RayingestError | None:
    """The same, where it is known what was asked of which database and collection."""
    if isinstance(error, errors.RayingestError):
        return error
    driver: Any = import_module("pymongo.errors")
    bson: Any = import_module("bson.errors")
    if isinstance(error, bson.BSONError | UnicodeDecodeError):
        return errors.Permanent(f"{_place(database, name)}: a document cannot be read: {error}")
    if not isinstance(error, driver.PyMongoError):
        return None
    text = said(error)
    if isinstance(error, driver.NetworkTimeout | driver.WTimeoutError):
        return errors.TimedOut(text)
    if isinstance(error, driver.ConnectionFailure):
        return errors.SessionLost(f"The connection broke: {text}")
    if not isinstance(error, driver.OperationFailure):
        return errors.Permanent(text)
    return _failure(error.code or 0, text, command, _place(database, name), database)


def _failure(  # noqa: PLR0911 - a table of cases
    code: int, text: str, command: str, place: str, database: str
) -> errors.RayingestError:
    if code == _ATLAS:
        code = (
            DENIED
            if "not allowed" in text or "not authorized" in text
            else 18
            if "auth" in text
            else code
        )
    if code == DENIED:
        what = command or "this"
        return errors.Denied(
            f"{place or 'The server'}: the user may not {what}.", hint=grant(command, database)
        )
    if code in _UNAUTHORISED:
        return errors.Unauthorised(text)
    if code in _GONE:
        return errors.Gone(text)
    where = f"{place}: " if place else ""
    if code in _TIMED_OUT:
        return errors.TimedOut(f"{where}{text}", hint=SLOW if command == "find" else None)
    if code in _THROTTLED:
        return errors.Throttled(text)
    if code in _LOST:
        return errors.SessionLost(text)
    return errors.Permanent(f"{where}{text} (error {code})")


def grant(command: str, database: str) -> str | None:
    """What the user of the config needs for a command."""
    if command not in GRANTS:
        return None
    action, role = (each.format(database) for each in GRANTS[command])
    return f"Grant the action {action} to the user of the config; the role {role} has it."


def said(error: BaseException) -> str:
    """The server's own words in one line, without what the driver adds of replies and topologies."""
    details = getattr(error, "details", None)
    if isinstance(details, dict) and details.get("errmsg"):
        return " ".join(str(details["errmsg"]).split())
    text = str(error).partition(", Topology Description")[0].partition(" (configured timeouts")[0]
    return " ".join(text.split())


def _place(database: str, name: str) -> str:
    return ".".join(each for each in (database, name) if each)
