"""What python-tds's exceptions mean, by the server's error number; its text is kept.

https://learn.microsoft.com/en-us/sql/relational-databases/errors-events/database-engine-events-and-errors
https://learn.microsoft.com/en-us/azure/azure-sql/database/troubleshoot-common-errors-issues
"""

from rayingest import errors

_LOGIN = {18401, 18450, 18451, 18452, 18456, 18457, 18458, 18459, 18460, 18461, 18470}
_LOGIN |= {18486, 18487, 18488, 33155, 33157, 40531, 40532, 47073}
_NO_DATABASE = {4060, 4064, 911}
_FIREWALL = {40615, 40914, 40918, 47072}
_DENIED = {229, 230, 262, 297, 300, 371, 916, 978, 15247}
# A deadlock, a lock, no memory, a database that is being moved or started.
_BUSY = {615, 701, 802, 926, 945, 952, 983, 1205, 1222, 3960, 4221, 8645, 8651, 9001, 17197, 17809}
_BUSY |= {17830, 40020, 40143, 40166, 40197, 40540, 40613, 41301, 41302, 41305, 42108, 42109}
_THROTTLED = {10928, 10929, 40501, 40550, 40553, 49918, 49919, 49920}
_WAIT = {40501: 10.0}  # "Retry the request after 10 seconds."
_LOST = {0, 64, 121, 233, 596, 6005, 6006, 10053, 10054, 10060}
_CANCELLED = {3617, 3980}
_SEVERAL = {18456: 4060}
_UNKNOWN = {207, 208}  # a column, an object
_SIGN_IN = "spnego"  # the package that signs in to Windows for us
VIEW_DEFINITION = "GRANT VIEW DEFINITION TO the user of the config;"
RETRIED = "Lower parallelism, or raise the limits of the database."


def classify(error: Exception) -> errors.RayingestError | None:  # noqa: PLR0911 - a table of cases
    """Say what a failed statement means for its caller."""
    number = code(error)
    if number is None:
        return None
    text = text_of(error)
    if isinstance(error, TimeoutError) or number in _CANCELLED:
        return errors.TimedOut(f"The statement was broken off: {text or 'it took too long'}")
    if number in _LOST:
        return errors.SessionLost(f"The connection broke: {text or type(error).__name__}")
    if number in _THROTTLED:
        return errors.Throttled(_told(text, number), _WAIT.get(number), hint=RETRIED)
    if number in _BUSY:
        return errors.Retryable(_told(text, number))
    if number in _DENIED:
        return errors.Denied(_told(text, number), hint=VIEW_DEFINITION)
    if number in _LOGIN:
        return errors.Unauthorised(_told(text, number))
    if number in _UNKNOWN:
        # Only the server's own views are asked for: that one is missing says nothing of a table.
        return errors.Permanent(
            _told(text, number), hint="This connector reads SQL Server 2012 and newer."
        )
    return errors.Permanent(_told(text, number))


def classify_connect(  # noqa: PLR0911 - a table of cases
    error: Exception, host: str, database: str, user: str | None
) -> Exception:
    """Say what a failed attempt to connect means."""
    number, text, where = code(error), text_of(error), f"SQL Server at {host}"
    if isinstance(error, TypeError | ValueError):
        return errors.ConfigError(
            f"connectionOptions, connectionArguments: {text}",
            hint="They take the parameters of pytds.connect, and some words of ODBC.",
        )
    if number is None and type(error).__module__.partition(".")[0] == _SIGN_IN:
        return errors.Unauthorised(f"{where}: {text}", hint="Check how the config signs in.")
    if number is None:
        return error
    if number in _THROTTLED:
        return errors.Throttled(f"{where}: {_told(text, number)}", _WAIT.get(number), hint=RETRIED)
    if number in _BUSY:
        return errors.Retryable(f"{where}: {_told(text, number)}")
    if number in _NO_DATABASE:
        return errors.Unreachable(
            f"{where} has no database {database!r}, or does not open it: {_told(text, number)}",
            hint=f"Check its name, and in it: CREATE USER … FOR LOGIN {user or '<that of the config>'};",
        )
    if number in _FIREWALL:
        return errors.Unreachable(
            f"{where}: {_told(text, number)}", hint="Allow this address in the server's firewall."
        )
    if number in _LOGIN:
        return errors.Unauthorised(
            f"{where} does not accept {f'user {user!r}' if user else 'us'}: {_told(text, number)}",
            hint="Check username and password, and that the server takes this way of signing in.",
        )
    if "certificate" in text.lower():
        return errors.Unreachable(
            f"{where} cannot be trusted: {text}",
            hint="Give the authority's certificate as sslConfig.caCertificate, with the server's "
            "name in hostPort; or set trustServerCertificate.",
        )
    return errors.Unreachable(
        f"{where} does not answer: {text or type(error).__name__}",
        hint="Check hostPort, network, firewall, encrypt, and that TCP/IP is switched on.",
    )


def code(error: BaseException) -> int | None:
    """The server's number; 0 when there is none, None when nothing is known about the error."""
    module = type(error).__module__.partition(".")[0]
    if module == "pytds":
        # A sign-in that fails for the database says so first, and then that it failed: 18456.
        number = int(getattr(error, "number", 0))
        return _SEVERAL.get(number, number) if _has_several(error) else number
    # A socket that broke, or that another thread closed; and what the driver makes of half an answer.
    if isinstance(error, OSError | EOFError) or module == "OpenSSL":
        return 0
    return None


def text_of(error: BaseException) -> str:
    """One line of what it says, without what the driver writes around it."""
    if type(error).__module__.startswith("OpenSSL"):
        parts = [str(each[-1]) for each in (error.args[0] if error.args else []) if each]
        return ", ".join(parts) or "the encrypted connection broke"
    message = error.args[0] if error.args else ""
    if isinstance(error, OSError) and error.strerror:
        message = error.strerror
    return " ".join(str(message or "").split())


def _has_several(error: BaseException) -> bool:
    """All messages are in the arguments, the last is the text."""
    return bool(error.args) and error.args[0] != getattr(error, "text", error.args[0])


def _told(text: str, number: int) -> str:
    return f"{text} (error {number})" if number else text
