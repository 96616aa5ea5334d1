"""A sink beside another: rows are spelled as the other would have them, and kept in a file of ours."""

import sqlite3
import threading
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from rayingest.core.sink import ACKNOWLEDGED, UNCHANGED, Answer, Catalogue, Placement, Row, Sink
from rayingest.core.sink import SinkSession as Session
from rayingest.core.source import CheckResult
from rayingest.model import Entity, EntityType, Fact
from rayingest.sinks.local import ENTITIES

_TABLE = """
create table if not exists rows (
    type text, fqn text, body blob, seen integer default 0, primary key (type, fqn)
)
"""


class Kept:
    """Rows of entities by type and FQN, in one SQLite file; used by one process, by several threads."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        for each in ("pragma journal_mode = off", "pragma synchronous = off", _TABLE):
            self._database.execute(each)

    def put(self, rows: Sequence[Row]) -> None:
        """Keep rows, instead of what was kept under their names; of one with secrets what may be shown."""
        values = [(row.type, row.fqn, getattr(row, "public", b"") or row.body) for row in rows]
        with self._lock:
            self._database.execute("begin")
            self._database.executemany("insert or replace into rows values (?, ?, ?, 0)", values)
            self._database.execute("commit")

    def see(self, kind: EntityType, fqn: str) -> bytes | None:
        """The body of a row, which counts as seen from now on."""
        with self._lock:
            found = self._database.execute(
                "update rows set seen = 1 where type = ? and fqn = ? returning body",
                (kind.value, fqn),
            ).fetchone()
        return found[0] if found else None

    def types(self) -> list[EntityType]:
        """Types of what was kept."""
        with self._lock:
            rows = self._database.execute("select distinct type from rows").fetchall()
        return [EntityType(kind) for (kind,) in rows]

    def unseen(self) -> Iterator[tuple[EntityType, str]]:
        """What `see` was never asked for, in order."""
        query = "select type, fqn from rows where not seen order by type, fqn"
        with self._lock:
            rows = self._database.execute(query).fetchall()
        for kind, fqn in rows:
            yield EntityType(kind), fqn

    def close(self) -> None:
        """Close the file."""
        self._database.close()


@dataclass(frozen=True, slots=True)
class Shadow:
    """`beside`: the sink whose spelling and read side are used; `path`: the SQLite file."""

    beside: Sink
    path: str
    max_rows: int = 1000
    max_bytes: int = 8_000_000
    concurrency: int = 1
    placement: Placement = Placement.DRIVER

    @property
    def identity(self) -> str:
        """See Sink."""
        return f"shadow:{self.beside.identity}"

    @contextmanager
    def open(self, *, dry_run: bool = False) -> Generator["ShadowSession"]:
        """See Sink; the other is opened for a dry run in any case."""
        with self.beside.open(dry_run=True) as session, closing(Kept(self.path)) as kept:
            yield ShadowSession(session, kept)

    def check(self) -> Iterator[CheckResult]:
        """See Sink."""
        return self.beside.check()


class ShadowSession:
    """Writes entities into the file; facts are acknowledged and not kept."""

    def __init__(self, session: Session, kept: Kept) -> None:
        self._session, self._kept = session, kept

    def encode(self, entity: Entity) -> Row:
        """See SinkSession."""
        return self._session.encode(entity)

    def encode_fact(self, fact: Fact) -> Row:
        """See SinkSession."""
        return self._session.encode_fact(fact)

    def without(self, row: Row, missing: Sequence[str]) -> Row:
        """See SinkSession."""
        return self._session.without(row, missing)

    def write(self, entity_type: str, rows: Sequence[Row]) -> Sequence[Answer]:
        """Keep rows."""
        if entity_type in ENTITIES:
            self._kept.put(rows)
        return [ACKNOWLEDGED] * len(rows)

    def delete(
        self,
        entity_type: str,
        fqns: Sequence[str],
        *,
        scope: str,
        seen: Collection[str] | None = None,
    ) -> Sequence[Answer]:
        """Nothing is deleted."""
        return [UNCHANGED] * len(fqns)

    @property
    def catalogue(self) -> Catalogue | None:
        """The other sink's read side."""
        return self._session.catalogue

    @property
    def calls(self) -> int:
        """Requests at the other sink."""
        return self._session.calls
