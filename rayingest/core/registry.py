"""Find connectors by name, and import only the one that is asked for.

A file `connectors/<family>/<name>.py` is a connector called `<name>`; other packages add theirs
through the entry point group `rayingest.connectors`.
"""

import pkgutil
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import cast

from rayingest.core.source import Connector, Varied
from rayingest.errors import ConfigError, UnknownConnector

GROUP = "rayingest.connectors"


@cache
def locations() -> dict[str, str]:
    """Map every connector's name to `module:attribute`, importing none of them.

    Raises ConfigError when two places claim one name.
    """
    found: dict[str, str] = {}
    for name, where in (*_builtin(), *_installed()):
        if found.get(name, where) != where:
            raise ConfigError(
                f"Two connectors are called {name!r}: {found[name]} and {where}.",
                hint="Uninstall the package that brings one of them, or rename it.",
            )
        found[name] = where
    return dict(sorted(found.items()))


def family(name: str) -> str:
    """The family of a connector: ours by its place, without importing it; another package's as it says."""
    where = locations().get(name, "")
    if not where or where.startswith("rayingest.connectors."):
        return where.split(".")[-2] if where else ""
    return load(name).family


def load(name: str) -> Connector:
    """Import one connector; `postgres-lineage` is the variant `lineage` of one. Raises ConfigError."""
    where = locations().get(name)
    base, _, variant = name.rpartition("-")
    if where is None and base in locations():
        return _variant(load(base), base, variant)
    if where is None:
        raise UnknownConnector(name, get_close_matches(name, locations()))
    module, _, attribute = where.partition(":")
    return cast("Connector", getattr(import_module(module), attribute or "CONNECTOR"))


def _variant(connector: Connector, name: str, variant: str) -> Connector:
    known = connector.variants if isinstance(connector, Varied) else {}
    if variant not in known:
        others = ", ".join((name, *(f"{name}-{each}" for each in known)))
        raise ConfigError(f"{name}: {variant} is not read.", hint=f"There is: {others}.")
    return known[variant]


def _installed() -> Iterator[tuple[str, str]]:
    for point in entry_points(group=GROUP):
        yield point.name, point.value


def _builtin() -> Iterator[tuple[str, str]]:
    root = find_spec("rayingest.connectors")
    places = (root.submodule_search_locations if root else None) or []
    for each in pkgutil.iter_modules(places):
        package = f"rayingest.connectors.{each.name}"
        path = [f"{place}/{each.name}" for place in places]
        for module in pkgutil.iter_modules(path):
            if not module.name.startswith("_"):
                yield module.name, f"{package}.{module.name}:CONNECTOR"
