"""Which state belongs to a config, and what a run may do with it."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rayingest import sinks
from rayingest.api.wishes import Wishes
from rayingest.config import Config
from rayingest.core import registry
from rayingest.core.source import Capability
from rayingest.execute.knowing import Memory
from rayingest.sinks import spelling
from rayingest.state import shard
from rayingest.state.deletions import OPTIONS, Obstacle
from rayingest.state.known import KnownState
from rayingest.state.run_directory import default_url
from rayingest.state.tokens import Window


def memory(config: Config, asked: Wishes, run_id: str, *, few: bool, changed: bool) -> Memory:
    """What earlier runs know, and what this one may do with it.

    `few`: it looks at single entities; `changed`: it goes on with another config.
    """
    options = config.options
    connector = registry.load(config.connector)
    return Memory(
        state=known_state(config),
        context=shard.context(spelling.MAPPING.decode(), shaping(config)),
        run_id=run_id,
        compare=not (few or asked.full_refresh or getattr(options, "overrideMetadata", False)),
        obstacle=_obstacle(asked, few=few, changed=changed),
        mark_deleted={kind: bool(getattr(options, name, False)) for kind, name in OPTIONS.items()},
        filters=config.settings.filters,
        dependencies=connector.dependencies,
        hides=connector.listing_hides,
        allow_deletions=asked.allow_deletions,
        window=_window(config),
        day=_today() if _counts_uses(config) else None,
    )


def _counts_uses(config: Config) -> bool:
    """Whether anybody tells uses, and is wanted to."""
    tells = Capability.USAGE in registry.load(config.connector).capabilities
    return tells and bool(getattr(config.options, "includeUsage", False))


def _today() -> date:
    """The day of a run, as the catalogue counts days; it stays the same until its end."""
    return datetime.now(UTC).date()


def _window(config: Config) -> Window | None:
    """How long descriptions are believed, in an incremental run; with another connection none is."""
    wanted = getattr(config.options, "incremental", None)
    if wanted is None or not wanted.enabled:
        return None
    reader = json.dumps(config.relevant()["connection"], sort_keys=True, default=str)
    return Window(_today(), wanted.lookbackDays, reader)


def known_state(config: Config) -> KnownState:
    """What is known of this config's service in its sink. Raises ConfigError, StateError."""
    return KnownState.open(
        config.execution.state_url or default_url(),
        config.service,
        sinks.build(config).identity,
        config.ingestion_pipeline_fqn or Path(config.name).name,
        mapping=spelling.MAPPING.decode(),
    )


def shaping(config: Config) -> dict[str, Any]:
    """The options that shape what is written: not those that choose, delete, count, or save reading."""
    options: dict[str, Any] = config.relevant()["options"]
    return {
        key: value
        for key, value in options.items()
        if not key.startswith("markDeleted")
        and not key.endswith("FilterPattern")
        and key not in ("incremental", "includeUsage")
    }


def _obstacle(asked: Wishes, *, few: bool, changed: bool) -> Obstacle | None:
    """Why a run deletes nothing, whatever it finds."""
    if asked.again is not None:
        return Obstacle.RETRY
    if few or asked.select or asked.exclude:
        return Obstacle.SELECTION
    return Obstacle.CONFIG_CHANGED if changed else None
