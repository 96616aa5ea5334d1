"""What a run leaves: attempts with immutable numbered segments, and a report.

    <stateUrl>/<service>/runs/<run id>/
        run.json                        what it was begun with
        attempts/1/claim.json           taken by exclusive create: one driver per attempt (see claims)
        attempts/1/segment-000001.jsonl what was opened, listed and ended, in order
        attempts/1/deferred-000001.jsonl rows that wait for the second wave
        in-flight/1-7.json              what is being read just now (see flight)
        log/20261122-173725-000001.txt  what a submitted run said (see logbook)
        report.json

A segment is JSON lines: a header, records, and a footer with their number and CRC-32. One
without a valid footer was torn by a crash and is dropped.
"""

import os
import re
import secrets
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from rayingest.errors import StateError
from rayingest.state.claims import Claim
from rayingest.state.flight import Flight
from rayingest.state.store import LocalStore, Store, store

VERSION = "rayingest.segment/1"
BLOCK = 1000  # records that are encoded at once
FLUSH_RECORDS = 5_000
FLUSH_SECONDS = 5.0
_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines


def new_run_id(now: datetime | None = None) -> str:
    """A run id that sorts by time: `20261122-173725-4f2a91`."""
    return f"{(now or datetime.now(UTC)):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def default_url() -> str:
    """Where state is kept when nobody says: `$XDG_STATE_HOME/rayingest`, else `~/.local/state/rayingest`."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.join("~", ".local", "state")  # noqa: PTH118 - may be a URL
    return f"{base}/rayingest"


def safe(name: str) -> str:
    """A folder name for a service or run: what a file system may not like is replaced."""
    return re.sub(r"[^\w.\-]+", "_", name).strip(".") or "_"


class RunDirectory:
    """The folder of one run; written only by the driver that claimed the newest attempt."""

    def __init__(self, state_url: str, service: str, run_id: str) -> None:
        self.run_id = run_id
        self.store: Store = store(f"{state_url.rstrip('/')}/{safe(service)}/runs/{safe(run_id)}")
        self.attempt = 0
        self._claim: Claim | None = None

    @property
    def url(self) -> str:
        """Where it is, for people."""
        return self.store.url

    def claim(self, *, take_over: bool = False) -> int:
        """Take the next attempt for this process (see Claim). Raises StateError."""
        self._claim = Claim.take(self.store, take_over=take_over)
        self.attempt = self._claim.number
        return self.attempt

    def beat(self) -> None:
        """Tell that this driver is alive. Raises Superseded when another has taken the run over."""
        if self._claim is not None:
            self._claim.beat()

    def release(self, state: str) -> None:
        """Say that this driver is done. Raises StateError."""
        if self._claim is not None:
            self._claim.release(state)
            self._claim = None

    def flight(self) -> Flight | None:
        """Notes of what this attempt reads; only a folder of this machine is quick enough for them."""
        if isinstance(self.store, LocalStore):
            return Flight(self.store.root, self.attempt)
        return None

    def put_segment(self, kind: str, number: int, records: Sequence[Any]) -> str:
        """Write one immutable segment; returns its name."""
        name = f"attempts/{self.attempt}/{kind}-{number:06d}.jsonl"
        if self._claim is not None:
            self._claim.check()
        self.store.put(name, pack(records))
        return name

    def segment(self, name: str) -> Iterator[bytes]:
        """The records of a segment as JSON. Raises StateError when it is torn."""
        records = unpack(self.store.get(name))
        if records is None:
            raise self._torn(name)
        yield from records

    def intact(self, name: str) -> Iterator[bytes]:
        """The records of a segment; none when it was torn by a crash."""
        yield from unpack(self.store.get(name)) or ()

    def _torn(self, name: str) -> StateError:
        return StateError(
            f"{self.url}/{name} is incomplete: its checksum does not agree.",
            hint="Only a last segment may be torn by a crash. Start a new run.",
        )

    def records(self, kind: str = "segment") -> Iterator[bytes]:
        """The records of all segments of a kind; an attempt's last segment may be torn and is dropped."""
        names = list(self.segments(kind))
        for at, name in enumerate(names):
            last = at + 1 == len(names) or attempt_of(names[at + 1]) != attempt_of(name)
            records = unpack(self.store.get(name))
            if records is not None:
                yield from records
            elif not last:
                raise self._torn(name)

    def segments(self, kind: str = "segment") -> Iterator[str]:
        """Names of all segments of a kind, attempts in order."""
        pattern = re.compile(rf"attempts/(\d+)/{kind}-(\d+)\.jsonl")
        found = [(pattern.fullmatch(each), each) for each in self.store.names("attempts")]
        for _, name in sorted(((int(m[1]), int(m[2])), each) for m, each in found if m):
            yield name

    def put_report(self, report: bytes) -> None:
        """Keep the report beside the segments. Raises StateError, for a driver that is superseded, too."""
        if self._claim is not None:
            self._claim.check()
        self.store.put("report.json", report)


