"""From the config to an open connection: the driver's mode, time-outs, what the session may read."""

import queue
import threading
from contextlib import suppress
from importlib import import_module
from typing import Any

from rayingest.core.source import Settings
from rayingest.errors import ConfigError, Denied, MissingDriver, Unreachable
from rayingest.kit.sql.oracle import options
from rayingest.kit.sql.oracle.errors import classify, classify_connect
from rayingest.kit.sql.oracle.session import OracleSession

# OpenMetadata's word for the database that its hierarchy wants, and Oracle's lacks.
DATABASE = "default"
LOGIN_SECONDS = 30
# Names are compared and put in order byte by byte, whatever the client's or the server's language.
BINARY = "alter session set nls_comp = binary nls_sort = binary"
# Nothing is read: the server only looks whether all of these may be.
DBA = (
    *("users", "all_tables", "views", "mviews", "objects", "source", "tab_cols", "constraints"),
    *("tab_comments", "col_comments", "mview_comments", "cons_columns", "external_tables"),
    *("part_tables", "part_key_columns", "subpart_key_columns", "type_attrs", "coll_types"),
)
MAY_READ_DBA = "\nunion all ".join(f"select 1 from dba_{each} where 1 = 0" for each in DBA)  # noqa: S608
ONE_SCHEMA = "select u.username from {v}_users u where u.username in (:wanted, upper(:wanted))"


def connect(settings: Settings, database: str | None) -> OracleSession:
    """Open a session; it reads the pluggable database that its service leads to."""
    try:
        driver: Any = import_module("oracledb")
    except ImportError as error:
        raise MissingDriver("oracle", "oracledb") from error
    config: options.Connection = settings.connection
    where = options.place(config)
    given = options.parameters(config)
    seconds = min(LOGIN_SECONDS, max(1.0, settings.call_timeout))
    try:
        if folder := options.client_folder(config):
            driver.init_oracle_client(lib_dir=folder)
        connection = _within(seconds, driver, given)
    except Exception as error:
        known = classify_connect(error, where, config.username)
        if known is error:
            raise
        raise known from error
    if connection is None:
        raise Unreachable(
            f"{where} takes connections and says nothing for {seconds:g} seconds.",
            hint="Is it a listener of Oracle's, and does its port speak TLS (protocol: tcps)?",
        )
    version = tuple(int(each) for each in connection.version.split(".")[:2])
    session = OracleSession(
        connection, database=config.databaseName or DATABASE, config=config, version=version
    )
    try:
        connection.call_timeout = max(1, int(settings.call_timeout * 1000))
        # CLOBs come as text with their rows, not each by a call of its own.
        connection.outputtypehandler = _whole_texts(driver)
        prepare(session)
    except Exception as error:
        session.close()
        raise classify(error) or error from error
    return session


def prepare(session: OracleSession) -> None:
    """Tell the session how names compare, and find out what it may read. Raises ConfigError."""
    session.execute(BINARY)
    session.views = "dba" if session.config.useDBATable and _may_read_dba(session) else "all"
    wanted = options.only_schema(session.config)
    if wanted:
        found = {row[0] for row in session.rows(ONE_SCHEMA, {"wanted": wanted})}
        session.schema = next((each for each in (wanted, wanted.upper()) if each in found), None)
        if session.schema is None:
            raise ConfigError(
                f"oracleConnectionType.databaseSchema: there is no schema {wanted!r}.",
                hint="`SELECT username FROM all_users` lists them.",
            )


def _may_read_dba(session: OracleSession) -> bool:
    try:
        session.rows(MAY_READ_DBA)
    except Exception as error:
        if isinstance(classify(error), Denied):
            return False
        raise
    return True


def _within(seconds: float, driver: Any, given: dict[str, Any]) -> Any:
    """Connect; None after so many seconds.

    The driver waits for an answer to its first packet as long as the socket is open: its own time-out
    ends with the handshake of TCP.
    """
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    late = threading.Event()

    def ask() -> None:
        try:
            answers.put(driver.connect(**given))
        except Exception as error:  # noqa: BLE001 - it is raised by who waits
            answers.put(error)
        if late.is_set():
            _throw_away(answers)

    threading.Thread(target=ask, name="oracle-connect", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        late.set()
        _throw_away(answers)  # it may have come just now
        return None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _throw_away(answers: queue.SimpleQueue[Any]) -> None:
    """Close a connection that nobody waits for any more."""
    with suppress(Exception):
        answers.get_nowait().close()


def _whole_texts(driver: Any) -> Any:
    def handler(cursor: Any, metadata: Any) -> Any:
        if metadata.type_code in (driver.DB_TYPE_CLOB, driver.DB_TYPE_NCLOB):
            return cursor.var(driver.DB_TYPE_LONG, arraysize=cursor.arraysize)
        return None

    return handler
