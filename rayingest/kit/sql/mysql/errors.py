"""What PyMySQL's exceptions mean, by error number; the server's text is kept, nothing of ours is added."""

import re
from importlib import import_module
from typing import Any

from rayingest import errors
from rayingest.kit.sql.mysql.product import MYSQL, Product, Rights

# https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html; 2xxx are the client's, 5xxx
# StarRocks' (https://github.com/StarRocks/starrocks/blob/main/fe/fe-core/src/main/java/com/starrocks/common/ErrorCode.java).
_UNAUTHORISED = {1045, 1130, 1251, 1275, 1396, 1524, 1698, 1820, 1862, 3118, 4151}
_BUSY = {1040, 1053, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 3168}
_LOST = {0, 2002, 2003, 2006, 2013, 2014, 2027, 2055, 1077, 1079, 1927, 4031}
_GONE = {1049, 1051, 1146, 1305, 1932}
_DENIED = {1044, 1142, 1143, 1227, 1345, 1370, 1449, 5203, 5204}
_CANCELLED = {1317, 1969, 3024}
BROKEN_VIEW = 1356
_PERSON = re.compile(r"'([^']*)'@'([^']*)'")
_OBJECT = re.compile(r"for table (\S+)$")


def classify(  # noqa: PLR0911 - a table of cases
    error: Exception, rights: Rights = MYSQL.rights
) -> errors.RayingestError | None:
    """Say what a failed statement means for its caller; `rights` are the words of a GRANT."""
    number = code(error)
    if number is None:
        return None
    text = _text(error)
    if number in _CANCELLED:
        return errors.TimedOut(f"The statement was cancelled: {text}")
    if number in _BUSY:
        return errors.Retryable(text)
    if number in _LOST:
        return errors.SessionLost(f"The connection broke: {text}")
    if number in _GONE:
        return errors.Gone(text)
    if number == BROKEN_VIEW:
        return errors.Permanent(
            text, hint="The view names what was dropped, or its definer may not read it any more."
        )
    if number in _DENIED:
        return errors.Denied(text, hint=_grant(text, rights))
    if number in _UNAUTHORISED:
        return errors.Unauthorised(text)
    return errors.Permanent(f"{text} (error {number})")


def classify_connect(  # noqa: PLR0911 - a table of cases
    error: Exception, host: str, schema: str | None, user: str, product: Product = MYSQL
) -> Exception:
    """Say what a failed attempt to connect means."""
    number, text, where = code(error), _text(error), f"{product.name} at {host}"
    if isinstance(error, RuntimeError) and "cryptography" in text:
        return errors.MissingDriver("mysql", "cryptography")
    if isinstance(error, TypeError | ValueError | NotImplementedError | LookupError):
        return errors.ConfigError(
            f"connectionOptions, connectionArguments: {text}",
            hint="They take the parameters of pymysql.connect.",
        )
    if number is None:
        return error
    if number in _BUSY:
        return errors.Retryable(f"{where}: {text}", hint="Lower parallelism, or raise the limit.")
    if number == 1049:
        return errors.Unreachable(
            f"{where} has no database {schema!r}: {text}",
            hint="`SHOW DATABASES` lists them; databaseSchema must be one of them, or absent.",
        )
    if number == 1044:
        grant = product.rights.on_database(schema, "the user of the config")
        return errors.Denied(f"{where}: {text}", hint=grant)
    if number in _UNAUTHORISED:
        return errors.Unauthorised(
            f"{where} does not accept user {user!r}: {text}",
            hint="Check username, authType or password, and from which hosts the user may come.",
        )
    return errors.Unreachable(
        f"{where} does not answer: {text}", hint="Check hostPort, network, sslConfig and firewall."
    )


def code(error: Exception) -> int | None:
    """The error number; 0 when the driver gave none, None when it is not the driver's error."""
    driver: Any = import_module("pymysql")
    if not isinstance(error, driver.MySQLError):
        # A socket that another thread closed under a running statement.
        return 0 if isinstance(error, OSError) else None
    first = error.args[0] if error.args else 0
    return first if isinstance(first, int) else 0


def _text(error: Exception) -> str:
    return " ".join(str(error.args[-1] if error.args else error).split())


def _grant(text: str, rights: Rights) -> str:
    person, thing = _PERSON.search(text), _OBJECT.search(text)
    who = f"'{person[1]}'@'%'" if person else "the user of the config"
    if "SHOW VIEW" in text:
        rights = rights._replace(read=rights.view)
    return rights.on_one(thing[1] if thing else None, who)
