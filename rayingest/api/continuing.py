"""What a run was begun with, and whether it may be gone on with: `run.json` beside its attempts."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from rayingest import __version__
from rayingest.config.secrecy import looks_secret
from rayingest.errors import ConfigError, StateError
from rayingest.execute.report import Report
from rayingest.state.run_directory import RunDirectory

NAME = "run.json"
REPORT = "report.json"
SCHEMA = "rayingest.run/1"
GONE_ON = ("select", "exclude", "dry_run")
EXECUTED = ("engine", "address", "parallelism")  # flags that hold for later attempts, too


class Origin(msgspec.Struct, frozen=True, rename="camel"):
    """Where a config came from: enough to read it again. `withheld` are `--set` keys of secrets.

    `flags` said how it was to be executed, and where.
    """

    source: str = ""
    overlays: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    flags: dict[str, Any] = {}

    @classmethod
    def of(
        cls,
        source: object,
        overlays: Iterable[object],
        sets: Iterable[str],
        flags: Mapping[str, object],
    ) -> "Origin":
        """Absolute paths, and no secrets."""
        secret: list[str] = []
        plain: list[str] = []
        for each in sets:
            key = each.partition("=")[0]
            (secret if looks_secret(tuple(key.split("."))) else plain).append(each)
        return cls(
            _absolute(source),
            tuple(_absolute(each) for each in overlays),
            tuple(plain),
            tuple(each.partition("=")[0] for each in secret),
            {each: flags[each] for each in EXECUTED if flags.get(each) is not None},
        )


class Beginning(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What `run.json` holds; nothing of it is secret.

    `relevant` is what of the config acts on what is written. `parent` is the run whose failures
    this one tries again; `planned` is all that it may delete, where a plan says so.
    """

    schema: str = SCHEMA
    run_id: str
    kind: Literal["run", "process", "retry"] = "run"
    version: str = __version__
    origin: Origin
    relevant: dict[str, Any]
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    dry_run: bool = False
    preview: bool = False
    parent: str | None = None
    planned: tuple[tuple[str, str], ...] | None = None


def read(directory: RunDirectory) -> Beginning | None:
    """How a run was begun; None when nobody has begun it. Raises StateError."""
    try:
        return msgspec.json.decode(directory.store.get(NAME), type=Beginning)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise StateError(
            f"{directory.url}/{NAME} cannot be read: {error}",
            hint="Start a new run, under another id.",
        ) from error


def begun(directory: RunDirectory) -> Beginning:
    """How a run was begun. Raises ConfigError when it was not, StateError."""
    found = read(directory)
    if found is None:
        raise ConfigError(
            f"{directory.url} says nothing of how this run began.",
            hint="Begin a new run: `rayingest run CONFIG`.",
        )
    return found


def refuse_unfinished(directory: RunDirectory) -> None:
    """Only what has ended is tried again. Raises ConfigError."""
    if finished(directory) is None:
        raise ConfigError(
            f"Run {directory.run_id} has not come to its end.",
            hint=f"Go on with it first: `rayingest resume {directory.run_id}`.",
        )


def finished(directory: RunDirectory) -> Report | None:
    """The report of a run that came to its own end; None when there is something to go on with."""
    try:
        report = msgspec.json.decode(directory.store.get(REPORT), type=Report)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return None if report.resumable else report


def write(directory: RunDirectory, beginning: Beginning) -> None:
    """Record how a run begins. Raises StateError."""
    directory.store.put(NAME, msgspec.json.format(msgspec.json.encode(beginning), indent=2))


def agree(before: Beginning, now: Beginning, *, accept_change: bool) -> bool:
    """Whether config and wishes are still those of the beginning (True), or the change is accepted.

    Raises ConfigError for what cannot be gone on with.
    """
    if before.kind == "process" or before.preview:
        what = "was a preview" if before.preview else "processed single entities"
        raise ConfigError(
            f"Run {before.run_id} {what}: there is nothing to go on with.",
            hint="Begin a new run, without --run-id.",
        )
    for wish in GONE_ON:
        if getattr(before, wish) != getattr(now, wish):
            flag = f"--{wish.replace('_', '-')}"
            raise ConfigError(
                f"Run {before.run_id} was begun with another {flag}: {_told(getattr(before, wish))}.",
                hint=f"`rayingest resume {before.run_id}` goes on as it was begun; a new run may differ.",
            )
    differing = changed(before.relevant, now.relevant)
    if differing and not accept_change:
        raise ConfigError(
            f"The config has changed since run {before.run_id} began: {', '.join(differing)}.",
            hint="--accept-config-change goes on with the new one, and deletes nothing;"
            " or begin a new run, without --run-id.",
        )
    return not differing


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(repr, value)) or "nothing"
    return "yes" if value else "no"


def changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Keys whose values differ, sorted."""
    return sorted(_changed(one, other))


def _changed(one: Any, other: Any, path: str = "") -> Iterable[str]:
    """Keys whose values differ, as `options.schemaFilterPattern.includes`."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in {*one, *other}:
            yield from _changed(one.get(key), other.get(key), f"{path}.{key}" if path else str(key))
    elif one != other:
        yield path


def plain(tree: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON gives it back: equal things are equal after a trip through a file."""
    found: dict[str, Any] = json.loads(json.dumps(tree, sort_keys=True, default=str))
    return found


def _absolute(source: object) -> str:
    text = str(source)
    return text if text == "-" or "\n" in text or "://" in text else os.path.abspath(text)  # noqa: PTH100


def state_url_of(directory: RunDirectory) -> str:
    """The state URL that a run directory lies below."""
    return directory.url.rstrip("/").rsplit("/", 3)[0]


def arguments(beginning: Beginning, sets: Sequence[str]) -> tuple[str, list[str], list[str]]:
    """Source, overlays and sets to read the config of a run again. Raises ConfigError."""
    origin = beginning.origin
    if not origin.source or origin.source == "-":
        raise ConfigError(
            f"The config of run {beginning.run_id} came from standard input.",
            hint=f"Name it: `rayingest resume {beginning.run_id} --config CONFIG`.",
        )
    given = {each.partition("=")[0] for each in sets}
    if missing := [each for each in origin.withheld if each not in given]:
        raise ConfigError(
            f"Run {beginning.run_id} was begun with --set {missing[0]}=…, whose value is not kept.",
            hint="Give it again.",
        )
    kept = [each for each in origin.sets if each.partition("=")[0] not in given]
    return origin.source, list(origin.overlays), [*kept, *sets]
