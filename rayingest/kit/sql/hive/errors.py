"""What HiveServer2, Spark and Impala mean by an error: by SQLSTATE where they give one, else by its words."""

import re
import ssl

from rayingest import errors

# Spark's are SQL's own: https://spark.apache.org/docs/latest/sql-error-conditions-sqlstates.html. Hive has
# one of its own for tables and a general one for the rest: https://github.com/apache/hive, ErrorMsg.
GONE = {"42S02", "42P01", "42704"}
DENIED = {"42501"}
_GONE = re.compile(
    r"table not found|database does not exist|(?:table|view|schema|database) \S+ (?:cannot be|not) found"
    r"|could not resolve (?:path|table)|table does not exist|nosuch(?:object|table|database)exception"
    r"|TABLE_OR_VIEW_NOT_FOUND|SCHEMA_NOT_FOUND",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"permission denied|does not have (?:the following )?privileges?|AuthorizationException"
    r"|HiveAccessControlException|AccessControlException|no privilege",
    re.IGNORECASE,
)
_LOST = re.compile(
    r"invalid (?:session|operation|query) ?(?:handle|id)|session does not exist|session .*expired"
    r"|client session expired",
    re.IGNORECASE,
)
_BUSY = re.compile(
    r"connection limit|too many (?:sessions|connections|open)|cannot open new session|admission"
    r"|could not connect to meta ?store|MetaException.*(?:timeout|connect)|TTransportException"
    r"|lock wait|try again|catalog (?:service|server).*(?:not ready|unavailable)"
    r"|waiting for catalog",
    re.IGNORECASE,
)
# SASL's status BAD and ERROR, as thrift_sasl writes them; what Hive says; what a ticket is refused with.
REFUSALS = (
    *("bad status: 3", "bad status: 4", "validating the login", "authentication fail"),
    *("could not start sasl", "bad sasl result"),
)
# Java's exceptions in front of a message, the last one's name being the telling one.
_CLASSES = re.compile(r"^(?:(?:[\w$]+\.)+[\w$]*(?:Exception|Error): ?)+")
_WRAPPED = re.compile(
    r"^(?:Error (?:running query|while compiling statement|while processing statement)"
    r"|FAILED|Error retrieving next row): ?"
    r"|^\[\w+\] (?=(?:[\w$]+\.)+[\w$]*(?:Exception|Error): )"
)
GRANT = "GRANT SELECT ON {what} TO USER {who}, or the same by a policy of Ranger or Sentry."


class Said(Exception):
    """An answer that is an error."""

    def __init__(self, text: str, state: str = "", what: str = "", who: str = "") -> None:
        super().__init__(plain(text))
        self.text, self.state, self.what, self.who = text, state, what, who


def plain(text: str) -> str:
    """The message alone: no stack, no classes, one line."""
    said = text.partition("\n\tat ")[0].strip()
    while (found := _CLASSES.match(said) or _WRAPPED.match(said)) and found.end() < len(said):
        said = said[found.end() :]
    return (said.strip().splitlines() or ["no message"])[0][:500]


def classify(error: Exception) -> errors.RayingestError | None:
    """Say what a failed call means for its caller."""
    if isinstance(error, Said):
        return _meaning(error)
    if isinstance(error, TimeoutError):
        return errors.TimedOut("The server did not answer in time.")
    if isinstance(error, OSError | EOFError) or _is_thrifts(error):
        return errors.SessionLost(f"The connection broke: {error}")
    return None


def classify_connect(  # noqa: PLR0911 - a table of cases
    error: Exception, where: str, user: str
) -> Exception:
    """Say what a failed attempt to connect means."""
    text = plain(str(error))
    if isinstance(error, errors.Unauthorised | errors.Denied) or _refuses(text):
        return errors.Unauthorised(
            f"{where} does not accept user {user!r}: {text}",
            hint="Check username, password and auth; the server's hive.server2.authentication says which auth.",
        )
    if isinstance(error, Said):
        meant = _meaning(error)
        kind = type(meant) if isinstance(meant, errors.Retryable) else errors.Unreachable
        return kind(f"{where} opens no session: {text}", hint=meant.hint)
    if isinstance(error, errors.Throttled):
        return error
    if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in text:
        return errors.Unreachable(
            f"{where} has a certificate that is not trusted: {text}",
            hint="Set sslConfig.caCertificate to the authority that signed it.",
        )
    if isinstance(error, TimeoutError | EOFError) or _is_thrifts(error) or "closed the" in text:
        return errors.Unreachable(
            f"{where} does not answer as HiveServer2 does: {text}",
            hint="With auth NOSASL the server must have hive.server2.authentication=NOSASL, and with the"
            " others not; check useSSL and scheme (hive+http) as well.",
        )
    if isinstance(error, OSError | errors.SourceError):
        hint = getattr(error, "hint", None)
        return errors.Unreachable(
            f"{where} does not answer: {text}",
            hint=hint or "Check hostPort, network, useSSL and firewall.",
        )
    return error


def _meaning(error: Said) -> errors.RayingestError:
    text = str(error)
    if error.state in DENIED or _DENIED.search(error.text):
        who = error.who or "the user of the config"
        hint = GRANT.format(what=error.what or "the table", who=who)
        return errors.Denied(text, hint=hint)
    if error.state in GONE or _GONE.search(error.text):
        return errors.Gone(text)
    if _LOST.search(error.text):
        return errors.SessionLost(text)
    if _BUSY.search(error.text):
        return errors.Retryable(text)
    return errors.Permanent(f"{text} (SQLSTATE {error.state})" if error.state else text)


def _refuses(text: str) -> bool:
    lower = text.lower()
    return any(word in lower for word in REFUSALS)


def _is_thrifts(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in ("thrift", "impala", "struct")
