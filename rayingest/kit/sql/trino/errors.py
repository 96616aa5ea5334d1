"""What the errors of Trino and Presto mean, by their names; the server's text is kept.

The names: https://trino.io/docs/current/admin/properties-query-management.html tells of some, all stand in
https://github.com/trinodb/trino, StandardErrorCode; connectors bring more (HIVE_…, ICEBERG_…).
"""

import re

from rayingest import errors

GONE = {"TABLE_NOT_FOUND", "SCHEMA_NOT_FOUND", "CATALOG_NOT_FOUND", "NOT_FOUND", "MISSING_TABLE"}
BUSY = {"QUERY_QUEUE_FULL", "TOO_MANY_REQUESTS_FAILED"}
SLOW = {"EXCEEDED_TIME_LIMIT", "PAGE_TRANSPORT_TIMEOUT", "OPTIMIZER_TIMEOUT", "USER_CANCELED"}
PASSING = {
    *("SERVER_STARTING_UP", "SERVER_SHUTTING_DOWN", "NO_NODES_AVAILABLE", "REMOTE_HOST_GONE"),
    *("REMOTE_TASK_ERROR", "REMOTE_TASK_MISMATCH", "PAGE_TRANSPORT_ERROR", "ABANDONED_TASK"),
    *("CLUSTER_OUT_OF_MEMORY", "EXCEEDED_GLOBAL_MEMORY_LIMIT", "ADMINISTRATIVELY_PREEMPTED"),
    *("GENERIC_INSUFFICIENT_RESOURCES", "CONFIGURATION_UNAVAILABLE", "TRANSACTION_CONFLICT"),
    # What a catalog reads does not answer just now.
    *("HIVE_METASTORE_ERROR", "HIVE_FILESYSTEM_ERROR", "JDBC_ERROR", "ICEBERG_CATALOG_ERROR"),
    *("ICEBERG_FILESYSTEM_ERROR", "DELTA_LAKE_FILESYSTEM_ERROR"),
}
KINDS: dict[str, type[errors.SourceError]] = {
    **dict.fromkeys(GONE, errors.Gone),
    **dict.fromkeys(BUSY, errors.Throttled),
    **dict.fromkeys(SLOW, errors.TimedOut),
    **dict.fromkeys(PASSING, errors.Retryable),
    "ABANDONED_QUERY": errors.SessionLost,
}
SETTINGS = {"INVALID_SESSION_PROPERTY", "ROLE_NOT_FOUND"}
# Presto has no names for these: https://github.com/prestodb/presto, SemanticErrorCode.
_ABSENT = re.compile(
    r"(?:line \d+:\d+: )?(?:Table|View|Schema|Catalog) .* (?:does not exist|not found)", re.DOTALL
)
CANCELLED = "USER_CANCELED"
SELECTOR = (
    "The cluster's resource groups take no query of this user and source: a selector for the source"
    " `rayingest` helps, or another one in connectionArguments.source."
)
LONGEST = 500  # characters of what a server says that are told


class Said(errors.Permanent):
    """An error of the server that has no better class; `name` is the server's."""

    def __init__(self, message: str, name: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.name = name


def meaning(name: str, text: str, user: str) -> errors.RayingestError:
    """Say what an error of the server means for whoever asked."""
    said = f"{' '.join(text.split())[:LONGEST]} ({name or 'no name'})"
    if name in KINDS:
        return KINDS[name](f"The statement was cancelled: {said}" if name == CANCELLED else said)
    if name == "PERMISSION_DENIED":
        return errors.Denied(said, hint=grant(user))
    if name == "UNSUPPORTED_TABLE_TYPE":
        # Hive's catalog lists tables of Iceberg, Delta and Hudi in its metastore, and reads none of them.
        return errors.Forbidden(
            f"This catalog lists it, and does not read it: {said}",
            hint="A catalog of that kind over the same metastore has it, or a redirection does.",
        )
    if name in SETTINGS:
        return errors.ConfigError(
            f"connectionOptions, connectionArguments: {said}",
            hint="`SHOW SESSION` lists the session properties, `SHOW ROLES` the roles that there are.",
        )
    if _ABSENT.match(text):
        return errors.Gone(said)
    return Said(said, name, hint=SELECTOR if name == "QUERY_REJECTED" else None)


def grant(user: str) -> str:
    """What lets a user see: who decides that differs from catalog to catalog."""
    return (
        f"Let user {user!r} see it: GRANT SELECT ON <table> TO USER {user}, a role in"
        " connectionArguments.roles, or a rule of the cluster's access control."
    )
