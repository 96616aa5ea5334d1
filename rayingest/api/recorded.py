"""What runs left behind: which there are, how each ended, what is known of one that has not."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from rayingest.errors import StateError
from rayingest.execute.audit import books
from rayingest.execute.events import Result
from rayingest.execute.report import SCHEMA, Errors, Report
from rayingest.state.claims import Holder
from rayingest.state.run_directory import RunDirectory, attempt_of, safe
from rayingest.state.store import Store, store

UNFINISHED, UNREADABLE = "unfinished", "unreadable"
FINISHED = ("success", "partialSuccess", "failed")
_FILE = re.compile(r"([^/]+)/runs/([^/]+)/(report\.json|attempts/\d+/[^/]+)")
_CLAIM = re.compile(r"attempts/(\d+)/claim\.json")
_TIME = re.compile(r"(\d{8}-\d{6})-[0-9a-f]{6}")


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One run that was recorded.

    `state` is that of the report; `unfinished` while its newest attempt has none, `unreadable` when
    nobody can read it. A `resumable` run has ended, but not by itself. `counts` are descriptors.
    """

    id: str
    service: str
    state: str
    started: datetime | None = None
    seconds: float | None = None
    counts: dict[str, int] = {}
    url: str = ""
    attempts: int = 1
    resumable: bool = False

    @property
    def finished(self) -> bool:
        """Whether it came to its own end."""
        return self.state in FINISHED and not self.resumable


@dataclass
class Traces:
    """A run directory as the names in it tell it; `service` and `id` are its folders."""

    service: str
    id: str
    names: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Where it is below the state URL."""
        return f"{self.service}/runs/{self.id}"

    @property
    def attempts(self) -> int:
        """The newest attempt's number; 0 for what is no run directory."""
        found = (_CLAIM.fullmatch(each) for each in self.names)
        return max((int(each[1]) for each in found if each), default=0)


def traces(place: Store, service: str | None = None) -> list[Traces]:
    """All run directories below a state URL, by nothing but names."""
    found: dict[tuple[str, str], Traces] = {}
    for name in place.names(f"{safe(service)}/runs" if service else ""):
        if parts := _FILE.fullmatch(name):
            made = found.setdefault((parts[1], parts[2]), Traces(parts[1], parts[2]))
            made.names.append(parts[3])
    return [each for each in found.values() if each.attempts]


def recorded(
    state_url: str, service: str | None = None, *, limit: int | None = None
) -> list[Recorded]:
    """Runs, newest first. Reads names and reports; with a `limit` not many more than so many."""
    place = store(state_url)
    found = traces(place, service)
    if limit is not None:
        found = _newest(found, limit)
    told = [_recorded(place, each) for each in found]
    return sorted(told, key=_order, reverse=True)[:limit]


def _newest(found: Iterable[Traces], limit: int) -> list[Traces]:
    """All that may be among the newest: where the id holds no time, the report must be read."""
    timed = [(_time(each.id), each) for each in found]
    times = sorted((time for time, _ in timed if time is not None), reverse=True)
    if len(times) < limit:
        return [each for _, each in timed]
    return [each for time, each in timed if time is None or time >= times[limit - 1]]


def _order(run: Recorded) -> tuple[datetime, datetime]:
    """When it began: an id holds whole seconds, the report decides between those that are equal."""
    never = datetime.min.replace(tzinfo=UTC)
    return _time(run.id) or run.started or never, run.started or never


def _time(run_id: str) -> datetime | None:
    """The time in an id, where it holds one."""
    if (found := _TIME.fullmatch(run_id)) is None:
        return None
    try:
        return datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _recorded(place: Store, run: Traces) -> Recorded:
    told = Recorded(
        id=run.id,
        service=run.service,
        state=UNFINISHED,
        url=f"{place.url}/{run.path}",
        attempts=run.attempts,
    )
    try:
        report = _report(place.get(f"{run.path}/report.json"), run.path)
    except FileNotFoundError:
        return replace(told, resumable=True, started=_time(run.id) or _claimed(place, run))
    except (OSError, StateError):
        return replace(told, state=UNREADABLE, started=_time(run.id) or _claimed(place, run))
    told = replace(
        told,
        service=report.service or run.service,
        started=_read_time(report.started_at) or _time(run.id),
        resumable=report.resumable,
    )
    if report.attempt < run.attempts:
        return replace(told, resumable=True)
    return replace(told, state=report.state, seconds=report.seconds.total, counts=_sums(report))


def _sums(report: Report) -> dict[str, int]:
    """The descriptors' book over all types."""
    sums: Counter[str] = Counter()
    for book in report.types.values():
        sums.update(book)
    return dict(sums)


