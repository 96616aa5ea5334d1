"""ClickHouse's native protocol, over clickhouse-driver; it reads from servers of any age."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from rayingest import errors
from rayingest.kit.sql.clickhouse.errors import meaning, plain
from rayingest.kit.sql.clickhouse.session import Row


class NativeTransport:
    """Statements over the native protocol; `parameters` are those of clickhouse_driver.Client.

    Their `send_receive_timeout` is for the first answer, `seconds` is for each later one.
    """

    def __init__(self, where: str, parameters: Mapping[str, Any], seconds: float) -> None:
        try:
            driver: Any = import_module("clickhouse_driver")
            self._errors: Any = import_module("clickhouse_driver.errors")
        except ImportError as error:
            raise errors.MissingDriver("clickhouse", "clickhouse-driver") from error
        self._where = where
        self._seconds = seconds
        self._user = str(parameters.get("user", ""))
        self._met = False  # whether it ever answered: the driver hangs up after each error
        try:
            self._client = driver.Client(**parameters)
        except (TypeError, ValueError) as error:
            raise errors.ConfigError(
                f"connectionOptions, connectionArguments: {error}",
                hint="They take the parameters of clickhouse_driver.Client.",
            ) from None

    def rows(self, statement: str, query_id: str) -> list[Row]:
        """See Transport."""
        try:
            answer = [
                _text(row) for row in self._client.execute(statement, query_id=query_id) or ()
            ]
        except self._errors.ServerException as error:
            raise meaning(error.code, error.message, self._user) from None
        except TimeoutError:  # of an answer; that of a connection is an error of the driver's
            if self._met:
                raise errors.TimedOut(f"{self._where} did not answer in time") from None
            raise self._lost("no answer in time") from None
        except self._errors.SocketTimeoutError:
            raise self._lost("no answer in time") from None
        except (self._errors.Error, EOFError, OSError) as error:
            raise self._lost(plain(str(error))) from None
        if not self._met:
            self._met = True
            self._client.connection.send_receive_timeout = self._seconds
            self._client.connection.socket.settimeout(self._seconds)
        return answer

    def _lost(self, said: str) -> errors.RayingestError:
        if self._met:
            return errors.SessionLost(f"{self._where} broke off: {said}")
        if "CERTIFICATE_VERIFY_FAILED" in said:
            return errors.Unreachable(
                f"The certificate of {self._where} is not trusted: {said}",
                hint="Name the authority that signed it: connectionArguments.ca_certs.",
            )
        return errors.Unreachable(
            f"ClickHouse at {self._where} does not answer: {said}",
            hint="Check hostPort (9000, with TLS 9440), secure, the network and the firewall.",
        )

    def hang_up(self) -> None:
        """See Transport."""
        self._client.connection.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """See Transport."""
        with suppress(Exception):
            self._client.disconnect()


def _text(row: Row) -> Row:
    """The driver gives bytes for what is not UTF-8; over HTTP the server replaces that."""
    if bytes not in map(type, row):
        return row
    return tuple(
        [each.decode(errors="replace") if isinstance(each, bytes) else each for each in row]
    )
