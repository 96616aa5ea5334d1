"""SQL on a warehouse of the workspace, over REST.

https://docs.databricks.com/api/workspace/statementexecution: a call waits 5 to 50 seconds, then the
statement is asked after; inline results have 25 MiB at most, and come in chunks.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import stamina

from rayingest.errors import Denied, Gone, Permanent, RayingestError, Retryable, TimedOut
from rayingest.kit.rest.api import Api

PATH = "/api/2.0/sql/statements"
SHORTEST, LONGEST = 5, 30  # seconds that a call waits for its statement
TRIES = 3
PAUSE = 2.0  # seconds between questions after one that takes longer: a warehouse that starts
RUNNING = {"PENDING", "RUNNING"}
GRANT = "Grant CAN USE on the SQL warehouse of httpPath."
SEE_ALL = (
    "Grant USE CATALOG, USE SCHEMA and SELECT on system.information_schema, or USE CATALOG on each "
    "catalog that databaseFilterPattern keeps."
)
# What is not granted may be called missing: https://docs.databricks.com/aws/en/error-messages/
HIDDEN = ("INSUFFICIENT_PERMISSIONS", "TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND")
HIDDEN_STATES = {"42501", "42P01", "42704"}
AGAIN = {
    *("TEMPORARILY_UNAVAILABLE", "WORKSPACE_TEMPORARILY_UNAVAILABLE", "SERVICE_UNDER_MAINTENANCE"),
    *("RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "ABORTED", "INTERNAL_ERROR"),
}
MOST = 20 * 2**20  # bytes; what is more is cut and said to be, and above 25 MiB it would fail
Row = Sequence[str | None]


class TooMuch(Permanent):
    """A result that was cut, for it would have been too big."""


class NotGranted(Denied):
    """The statement reads what the account may not see, or does not see at all."""


def _worth_another(error: Exception) -> bool:
    return isinstance(error, Retryable) and not isinstance(error, TimedOut)


class Statements:
    """Statements of one thread on one warehouse; each may take `patience` seconds."""

    def __init__(self, api: Api, warehouse: str, patience: float) -> None:
        self._api = api
        self._warehouse = warehouse
        self._patience = patience

    def rows(self, statement: str) -> Iterator[Row]:
        """All rows of a result; numbers are texts, too. Raises TooMuch, TimedOut, NotGranted, Denied, Permanent."""
        told = self._tried(statement)
        if (told.get("manifest") or {}).get("truncated"):
            raise TooMuch(f"SQL warehouse {self._warehouse} gives only a part of the result.")
        result = told.get("result") or {}
        while True:
            yield from result.get("data_array") or ()
            following = result.get("next_chunk_internal_link")
            if not following:
                return
            result = self._got(following, "result")

    def _tried(self, statement: str) -> Mapping[str, Any]:
        """Once more when the warehouse says that it may do better: nobody else would ask again."""
        for attempt in stamina.retry_context(
            on=_worth_another, attempts=TRIES, timeout=None, wait_initial=1.0, wait_max=10.0
        ):
            with attempt:
                try:
                    return self._ended(self._begun(statement))
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    said = f"{type(error).__name__}: {error}"
                    raise Permanent(
                        f"What SQL warehouse {self._warehouse} answers is not understood: {said}",
                        hint="Check hostPort and httpPath.",
                    ) from error
        raise AssertionError  # pragma: no cover - the last attempt raises

    def _got(self, path: str, route: str) -> Mapping[str, Any]:
        with self._api.patiently():
            return dict(self._api.get(path, route=f"{PATH}/{route}"))

    def _begun(self, statement: str) -> Mapping[str, Any]:
        wait = min(max(int(self._patience / 2), SHORTEST), LONGEST)
        body = {
            "statement": statement,
            "warehouse_id": self._warehouse,
            "wait_timeout": f"{wait}s",
            "on_wait_timeout": "CONTINUE",
            "byte_limit": MOST,
            "disposition": "INLINE",
            "format": "JSON_ARRAY",
        }
        try:
            with self._api.patiently():
                return dict(self._api.post(PATH, body, route=PATH))
        except Denied as error:
            raise Denied(f"SQL warehouse {self._warehouse}: {error}", hint=GRANT) from None
        except (Gone, Permanent) as error:
            raise Permanent(
                f"SQL warehouse {self._warehouse}: {error}", hint="Check httpPath."
            ) from None

    def _ended(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the statement came to; it is broken off when that takes too long."""
        end = time.monotonic() + self._patience
        while told["status"]["state"] in RUNNING:
            place = f"{PATH}/{told['statement_id']}"
            if time.monotonic() > end:
                with suppress(RayingestError):
                    self._api.post(f"{place}/cancel", {}, route=f"{PATH}/cancel")
                raise TimedOut(
                    f"SQL warehouse {self._warehouse} did not answer in {self._patience:.0f} s: "
                    f"the statement is {told['status']['state'].lower()}.",
                    hint="Start the warehouse before the run, or raise callTimeoutSeconds of "
                    "distributedExecution.",
                )
            time.sleep(PAUSE)
            told = self._got(place, "status")
        if told["status"]["state"] != "SUCCEEDED":
            raise self._failure(told["status"])
        return told

    def _failure(self, status: Mapping[str, Any]) -> RayingestError:
        error = status.get("error") or {}
        code, said = str(error.get("error_code") or status["state"]), error.get("message") or ""
        text = f"SQL warehouse {self._warehouse}: {code} {said}".strip()
        if code in AGAIN:
            return Retryable(text)
        if any(each in text for each in HIDDEN) or status.get("sql_state") in HIDDEN_STATES:
            return NotGranted(text, hint=SEE_ALL)
        return Permanent(text)
