"""What a caller may ask of a run, and how it is written on a command line."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from rayingest.api.plans import Plan
from rayingest.core import fqn
from rayingest.core.source import EntityDescriptor
from rayingest.errors import ConfigError
from rayingest.state.run_directory import RunDirectory


@dataclass(frozen=True)
class Wishes:
    """What a caller of `run` may ask for beside the config.

    `select` and `exclude` are globs over FQNs, names, or FQNs without the service. `timeout` is in
    seconds; `max_failures` a count (`10`) or a share (`5%`). `preview` writes nothing and keeps the
    first so many entities in `Run.preview`. A `run_id` that has begun already is gone on with;
    `again` is a run whose failures are tried again. `accept_config_change` goes on with another
    config, `take_over` though another driver may be alive. `full_refresh` writes what the sink has
    already, too; `allow_deletions` deletes what a source that hides things may only have hidden. With a `plan`
    nothing is deleted that it does not name.
    """

    run_id: str | None = None
    select: Sequence[str] = ()
    exclude: Sequence[str] = ()
    dry_run: bool = False
    preview: int | None = None
    timeout: float | None = None
    max_failures: str | None = None
    partial_ok: bool = False
    allow_untested: bool = False
    seed: int = 0
    again: RunDirectory | None = None
    accept_config_change: bool = False
    full_refresh: bool = False
    allow_deletions: bool = False
    take_over: bool = False
    plan: Plan | None = None


def parse_failures(text: str | None) -> tuple[int | None, float | None]:
    """Read `--max-failures`: a count, or a share such as `5%`. Raises ConfigError."""
    if text is None:
        return None, None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(%?)", text.strip())
    if not found or (not found[2] and "." in found[1]):
        raise ConfigError(
            f"--max-failures {text!r}: expected a number such as 10, or a share such as 5%."
        )
    return (None, float(found[1]) / 100) if found[2] else (int(found[1]), None)


def selection(
    service: str, select: Sequence[str], exclude: Sequence[str]
) -> Callable[[EntityDescriptor], bool] | None:
    """What `--select` and `--exclude` keep: globs, case-insensitive, over FQN, FQN without service, or name."""
    if not select and not exclude:
        return None
    prefix = f"{fqn.join(service)}."

    def matches(patterns: Sequence[str], descriptor: EntityDescriptor) -> bool:
        whole = descriptor.id.lower()
        spellings = (
            whole,
            whole.removeprefix(prefix.lower()),
            fqn.split(descriptor.id)[-1].lower(),
        )
        return any(fnmatch.fnmatchcase(each, one.lower()) for one in patterns for each in spellings)

    def keeps(descriptor: EntityDescriptor) -> bool:
        if exclude and matches(exclude, descriptor):
            return False
        return not select or matches(select, descriptor)

    return keeps


def parse_entities(text: str) -> list[EntityDescriptor]:
    """Descriptors from JSON: one, a list, or one a line. Raises ConfigError."""
    stripped = text.strip()
    try:
        if stripped.startswith("["):
            return msgspec.json.decode(stripped, type=list[EntityDescriptor])
        return [
            msgspec.json.decode(line, type=EntityDescriptor)
            for line in stripped.splitlines()
            if line.strip()
        ]
    except msgspec.MsgspecError as error:
        raise ConfigError(
            f"--entity: not a descriptor: {error}",
            hint="`rayingest discover CONFIG --limit 1` prints one.",
        ) from error
