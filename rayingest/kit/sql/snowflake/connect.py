"""From the config to an open connection: address, credentials, session parameters, time-outs."""

import os
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any, Protocol

from pydantic import SecretStr

from rayingest.core.source import Settings
from rayingest.errors import ConfigError, MissingDriver
from rayingest.kit.sql.snowflake.errors import classify_connect, code
from rayingest.kit.sql.snowflake.session import SnowSession

LOGIN_SECONDS = 30
KEY_PAIR = "SNOWFLAKE_JWT"
# They open a browser window, and wait for somebody who sits in front of it.
BROWSERS = {"EXTERNALBROWSER", "OAUTH_AUTHORIZATION_CODE"}
FLAGS = {"true": True, "false": False}


class Connection(Protocol):
    """The fields that are needed of the connection model."""

    username: str
    password: SecretStr | None
    account: str
    role: str | None
    database: str | None
    warehouse: str
    queryTag: str | None  # noqa: N815 - OpenMetadata's spelling
    privateKey: SecretStr | None  # noqa: N815
    snowflakePrivatekeyPassphrase: SecretStr | None  # noqa: N815
    clientSessionKeepAlive: bool  # noqa: N815
    connectionOptions: dict[str, str]  # noqa: N815
    connectionArguments: dict[str, Any]  # noqa: N815


def connect(settings: Settings, database: str | None) -> SnowSession:
    """Open a session that reads one database; without a name, that of the config."""
    try:
        client: Any = import_module("snowflake.connector")
    except ImportError as error:
        raise MissingDriver("snowflake", "snowflake-connector-python") from error
    # At each login the client would ask the cloud's metadata service where it runs, to report it.
    os.environ.setdefault("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
    config: Connection = settings.connection
    parameters = _parameters(settings, config)
    try:
        connection = client.connect(**parameters)
    except Exception as error:
        if code(error) is None and not isinstance(error, TypeError | ValueError):
            raise
        if code(error) is None:
            raise ConfigError(f"connectionArguments: {error}") from error
        raise classify_connect(error, config.account, config.username) from error
    short = {"login_timeout": 5, "query_timeout": 5, "request_timeout": 5}
    return SnowSession(
        connection,
        database=database or config.database or "",
        config=config,
        number=connection.session_id,
        beside=partial(client.connect, **{**parameters, **short}),
    )


def _parameters(settings: Settings, config: Connection) -> dict[str, Any]:
    seconds = max(1, int(settings.call_timeout))
    theirs = {**_typed(config.connectionOptions), **config.connectionArguments}
    session = dict(theirs.pop("session_parameters", None) or {})
    parameters: dict[str, Any] = {
        "account": config.account,
        "user": config.username,
        "role": config.role,
        "warehouse": config.warehouse,
        "application": "rayingest",
        "paramstyle": "pyformat",
        "client_session_keep_alive": config.clientSessionKeepAlive,
        # What runs is broken off when we leave; nothing is written into a store of passwords.
        "enable_server_session_keep_alive_auto_detection": False,
        "client_store_temporary_credential": False,
        "login_timeout": LOGIN_SECONDS,
        "query_timeout": seconds + 5,  # the server gives up first, and says so
        "request_timeout": seconds + 5,
        "session_parameters": {
            "CLIENT_TELEMETRY_ENABLED": False,
            "CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False,
            "STATEMENT_TIMEOUT_IN_SECONDS": seconds,
            # Names between quotes keep their case, whatever the account's default.
            "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
            **({"QUERY_TAG": config.queryTag} if config.queryTag else {}),
            **session,
        },
        **_secrets(config),
        **theirs,
    }
    if str(parameters.get("authenticator", "")).upper() in BROWSERS:
        raise ConfigError(
            f"connectionArguments.authenticator: {parameters['authenticator']} opens a browser "
            "window, and nobody sits in front of a run.",
            hint="Use privateKey, or authenticator PROGRAMMATIC_ACCESS_TOKEN or OAUTH with a token.",
        )
    return {key: value for key, value in parameters.items() if value is not None}


def _secrets(config: Connection) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if config.password is not None:
        given["password"] = config.password.get_secret_value()
    if config.privateKey is not None:
        # A key out of an environment variable or of JSON often has `\n` for its line ends.
        given["private_key"] = config.privateKey.get_secret_value().replace("\\n", "\n")
        given["authenticator"] = KEY_PAIR
        if config.snowflakePrivatekeyPassphrase is not None:
            secret = config.snowflakePrivatekeyPassphrase.get_secret_value()
            given["private_key_password"] = secret or None
    return given


def _typed(options: Mapping[str, str]) -> dict[str, Any]:
    """Options of a URL are text; of these the client wants numbers and truth."""

    def value(name: str, text: str) -> object:
        if name == "port" or name.endswith("_timeout"):
            return int(text)
        return FLAGS.get(text.lower(), text)

    try:
        return {name: value(name, text) for name, text in options.items()}
    except ValueError as error:
        raise ConfigError(f"connectionOptions: {error}") from error