def _read_time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _claimed(place: Store, run: Traces) -> datetime | None:
    """When the first attempt was taken."""
    claims = (each for each in run.names if _CLAIM.fullmatch(each))
    first = min(claims, key=attempt_of)
    at = _holder(place, f"{run.path}/{first}").at
    return datetime.fromtimestamp(at, UTC) if at else None


def _holder(place: Store, name: str) -> Holder:
    try:
        return msgspec.json.decode(place.get(name), type=Holder)
    except (msgspec.MsgspecError, OSError, StateError):
        return Holder()


# --- one run ---


def report_bytes(directory: RunDirectory) -> bytes:
    """The report of a run as it was written. Raises StateError when it has none."""
    try:
        return directory.store.get("report.json")
    except FileNotFoundError:
        raise StateError(
            f"Run {directory.run_id} has no report: it has not ended, or was cut off.",
            hint=f"`rayingest runs show {directory.run_id}` says what is known of it.",
        ) from None


def stored(directory: RunDirectory) -> Report | None:
    """The report of a run's newest attempt; None while that has none. Raises StateError."""
    try:
        report = _report(directory.store.get("report.json"), directory.url)
    except FileNotFoundError:
        return None
    return report if report.attempt >= _attempts(directory) else None


def _attempts(directory: RunDirectory) -> int:
    found = map(_CLAIM.fullmatch, directory.store.names("attempts"))
    return max((int(each[1]) for each in found if each), default=0)


def _report(data: bytes, where: str) -> Report:
    try:
        report = msgspec.json.decode(data, type=Report)
    except msgspec.MsgspecError as error:
        raise StateError(
            f"{where}/report.json is no report: {error}.",
            hint="The segments beside it are not touched by that; run again for a new report.",
        ) from error
    if report.schema != SCHEMA:
        raise StateError(
            f"{where}/report.json says {report.schema!r}, this rayingest reads {SCHEMA!r}.",
            hint="Look at this run with the version of rayingest that wrote it.",
        )
    return report


class _Found(msgspec.Struct):
    """A descriptor, as far as it has a name."""

    type: str
    id: str


_FOUND = msgspec.json.Decoder(tuple[str, _Found])
_ENDED = msgspec.json.Decoder(tuple[str, str, Result])


def entities(directory: RunDirectory) -> Iterator[tuple[str, str, Result | None]]:
    """Every entity's type and id, as it was found (no result) and as it ended. Raises StateError."""
    for record in directory.records():
        if record.startswith((b'["opened"', b'["told"')):
            found = _FOUND.decode(record)[1]
            yield found.type, found.id, None
        elif record.startswith(b'["ended"'):
            _, kind, result = _ENDED.decode(record)
            yield kind, result.id, result


def standing(directory: RunDirectory) -> Report:
    """What the segments of a run without a report tell, as a report of one that stopped. Raises StateError."""
    errors = Errors()
    for _, name, result in entities(directory):
        if result is not None and result.why is not None and result.status != "skipped":
            errors.add(result.why, name)
    ledger = books(directory).ledger
    types = {kind: book | {"open": ledger.open(kind)} for kind, book in ledger.types().items()}
    good = ledger.total("ok") + ledger.total("unchanged")
    left = sum(book["open"] for book in types.values())
    return Report(
        run_id=directory.run_id,
        state="stopped",
        verdict=f"Unfinished: {good:,} of {ledger.discovered.total():,} entities found so far were "
        f"ingested, {left:,} have no end.",
        types=types,
        entities=ledger.entities(),
        filtered=dict(ledger.filtered),
        errors=errors.sorted(),
        unresolved=ledger.unresolved,
        run_directory=directory.url,
        warnings=[_life(directory)],
    )


def _life(directory: RunDirectory) -> str:
    """Who writes it, and the last that was heard of that."""
    newest = _attempts(directory)
    holder = _holder(directory.store, f"attempts/{newest}/claim.json")
    heard = None
    with suppress(StateError):  # not every storage says when something was written
        heard = last_sign(directory)
    said = f"{heard:%Y-%m-%d %H:%M:%S} UTC" if heard else "unknown"
    return f"Attempt {newest} was taken by {holder}; its last sign of life: {said}."


def last_sign(directory: RunDirectory) -> datetime | None:
    """When a driver of it last wrote anything, by the store's clock. Raises StateError."""
    last = max(directory.store.times("attempts").values(), default=0.0)
    return datetime.fromtimestamp(last, UTC) if last else None


def opened(url: str) -> RunDirectory:
    """The run directory at a URL or path, wherever that is; it need not lie below a state URL."""
    place = store(url.rstrip("/"))
    directory = RunDirectory("", "", place.url.rpartition("/")[2])
    directory.store = place
    return directory


def directory_of(run: Recorded, state_url: str) -> RunDirectory:
    """Where a run is, by the URL that was given: `run.url` is for people, and holds no secret."""
    return opened("/".join((state_url.rstrip("/"), *run.url.split("/")[-3:])))
