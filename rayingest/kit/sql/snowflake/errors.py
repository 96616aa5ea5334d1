"""What the exceptions of Snowflake's client mean, by error number; the server's text is kept."""

import re

from rayingest import errors

# https://github.com/snowflakedb/snowflake-connector-python/blob/main/src/snowflake/connector/network.py
# has the numbers of sessions; the others are the server's, as it tells them in its texts.
MISSING = {2003, 2043}  # "does not exist or not authorized": the server does not say which
TOO_MUCH = 90030  # https://docs.snowflake.com/en/sql-reference/info-schema: not selective enough
DENIED = 3001
_NO_WAREHOUSE = 606
_CANCELLED = {604, 630}
_LOGIN = range(390100, 390500)
_EXPIRED = range(390110, 390116)
_BUSY = re.compile(r"last status (?:429|503)\b")
_REFUSED = "Authentication failed"  # the client's word, without a number: a key it cannot read
_TIMED_OUT = "HYT00"
_PREFIX = re.compile(r"^(?:(?:\d{6}|-{6}) ?(?:\(\w{5}\))?|Failed to login|Login error): ")
_SUFFIX = re.compile(r" ?\((?:request_id|sfqid)=[^)]*\)$|, code: \d+$")


def classify(error: Exception) -> errors.RayingestError | None:  # noqa: PLR0911 - a table of cases
    """Say what a failed statement means for its caller."""
    number = code(error)
    if number is None:
        return None
    text = text_of(error)
    if number in _CANCELLED or getattr(error, "sqlstate", None) == _TIMED_OUT:
        return errors.TimedOut(f"The statement was cancelled: {text}")
    if _BUSY.search(text):
        return errors.Throttled(text)
    if number in _EXPIRED or _is_lost(error):
        return errors.SessionLost(f"The connection broke: {text}")
    if number in _LOGIN:
        return errors.Unauthorised(text)
    if number == _NO_WAREHOUSE:
        grant = "GRANT USAGE ON WAREHOUSE <that of the config> TO ROLE <that of the config>;"
        return errors.Denied(text, hint=grant)
    if number in MISSING or number == DENIED:
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
    if _BUSY.search(text):
        return errors.Throttled(f"{where}: {text}")
    if number in _LOGIN or _REFUSED in text:
        return errors.Unauthorised(
            f"{where} does not accept user {user!r}: {text}",
            hint="Check username, password or privateKey with its passphrase, role, and the "
            "account's network policies.",
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
