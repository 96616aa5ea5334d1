"""Runs that were recorded: find one, list them, compare two, clean up."""

import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from rayingest.api.differences import Differences, TypeDifferences, differences
from rayingest.api.recorded import (
    Recorded,
    Traces,
    directory_of,
    last_sign,
    opened,
    recorded,
    report_bytes,
    standing,
    stored,
    traces,
)
from rayingest.errors import ConfigError, StateError
from rayingest.state.run_directory import RunDirectory, default_url, safe
from rayingest.state.store import LocalStore, store

__all__ = [
    "Differences",
    "Recorded",
    "TypeDifferences",
    "differences",
    "find",
    "prune",
    "recorded",
    "report_bytes",
    "standing",
    "stored",
]
LATEST = "latest"
REST = timedelta(hours=24)  # what has given a sign of life since may be under way, or be resumed
MANY = 5  # candidates that an error names
LIST = "`rayingest runs list` lists them; --state-url names another place."


def find(text: str, *, state_url: str | None = None, service: str | None = None) -> RunDirectory:
    """The run that is meant: an id, the beginning of one, `latest`, or a run directory. Raises ConfigError."""
    state_url = (state_url or default_url()).rstrip("/")
    place = store(state_url)
    if text == LATEST:
        for newest in recorded(state_url, service, limit=1):
            return directory_of(newest, state_url)
        raise _unknown(text, place.url, service, [])
    found = traces(place, service)
    exact = [each for each in found if each.id == safe(text)]
    fits = exact or [each for each in found if text and each.id.startswith(text)]
    if len(fits) == 1:
        return opened(f"{state_url}/{fits[0].path}")
    if fits:
        raise _ambiguous(text, fits)
    if "/" in text or text.startswith(("~", ".")):
        return _at(text)
    raise _unknown(text, place.url, service, found)


def _at(path: str) -> RunDirectory:
    directory = opened(path)
    if any(name.endswith("/claim.json") for name in directory.store.names("attempts")):
        return directory
    raise ConfigError(f"There is no run directory {directory.url}.", hint=LIST)


def _unknown(text: str, url: str, service: str | None, found: Sequence[Traces]) -> ConfigError:
    whose = f" of service {service!r}" if service else ""
    if not found:
        return ConfigError(
            f"No run{whose} is recorded in {url}.",
            hint="Runs are where `stateUrl` of the config says: name that place with --state-url.",
        )
    near = get_close_matches(text, {each.id for each in found}, n=3)
    meant = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return ConfigError(f"There is no run {text!r}{whose} in {url}.{meant}", hint=LIST)


def _ambiguous(text: str, fits: Sequence[Traces]) -> ConfigError:
    names = sorted(f"{each.id} ({each.service})" for each in fits)
    rest = len(names) - MANY
    shown = ", ".join(names[:MANY]) + (f" and {rest} more" if rest > 0 else "")
    more = "--service says which" if len({each.id for each in fits}) == 1 else "write more of it"
    return ConfigError(
        f"{text!r} may be any of {len(fits)} runs: {shown}.",
        hint=f"Please {more}; `rayingest runs list` lists them.",
    )


# --- cleaning up ---


def prune(
    state_url: str,
    service: str | None = None,
    *,
    keep: int | None = None,
    older_than: float | None = None,
    dry_run: bool = False,
) -> list[Recorded]:
    """Delete runs that are neither among the newest `keep` of their service nor younger than so many days.

    The newest finished run of a service stays, and so does what may still be under way. Answers what
    was, or would have been, deleted. Raises ConfigError without a bound, StateError.
    """
    if keep is None and older_than is None:
        raise ConfigError(
            "Which runs may go? Nothing is deleted without a bound.",
            hint="--keep N keeps the newest N of each service, --older-than DAYS the younger ones.",
        )
    if (keep or 0) < 0 or (older_than or 0) < 0:
        raise ConfigError("What is to be kept cannot be less than nothing.")
    services: defaultdict[str, list[Recorded]] = defaultdict(list)
    for each in recorded(state_url, service):
        services[each.url.removesuffix(f"/{each.id}")].append(each)
    now = datetime.now(UTC)
    before = now - timedelta(days=older_than) if older_than is not None else None
    going = [
        each
        for runs in services.values()
        for each in _beyond(runs, keep or 0, before)
        if each.finished or _at_rest(each, directory_of(each, state_url), now)
    ]
    if not dry_run:
        _delete_all(going, state_url)
    return going


def _beyond(runs: Sequence[Recorded], keep: int, before: datetime | None) -> Iterator[Recorded]:
    """The runs of one service, newest first, that the bounds do not keep."""
    newest = next((each for each in runs if each.finished), None)
    for each in runs[keep:]:
        young = before is not None and (each.started is None or each.started >= before)
        if each is not newest and not young:
            yield each


def _at_rest(run: Recorded, directory: RunDirectory, now: datetime) -> bool:
    """Whether a run that is not finished has given no sign of life for a day."""
    try:
        heard = last_sign(directory)
    except StateError:
        return False  # nobody can say
    return heard is not None and max(heard, run.started or heard) < now - REST


def _delete_all(runs: Sequence[Recorded], state_url: str) -> None:
    """Delete each; one that cannot be deleted costs no other."""
    failed: list[str] = []
    for each in runs:
        try:
            _delete(directory_of(each, state_url))
        except (OSError, StateError) as error:
            failed.append(f"{each.url}: {getattr(error, 'strerror', None) or error}")
    if failed:
        raise StateError(
            f"{len(failed)} of {len(runs)} runs could not be deleted. {failed[0]}.",
            hint="Whoever started a run may delete it.",
        )


def _delete(directory: RunDirectory) -> None:
    """What says that this is a run goes last: whoever is interrupted here can do it again."""
    for name in sorted(directory.store.names(), key=_place):
        directory.store.delete(name)
    if isinstance(directory.store, LocalStore):  # there are folders too, and what a crash left open
        with suppress(FileNotFoundError):
            shutil.rmtree(directory.store.root)


def _place(name: str) -> tuple[bool, bool]:
    return name.endswith("/claim.json"), name == "report.json"