def attempt_of(name: str) -> int:
    """The attempt that wrote an object."""
    return int(name.split("/")[1])


def pack(records: Iterable[Any]) -> bytes:
    """Encode records as a segment's bytes."""
    parts = [_encode({"segment": VERSION}) + b"\n"]
    count, checksum = 0, zlib.crc32(parts[0])
    told = iter(records)
    while block := list(islice(told, BLOCK)):
        parts.append(_encode_lines(block))
        count, checksum = count + len(block), zlib.crc32(parts[-1], checksum)
    parts += (_encode({"records": count, "crc32": checksum}), b"\n")
    return b"".join(parts)


def unpack(data: bytes) -> Iterator[bytes] | None:
    """Records of a segment, None when it is torn. Raises StateError for one of another version."""
    whole = intact_body(data)
    return _lines(whole[0]) if whole is not None else None


def _lines(body: bytes) -> Iterator[bytes]:
    """All lines but the first."""
    end = body.find(b"\n")
    while end >= 0:
        start, end = end + 1, body.find(b"\n", end + 1)
        yield body[start : end if end >= 0 else len(body)]


def intact_body(data: bytes) -> tuple[bytes, int] | None:
    """A segment's head and records as they are, and how many; None when it is torn.

    Raises StateError for one of another version.
    """
    cut = data.rfind(b"\n", 0, max(0, len(data) - 1)) + 1
    try:
        footer = msgspec.json.decode(data[cut:], type=dict[str, int])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if footer.get("crc32") != zlib.crc32(memoryview(data)[:cut]):
        return None
    body = data[: max(0, cut - 1)]
    head = body[: body.find(b"\n")] if b"\n" in body else body
    if VERSION.encode() not in head:
        raise StateError(
            f"A segment says {head.decode(errors='replace')}, this rayingest reads {VERSION!r}.",
            hint="Read this run with the version of rayingest that wrote it.",
        )
    records = body.count(b"\n")
    return (body, records) if records == footer.get("records") else None


class Journal:
    """Collects records and writes a segment every 5,000 records or 5 s."""

    def __init__(self, directory: RunDirectory, kind: str = "segment") -> None:
        self.directory = directory
        self.kind = kind
        self.seconds = 0.0
        self.names: list[str] = []
        self._records: list[Any] = []
        self._weight = 0
        self._since = time.monotonic()

    def add(self, record: Any, weight: int = 1) -> None:
        """Append one record that stands for `weight` entities."""
        self._records.append(record)
        self._weight += weight

    def extend(self, records: Iterable[Any]) -> None:
        """Append records of one entity each."""
        before = len(self._records)
        self._records.extend(records)
        self._weight += len(self._records) - before

    def tick(self, *, force: bool = False) -> None:
        """Write a segment if it is time. Raises StateError."""
        now = time.monotonic()
        due = self._weight >= FLUSH_RECORDS or now - self._since >= FLUSH_SECONDS
        if not self._records or not (due or force):
            return
        started = time.thread_time()
        records, self._records, self._weight = self._records, [], 0
        self._since = now
        self.names.append(self.directory.put_segment(self.kind, len(self.names) + 1, records))
        self.seconds += time.thread_time() - started
