"""What psycopg's exceptions mean, by SQLSTATE; the server's text is kept, nothing of ours is added."""

from rayingest import errors
from rayingest.kit.sql.postgres.product import Product

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_GONE = {"42P01", "42704", "42883", "3F000", "42703"}
_UNAUTHORISED = {"28000", "28P01"}
_BUSY = {"53300", "57P03", "55P03", "40001", "40P01", "57P05"}
_LOST = {"57P01", "57P02", "25P03", "25P04"}
_VANISHED = ("cache lookup failed", "could not open relation with OID", "could not find tuple")


def classify(error: Exception) -> errors.RayingestError | None:  # noqa: PLR0911 - a table of cases
    """Say what a failed statement means for its caller."""
    import psycopg

    if not isinstance(error, psycopg.Error):
        return None
    text, state = _text(error), error.sqlstate or ""
    if state == "57014":
        return errors.TimedOut(f"The statement was cancelled: {text}")
    if state == "55P03":
        return errors.TimedOut(
            f"A lock was not granted: {text}", hint="Another session holds the table exclusively."
        )
    if state in _BUSY or state.startswith("53"):
        return errors.Retryable(text)
    if state in _LOST or state.startswith("08") or _is_lost(error, state):
        return errors.SessionLost(f"The connection broke: {text}")
    if state == "42501":
        return errors.Denied(text, hint=_grant(text))
    if state in _GONE or (state == "XX000" and text.startswith(_VANISHED)):
        return errors.Gone(text)
    return errors.Permanent(f"{text} (SQLSTATE {state})" if state else text)


def classify_connect(  # noqa: PLR0911 - a table of cases
    error: Exception, host: str, database: str, user: str, product: Product
) -> Exception:
    """Say what a failed attempt to connect means."""
    import psycopg

    if not isinstance(error, psycopg.Error):
        return error
    text, state, where = _text(error), error.sqlstate or "", f"{product.name} at {host}"
    if isinstance(error, psycopg.ProgrammingError) and not state:
        return errors.ConfigError(
            f"connectionOptions, connectionArguments: {text}",
            hint="They take libpq's parameters: https://www.postgresql.org/docs/current/libpq-connect.html",
        )
    if "unsupported startup parameter" in text:
        return errors.Unreachable(
            f"{where} is behind a pooler that refuses session settings: {text}",
            hint="Connect to the server itself, or set ignore_startup_parameters = options in PgBouncer.",
        )
    if "database" in text and ("does not exist" in text or "not currently accepting" in text):
        return errors.Unreachable(
            f"{where} has no database {database!r} to connect to: {text}",
            hint="`psql -l` lists the databases; set `database` to one of them.",
        )
    if state == "53300" or "too many" in text or "remaining connection slots" in text:
        return errors.Retryable(f"{where}: {text}", hint="Lower parallelism, or raise the limit.")
    if "CONNECT privilege" in text or "permission denied for database" in text:
        grant = f'GRANT CONNECT ON DATABASE "{database}" TO "{user}";'
        return errors.Denied(f"{where}: {text}", hint=grant)
    if state in _UNAUTHORISED or _refuses(text):
        return errors.Unauthorised(
            f"{where} does not accept user {user!r}: {text}",
            hint=product.refused,
        )
    if "starting up" in text or "shutting down" in text:
        return errors.Retryable(f"{where}: {text}")
    return errors.Unreachable(
        f"{where} does not answer: {text}", hint="Check hostPort, network, sslMode and firewall."
    )


def _refuses(text: str) -> bool:
    words = ("authentication failed", "no pg_hba.conf entry", "no password supplied", "role ")
    return any(word in text for word in words)


def _is_lost(error: Exception, state: str) -> bool:
    import psycopg

    # Without a SQLSTATE it was libpq that complained, not the server.
    kinds = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
    return not state and isinstance(error, kinds)


def _text(error: Exception) -> str:
    diagnosis = getattr(error, "diag", None)
    primary = getattr(diagnosis, "message_primary", None)
    return " ".join((primary or str(error)).split())


def _grant(text: str) -> str:
    _, _, what = text.partition("permission denied for ")
    kind, _, name = what.partition(" ")
    match kind:
        case "schema":
            return f'GRANT USAGE ON SCHEMA "{name}" TO the user of the config;'
        case "table" | "view" | "relation" | "sequence":
            return f"GRANT SELECT ON {name or what} TO the user of the config;"
        case "function" | "procedure":
            return f"GRANT EXECUTE ON {kind.upper()} {name} TO the user of the config;"
        case _:
            return "Grant pg_read_all_data to the user of the config."
