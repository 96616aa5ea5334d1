"""From the config to an open connection: address, credentials, TLS, session settings."""

from importlib import import_module
from typing import Any

from rayingest.core.source import Settings
from rayingest.errors import ConfigError, MissingDriver
from rayingest.kit.sql.mssql.dial import OURS, dialling
from rayingest.kit.sql.mssql.errors import classify, classify_connect
from rayingest.kit.sql.mssql.options import Address, Given, given
from rayingest.kit.sql.mssql.session import OLDEST, TdsSession
from rayingest.kit.sql.mssql.sign_in import credentials
from rayingest.kit.sql.mssql.tls import context

LOGIN_SECONDS = 15
LOCK_SECONDS = 30
# What DDL holds a lock on is waited for, but not for ever; in a deadlock we are the one that gives way.
PREPARED = f"set lock_timeout {LOCK_SECONDS * 1000}; set deadlock_priority low"


def connect(settings: Settings, database: str | None) -> TdsSession:
    """Open a session in one database; without a name, in that of the config.

    Each database has a connection of its own: Azure SQL and Synapse know no USE.
    """
    try:
        pytds: Any = import_module("pytds")
    except ImportError as error:
        raise MissingDriver("mssql", "python-tds") from error
    config = settings.connection
    name = database or config.database
    asked = given(config)
    dial = dialling(pytds, context(asked.encryption))
    try:
        parameters = _parameters(settings, config, name, asked)
        connection = dial(**parameters)
    except Exception as error:
        known = classify_connect(error, config.hostPort, name, config.username)
        if known is error:
            raise
        raise known from error
    session = TdsSession(connection, name)
    try:
        _prepare(session)
    except Exception as error:
        session.close()
        known_too = classify(error)
        if known_too is None:
            raise
        raise known_too from error
    return session


def _parameters(settings: Settings, config: Any, database: str, asked: Given) -> dict[str, Any]:
    address = Address.of(config.hostPort)
    return {
        "dsn": address.host,
        "port": address.port,
        "database": database,
        "appname": "rayingest",
        "autocommit": True,
        "login_timeout": LOGIN_SECONDS,
        "timeout": max(1.0, settings.call_timeout),
        "cafile": OURS,
        "validate_host": False,  # our context does
        "enc_login_only": not asked.encryption.whole,
        **credentials(config, address.machine),
        **asked.more,
    }


def _prepare(session: TdsSession) -> None:
    session.learn()
    if session.is_synapse:
        return
    if session.major < OLDEST:
        raise ConfigError(
            f"SQL Server at this address has the version {session.version}.",
            hint="This connector reads SQL Server 2012 (11.0) and newer.",
        )
    session.run(PREPARED)
