"""From CONFIG, --config, --set and the like to a job."""

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from rayingest.api import Job

NOTHING: Mapping[str, object] = {}


def which(config: str | None, option: str | None) -> str:
    """The config that is meant; CONFIG wins over the environment. Raises ConfigError."""
    if config and option and config != option and option != os.environ.get("RAYINGEST_CONFIG"):
        raise ConfigError(f"Two configs are given: {config} and --config {option}.")
    if found := config or option:
        return found
    raise ConfigError(
        "Which config? Name a file, or - for standard input.",
        hint="`rayingest init --source postgres -o config.yaml` writes one.",
    )


def load(
    config: str,
    *,
    sets: Iterable[str] | None = None,
    overlays: Iterable[str] | None = None,
    flags: Mapping[str, object] = NOTHING,
) -> "Job":
    """Read the config. Raises ConfigErrors."""
    from rayingest import api
    from rayingest.cli import secrecy

    given = {key: value for key, value in flags.items() if value is not None}
    job = api.load(config, overlays=filled(overlays), sets=filled(sets), flags=given)
    secrecy.remember(job.config.tree, dict(job.config.variables))
    return job


def filled(values: Iterable[str] | None) -> list[str]:
    """Values of a flag that may be repeated; empty lines of its variable are none."""
    return [each for each in values or () if each.strip()]
