"""Looking for entities without running: listings, names, filters."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from rayingest.config import Config
from rayingest.core import fqn, registry
from rayingest.core.filters import Verdict
from rayingest.core.source import EntityDescriptor, ScopeListed, ScopeOpened
from rayingest.errors import ConfigError, Denied, Gone, Permanent
from rayingest.execute.report import Report
from rayingest.model import EntityType


def listing(config: Config) -> Iterator[object]:
    """Everything that discovery yields, listing after listing."""
    connector = registry.load(config.connector)
    settings = config.settings
    context = connector.prepare(settings, None)
    with connector.open(settings, context) as source:
        wanted: list[tuple[EntityType, str | None]] = [
            (each, None) for each in connector.types if each not in connector.listed_by
        ]
        seen = set(wanted)
        while wanted:
            entity_type, scope = wanted.pop(0)
            try:
                for item in source.discover_entities(entity_type, scope):
                    if isinstance(item, ScopeOpened) and (item.type, item.scope) not in seen:
                        seen.add((item.type, item.scope))
                        wanted.append((item.type, item.scope))
                    yield item
            except (Denied, Gone, Permanent) as error:  # of this scope; others can be listed
                if scope is None:
                    raise
                yield ScopeListed(entity_type, scope, 0, complete=False, why=str(error))


def find(
    config: Config, names: Sequence[str], discovered: Iterable[EntityDescriptor]
) -> list[EntityDescriptor]:
    """Descriptors by FQN, with or without the service's name. Raises ConfigError for unknown ones."""
    prefix = f"{fqn.join(config.service)}."
    wanted = {name.removeprefix(prefix): name for name in names}
    found: dict[str, list[EntityDescriptor]] = {}
    seen: list[str] = []
    for each in discovered:
        short = each.id.removeprefix(prefix)
        if short in wanted:
            found.setdefault(short, []).append(each)
        seen.append(short)
    for short, name in wanted.items():
        if short not in found:
            raise _not_found(name, short, seen)
    return [each for short in wanted for each in found[short]]


def explain(config: Config, name: str) -> list[tuple[EntityType, Verdict]]:
    """Which filter keeps or drops a name (bare, or an FQN with or without the service)."""
    filters = config.settings.filters
    service = fqn.join(config.service)
    whole = name if name.startswith(f"{service}.") else f"{service}.{name}"
    parts = fqn.split(whole)[1:]
    connector = registry.load(config.connector)
    levels = [each for each in connector.types if each in set(connector.dependencies.values())]
    leaves = [each for each in connector.types if each not in levels]
    told = []
    if len(parts) > 1:
        for depth, (level, part) in enumerate(zip(levels, parts[:-1], strict=False), 1):
            told.append(
                (
                    level,
                    filters.judge(level, part, fqn.join(config.service, *parts[:depth])),
                )
            )
    told += [
        (leaf, filters.judge(leaf, parts[-1], whole))
        for leaf in (leaves if len(parts) != 2 or len(levels) < 2 else connector.types)
    ]
    return told


def zero_hint(config: Config, report: Report) -> str | None:
    """What to look at when nothing was discovered but containers."""
    connector = registry.load(config.connector)
    services = (each for each in EntityType if each.value.endswith("Service"))
    containers = {*services, *connector.dependencies.values()}
    found = {EntityType(kind) for kind, book in report.types.items() if book["discovered"]}
    if found - containers:
        return None
    given = config.settings.filters.patterns.items()
    guilty = [each.key for kind, each in given if report.filtered.get(kind.value)]
    patterns = ", ".join(guilty or [each.key for _, each in given])
    return f"Nothing was discovered: check {patterns or 'the database name and the account’s rights'} (`rayingest discover --explain NAME` says what a filter does)."


def _not_found(name: str, short: str, seen: Sequence[str]) -> ConfigError:
    near = get_close_matches(short, seen, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return ConfigError(
        f"Discovery finds no entity {name!r}.{meant}",
        hint=f"`rayingest discover CONFIG --explain {shlex.quote(short)}` says whether a filter drops it.",
    )
