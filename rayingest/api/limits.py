"""The limits of a config's source: what its connector ships, and what the user says instead."""

from dataclasses import replace
from difflib import get_close_matches

from rayingest.config import Config
from rayingest.core import registry
from rayingest.core.limits import Limit
from rayingest.errors import ConfigError


def limits(config: Config) -> tuple[Limit, ...]:
    """The limits that bind. Raises ConfigError for an override of one that the connector has not."""
    shipped = {each.name: each for each in registry.load(config.connector).limits}
    for name, told in config.execution.limits.items():
        if name not in shipped:
            raise _unknown(config.connector, name, list(shipped))
        changed = {
            "rate": told.rate,
            "burst": told.burst,
            "max_concurrency": told.maxConcurrency,
            "scope": told.scope,
            "where": told.where,
        }
        given = {key: value for key, value in changed.items() if value is not None}
        shipped[name] = replace(shipped[name], **given)  # type: ignore[arg-type]
    return tuple(each for each in shipped.values() if each.binds)


def _unknown(connector: str, name: str, names: list[str]) -> ConfigError:
    near = get_close_matches(name, names, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    has = f"It has {', '.join(map(repr, names))}." if names else "It has none."
    return ConfigError(
        f"distributedExecution.limits: the connector {connector!r} has no limit {name!r}.{meant}",
        hint=f"{has} Fewer calls at once: --parallelism.",
    )
