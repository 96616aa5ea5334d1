"""What the exceptions of Snowflake's client mean, by error number; the server's text is kept."""

import re

from rayingest import errors

# https://docs.snowflake.com/en/user-guide/troubleshooting-auth and the client's own error numbers.
MISSING = {2003, 2043}  # "does not exist or not authorized": the server does not say which
TOO_MUCH = 90030
_DENIED = {3001, 3011, 3041}
_NO_WAREHOUSE = {606, 90073}
_CANCELLED = {604, 607, 630, 90210}
_LOGIN = range(390100, 390200)
_EXPIRED = {390101, 390104, 390110, 390111, 390112, 390114, 390115, 390195}
_BUSY = {390503, 390504, 390505}
_TIMED_OUT = "HYT00"
_PREFIX = re.compile(r"^(?:\d{6}|-{6}) ?(?:\(\w{5}\))?: ?(?:\n)?")
_SUFFIX = re.compile(r" ?\((?:request_id|sfqid)=[^)]*\)$")


def classify(error: Exception) -> errors.RayingestError | None:  # noqa: PLR0911 - a table of cases
    """Say what a failed statement means for its caller."""
    number = code(error)
    if number is None:
        return None
    text = text_of(error)
    if number in _CANCELLED or getattr(error, "sqlstate", None) == _TIMED_OUT:
        return errors.TimedOut(f"The statement was cancelled: {text}")
    if number in _BUSY:
        return errors.Throttled(text)
    if number in _EXPIRED or _is_lost(error):
        return errors.SessionLost(f"The connection broke: {text}")
    if number in _LOGIN:
        return errors.Unauthorised(text)
    if number in _NO_WAREHOUSE:
        return errors.Denied(text, hint=use_warehouse("the role"))
    if number in MISSING or number in _DENIED:
        return errors.Denied(
            text, hint="GRANT USAGE on the database and the schema, and SELECT, TO the role;"
        )
    if number == TOO_MUCH:
        return errors.Permanent(text, hint="Filter databases or schemas, so that less is asked.")
    return errors.Permanent(f"{text} (error {number})")


def classify_connect(error: Exception, account: str, user: str) -> Exception:
    """Say what a failed attempt to connect means."""
    number, text, where = code(error), text_of(error), f"Snowflake account {account!r}"
    if number is None:
        return error
    if number in _BUSY:
        return errors.Throttled(f"{where}: {text}")
    if number in _LOGIN:
        return errors.Unauthorised(
            f"{where} does not accept user {user!r}: {text}",
            hint="Check username, password or privateKey, role, and the account's network policies.",
        )
    if getattr(error, "sqlstate", None) in {_TIMED_OUT, "08001", "08006"} or number == 250001:
        return errors.Unreachable(
            f"{where} does not answer: {text}",
            hint="Check account: what stands before .snowflakecomputing.com; and proxies on the way.",
        )
    return errors.ConfigError(
        f"{where}: {text}",
        hint="connectionArguments take the parameters of snowflake.connector.connect.",
    )


def use_warehouse(role: str) -> str:
    """The grant without which nothing but SHOW can be asked."""
    return f"GRANT USAGE ON WAREHOUSE <warehouse> TO ROLE {role};"


def code(error: BaseException) -> int | None:
    """The number of an error of the client; None: it is not one."""
    if not type(error).__module__.startswith("snowflake.connector"):
        return None
    number = getattr(error, "errno", None)
    return number if isinstance(number, int) else 0


def text_of(error: BaseException) -> str:
    """One line, without the number, which we tell, and the ids of requests."""
    line = " ".join(str(getattr(error, "msg", None) or error).split())
    while (shorter := _SUFFIX.sub("", _PREFIX.sub("", line))) != line:
        line = shorter
    return line


def _is_lost(error: Exception) -> bool:
    """The client knows no number for a connection that broke: its class says so."""
    return type(error).__name__ in {"OperationalError", "InterfaceError"}
