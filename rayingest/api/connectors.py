"""What is known of every connector without connecting to anything."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import metadata

import msgspec

from rayingest.api.grades import grade_of, gradings
from rayingest.core import registry
from rayingest.core.source import Connector


class ConnectorInfo(msgspec.Struct, frozen=True, rename="camel"):
    """One line of the table of connectors; `installed` is None where nobody can tell.

    An alias has another connector's catalogue under a name of its own, and is not counted.
    """

    name: str
    family: str
    extra: str
    grade: str
    capabilities: list[str]
    lacks: dict[str, str]
    types: list[str]
    installed: bool | None
    alias_of: str = ""


def connectors() -> Iterator[ConnectorInfo]:
    """All of them, by name; imports no driver."""
    for name in registry.locations():
        yield connector_info(name)


def connector_info(name: str) -> ConnectorInfo:
    """One of them. Raises UnknownConnector."""
    connector: Connector = registry.load(name)
    return ConnectorInfo(
        name=name,
        family=connector.family,
        extra=connector.extra,
        grade=grade_of(name),
        capabilities=sorted(each.value for each in connector.capabilities),
        lacks={each.value: why for each, why in connector.lacks.items()},
        types=[each.value for each in connector.types],
        installed=installed(connector.extra),
        alias_of=getattr(connector, "alias_of", ""),
    )


def capability_grades(name: str) -> dict[str, str]:
    """What the tests showed per capability."""
    found = gradings().get(name)
    return dict(found.capabilities) if found else {}


@cache
def installed(extra: str) -> bool | None:
    """Whether everything that an extra asks for is there, as far as package metadata tells."""
    if not extra:
        return True
    try:
        wanted = metadata.requires("rayingest") or []
    except metadata.PackageNotFoundError:
        return None
    marker = re.compile(rf"extra\s*==\s*['\"]{re.escape(extra)}['\"]")
    names = [
        re.match(r"[\w.\-]+(?:\[[\w,\s\-]+\])?", each) for each in wanted if marker.search(each)
    ]
    return all(_present(each.group()) for each in names if each)


def _present(requirement: str) -> bool:
    name, _, inner = requirement.partition("[")
    if name == "rayingest":
        return all(installed(each.strip()) for each in inner.rstrip("]").split(","))
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True
