"""What the stock client sent for a PostgreSQL database of two schemas: a part of its requests, kept by us."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rayingest.core import fqn

_HERE = Path(__file__).resolve().parents[1]
CONTRACTS = Path(os.environ.get("RAYINGEST_CONTRACTS") or _HERE.parent / "shared" / "contracts")
RECORDED = CONTRACTS / "openmetadata" / "wire.jsonl"

needs_recorded = pytest.mark.skipif(not RECORDED.exists(), reason=f"no {RECORDED}")


def requests() -> list[dict[str, Any]]:
    """As they were sent: method, path, headers, body."""
    return [json.loads(line) for line in RECORDED.read_text().splitlines()]


def sent(method: str, path: str) -> list[Any]:
    """Recorded bodies, bulk requests flattened."""
    found: list[Any] = []
    for request in requests():
        if request["method"] == method and path in request["path"]:
            body = request["body"]
            found += body if method == "PUT" and isinstance(body, list) else [body]
    return found


def patches() -> dict[str, list[dict[str, Any]]]:
    """What was patched into tables afterwards, by FQN: their foreign keys, and all columns again."""
    found = {}
    for patch in sent("PATCH", "/tables/"):
        (columns,) = (each["value"] for each in patch if each["path"] == "/columns")
        owner = ".".join(fqn.split(columns[0]["fullyQualifiedName"])[:-1])
        found[owner] = patch
    return found


def tables() -> dict[str, Any]:
    """Recorded tables by FQN with the recorded patches applied."""
    bodies = sent("PUT", "/tables/bulk")
    found = {fqn.child(each["databaseSchema"], each["name"]): each for each in bodies}
    for owner, patch in patches().items():
        added = [each["value"] for each in patch if each["path"].startswith("/tableConstraints")]
        found[owner].setdefault("tableConstraints", []).extend(added)
    return found
