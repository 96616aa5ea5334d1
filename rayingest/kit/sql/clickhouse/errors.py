"""What ClickHouse's errors mean, by their numbers; the server's text is kept, without its stack.

The numbers: https://clickhouse.com/docs/native-protocol/server#error-codes and
`select errorCodeToName(n)`; tests ask a server whether they still bear these names.
"""

import re

from rayingest import errors

GONE = {60: "UNKNOWN_TABLE", 81: "UNKNOWN_DATABASE"}
UNAUTHORISED = {
    192: "UNKNOWN_USER",
    193: "WRONG_PASSWORD",
    194: "REQUIRED_PASSWORD",
    195: "IP_ADDRESS_NOT_ALLOWED",
    516: "AUTHENTICATION_FAILED",
}
DENIED = {291: "DATABASE_ACCESS_DENIED", 497: "ACCESS_DENIED"}
SLOW = {159: "TIMEOUT_EXCEEDED", 160: "TOO_SLOW", 209: "SOCKET_TIMEOUT"}
CANCELLED = {394: "QUERY_WAS_CANCELLED"}
BUSY = {
    201: "QUOTA_EXCEEDED",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    203: "NO_FREE_CONNECTION",
    745: "SERVER_OVERLOADED",
}
PASSING = {
    210: "NETWORK_ERROR",
    236: "ABORTED",
    241: "MEMORY_LIMIT_EXCEEDED",
    279: "ALL_CONNECTION_TRIES_FAILED",
    999: "KEEPER_EXCEPTION",
}
TOO_MUCH = {158: "TOO_MANY_ROWS", 307: "TOO_MANY_BYTES", 396: "TOO_MANY_ROWS_OR_BYTES"}
FIXED = {164: "READONLY", 452: "SETTING_CONSTRAINT_VIOLATION"}
UNKNOWN_SETTING = {115: "UNKNOWN_SETTING"}
SYNTAX = {62: "SYNTAX_ERROR"}
NUMBERS = {
    **GONE,
    **UNAUTHORISED,
    **DENIED,
    **SLOW,
    **CANCELLED,
    **BUSY,
    **PASSING,
    **TOO_MUCH,
    **FIXED,
    **UNKNOWN_SETTING,
    **SYNTAX,
}

_CODE = re.compile(r"Code: (\d+)[.,]")
_NOISE = re.compile(
    r"^(?:Code: \d+[.,]\s*)?(?:e\.displayText\(\) = )?(?:DB::Exception: )?"
    r"|, e\.what\(\) = .*|,? ?Stack trace.*|\s*\(version .*\)\s*$",
    re.DOTALL,
)
_GRANT = re.compile(r"have the grant (.+? ON [^\s]+?)\.?(?:\s|$)")


class Said(errors.Permanent):
    """An error of the server that has no better class; `code` is its number."""

    def __init__(self, message: str, code: int, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code


def code_of(text: str) -> int | None:
    """The number in the text of an error; None when it is none of ClickHouse's."""
    found = _CODE.search(text)
    return int(found[1]) if found else None


def meaning(code: int, text: str, user: str = "") -> errors.RayingestError:  # noqa: PLR0911 - a table of cases
    """Say what an error of the server means for whoever asked."""
    said = f"{plain(text)} (error {code})"
    if code in UNAUTHORISED:
        return errors.Unauthorised(
            f"ClickHouse does not accept user {user!r}: {said}",
            hint="Check username and password, and from which addresses the user may come.",
        )
    if code in DENIED:
        return errors.Denied(said, hint=grant(text, user))
    if code in GONE:
        return errors.Gone(said)
    if code in SLOW:
        return errors.TimedOut(said)
    if code in CANCELLED:
        return errors.TimedOut(f"The statement was cancelled: {said}")
    if code in BUSY:
        return errors.Throttled(said)
    if code in PASSING:
        return errors.Retryable(said)
    if code in UNKNOWN_SETTING:
        return errors.ConfigError(
            f"connectionOptions, connectionArguments: {said}",
            hint="What is no parameter of the connection is taken for a setting of ClickHouse.",
        )
    hint = "Raise that limit in the user's settings profile." if code in TOO_MUCH else None
    return Said(said, code, hint=hint)


def grant(text: str, user: str) -> str:
    """The statement that gives what the server found missing, as far as it says that."""
    found = _GRANT.search(" ".join(text.split()))
    if found:
        return f"GRANT {found[1]} TO {user};"
    return f"GRANT SHOW DATABASES, SHOW TABLES, SHOW COLUMNS ON *.* TO {user};"


def plain(text: str) -> str:
    """The message without the number, the stack and the version around it."""
    return " ".join(_NOISE.sub("", text.strip()).split())[:500]
