"""Read a BulkOperationResult: which rows the server took, which it refused, and which it forgot."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rayingest.core import fqn
from rayingest.core.sink import Row

_PARENTS = ("databaseSchema", "database", "service")


@dataclass(slots=True)
class Outcome:
    """By position in the batch: refusals (status, message), and rows nothing certain was said about."""

    refused: dict[int, tuple[int, str]] = field(default_factory=dict)
    unsure: list[int] = field(default_factory=list)


def read(data: Any, rows: Sequence[Row]) -> Outcome | None:
    """What became of each row; None when the answer says nothing about any of them.

    A failed request may be told as the request itself, its JSON, its FQN or its bare name. Rows
    that the answer does not account for are `unsure`: sending them again, one by one, is harmless.
    """
    if not isinstance(data, dict) or not ({"status", "numberOfRowsProcessed"} & set(data)):
        return None
    failed, passed = responses(data, "failedRequest"), responses(data, "successRequest")
    if data.get("status") in ("failure", "aborted", "running") and not failed:
        return None
    told = data.get("numberOfRowsPassed")
    complete = not isinstance(told, int) or told >= len(rows)
    if not failed and complete and _count(data, "numberOfRowsFailed") == 0:
        return Outcome()
    places = _Places(rows)
    outcome = Outcome()
    for each in failed:
        at = places.of(each.get("request"))
        if at is not None:
            status, message = each.get("status"), each.get("message")
            known = status if isinstance(status, int) else 400
            outcome.refused[at] = (known, str(message or "refused without a reason"))
    expected = max(len(failed), _count(data, "numberOfRowsFailed"))
    if len(outcome.refused) == expected and (complete or told == len(rows) - expected):
        return outcome
    taken = {places.of(each.get("request")) for each in passed}
    outcome.unsure = [
        at for at in range(len(rows)) if at not in outcome.refused and at not in taken
    ]
    return outcome


class _Places:
    """Find a row of the batch by whatever the server calls it."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._by_fqn = {row.fqn: at for at, row in enumerate(rows)}
        self._by_name: dict[str, int | None] = {}
        for at, row in enumerate(rows):
            name = _name(row.fqn)
            self._by_name[name] = None if name in self._by_name else at

    def of(self, request: Any) -> int | None:
        """The position, or None when it is nobody's or several rows'."""
        if isinstance(request, str) and request.lstrip().startswith("{"):
            try:
                request = msgspec.json.decode(request)
            except msgspec.DecodeError:
                return None
        if isinstance(request, dict):
            return self._of_request(request)
        if not isinstance(request, str):
            return None
        return self._by_fqn.get(request, self._by_name.get(request))

    def _of_request(self, request: dict[str, Any]) -> int | None:
        if isinstance(told := request.get("fullyQualifiedName"), str) and told in self._by_fqn:
            return self._by_fqn[told]
        name = request.get("name")
        if not isinstance(name, str):
            return None
        above = next((request[key] for key in _PARENTS if request.get(key)), None)
        if isinstance(above, dict):
            above = above.get("fullyQualifiedName")
        if isinstance(above, str) and (full := f"{above}.{fqn.quote(name)}") in self._by_fqn:
            return self._by_fqn[full]
        return self._by_name.get(name)


def _name(full: str) -> str:
    try:
        return fqn.encode(fqn.split(full)[-1])
    except ValueError:
        return full


def responses(data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The rows that succeeded, or that failed."""
    given = data.get(key)
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def _count(data: dict[str, Any], key: str) -> int:
    number = data.get(key)
    return number if isinstance(number, int) else 0
