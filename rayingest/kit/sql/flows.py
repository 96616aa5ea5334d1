"""Lineage that a database has recorded itself: which table was filled from which, looked up in the catalogue.

Databricks keeps such tables, and others do. A connector's function yields the names; everything
else is the same for all: what the patterns keep, FQNs, one edge for each pair, the word to `check`.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

from rayingest.config.options import DatabaseLineage
from rayingest.core import fqn
from rayingest.core.source import (
    Capability,
    CheckResult,
    Described,
    EntityDescriptor,
    Listed,
    Settings,
)
from rayingest.errors import ConfigError, Denied, RayingestError, Unauthorised, Unreachable
from rayingest.kit.sql.known import Known
from rayingest.kit.sql.lineage import Columns, edge
from rayingest.kit.sql.listing import Tally
from rayingest.model import EntityType

KEYS = ("processQueryLineage", "queryLogDuration")
SCOPE = "recorded lineage"  # of the listing; no database is called so: FQNs begin with a service
LEVELS = (EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE)
Path = tuple[str, ...]  # database, schema, table: the names below the service
Moves = dict[str, dict[str, set[tuple[str, str]]]]
_log = logging.getLogger(__name__)


class Flow(NamedTuple):
    """A table was filled from another, and perhaps one column of it from one of the other's.

    The same pair may come many times, with other columns or with none.
    """

    source: Path
    target: Path
    source_column: str | None = None
    target_column: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """How a connector reads them: on its open session, for so many days back.

    `missing` says why this config can have none, with what mends it; None where it can.
    """

    flows: Callable[[Any, int], Iterator[Flow]]
    missing: Callable[[Settings], tuple[str, str] | None]


def wanted(recorded: Recorded | None, settings: Settings) -> Recorded | None:
    """What is recorded, where the config asks for it and can have it."""
    options: DatabaseLineage = settings.options
    if recorded is None or not options.processQueryLineage or recorded.missing(settings):
        return None
    return recorded


def say_what_is_missing(recorded: Recorded | None, settings: Settings) -> None:
    """Tell whoever asks for recorded lineage and gets none."""
    options: DatabaseLineage = settings.options
    if recorded is None:
        unused = [each for each in KEYS if each in options.model_fields_set]
        if unused:
            _log.warning("Not used, lineage is of views alone here: %s.", ", ".join(unused))
    elif options.processQueryLineage and (missing := recorded.missing(settings)):
        _log.warning("%s %s", *missing)


def listing(
    flows: Iterable[Flow], settings: Settings, known: Known, others: Sequence[str], told: bool
) -> Iterator[Listed]:
    """An answer for each table that was filled, with all its edges.

    With `told`, the edges of views come out of their texts: what was recorded of them is left out,
    for the catalogue has one edge between two tables, and the text says more.
    """
    tally = Tally(EntityType.TABLE, SCOPE)
    for target, sources in sorted(_looked_up(flows, settings, known, others).items()):
        if told and target in known.views:
            continue
        if not _keeps(settings, target):
            tally.filtered += 1
            continue
        tally.count += 1
        facts = [
            edge(target, source, _columns(pairs, source, target, known), "QueryLineage")
            for source, pairs in sorted(sources.items())
        ]
        # Not the table's own id: it may have become a view since the catalogue saw it.
        identity = fqn.child(target, SCOPE)
        yield Described(EntityDescriptor(EntityType.TABLE, identity, SCOPE), (), facts)
    yield tally.end(partial="of recorded lineage only the last days are read")


def checked(
    recorded: Recorded | None,
    connect: Callable[[], AbstractContextManager[Any]],
    settings: Settings,
) -> Iterator[CheckResult]:
    """Try to read those of the last day; who could not connect at all has been told."""
    options: DatabaseLineage = settings.options
    if recorded is None or not options.processQueryLineage:
        return
    if missing := recorded.missing(settings):
        yield CheckResult(Capability.LINEAGE, "warning", *missing)
        return
    try:
        with connect() as source:
            found = next(recorded.flows(source, 1), None)
    except (Unauthorised, Unreachable, ConfigError):
        return
    except Denied as error:
        yield CheckResult(Capability.LINEAGE, "denied", str(error), error.hint)
    except RayingestError as error:
        yield CheckResult(Capability.LINEAGE, "failed", str(error), error.hint)
    else:
        what = "some" if found else "none"
        yield CheckResult(Capability.LINEAGE, "ok", f"recorded in the last day: {what}")


def _looked_up(
    flows: Iterable[Flow], settings: Settings, known: Known, others: Sequence[str]
) -> Moves:
    """By FQN of the table that was filled, and of the one that it was filled from: pairs of columns."""
    services = (settings.service, *others)
    places: dict[Path, str] = {}
    moves: Moves = defaultdict(lambda: defaultdict(set))
    for each in flows:
        for path in (each.source, each.target):
            if path not in places:
                places[path] = known.place(path, services)
        source, target = places[each.source], places[each.target]
        if source == target:
            continue
        pairs = moves[target][source]
        if each.source_column and each.target_column:
            pairs.add((each.target_column, each.source_column))
    return moves


def _columns(pairs: Iterable[tuple[str, str]], source: str, target: str, known: Known) -> Columns:
    """By column of the target those that it was filled from; what is not certain has no origin."""
    found: Mapping[str, set[str]] = defaultdict(set)
    for into, out_of in pairs:
        ends = known.column(target, into), known.column(source, out_of)
        if ends[0] is not None and ends[1] is not None:
            found[ends[0]].add(ends[1])
    return [(column, tuple(sorted(origins))) for column, origins in sorted(found.items())]


def _keeps(settings: Settings, target: str) -> bool:
    """Whether the patterns keep a table and what it is in."""
    parts = fqn.split(target)
    return all(
        settings.filters.keeps(kind, parts[at], fqn.join(*parts[: at + 1]))
        for at, kind in enumerate(LEVELS, 1)
        if at < len(parts)
    )
