"""Write entities into SQLite, and delete them: one transaction per batch, what is equal is left alone."""

import sqlite3
import threading
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from rayingest.core.sink import ACKNOWLEDGED, UNCHANGED, Answer, Row
from rayingest.errors import ConfigError, SinkDown
from rayingest.model import Fact
from rayingest.sinks import wire
from rayingest.sinks.local import LocalSpelling, unreadable
from rayingest.sinks.sql import schema
from rayingest.sinks.sql.catalogue import SqlCatalogue

_BAD_ROW = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    OverflowError,
    UnicodeError,
    msgspec.DecodeError,
)


class SqlSession(LocalSpelling):
    """One connection, used by one thread at a time."""

    def __init__(self, path: Path, *, dry_run: bool) -> None:
        self._path, self._dry_run = path, dry_run
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self.calls = 0
        self.catalogue = SqlCatalogue(self.ask)

    def write(self, entity_type: str, rows: Sequence[Row]) -> Sequence[Answer]:
        """Upsert rows of one type. Raises SinkDown when the file cannot be written."""
        with self._lock:
            try:
                return self._write(entity_type, rows)
            except _BAD_ROW:  # one of them spoilt the transaction: find it
                return [self._alone(entity_type, row) for row in rows]

    def delete(
        self,
        entity_type: str,
        fqns: Sequence[str],
        *,
        scope: str,
        seen: Collection[str] | None = None,
    ) -> Sequence[Answer]:
        """Delete entities, all below them, and the facts about any of these, in one transaction.

        Raises SinkDown when the file cannot be written.
        """
        home = schema.HOMES.get(entity_type, "facts")
        question = f"SELECT fqn FROM {home} WHERE {schema.AMONG}"  # noqa: S608
        present = {name for (name,) in self.ask(question, _json(fqns))}
        if present and not self._dry_run:
            with self._lock:
                self._delete(entity_type, list(present))
        return [ACKNOWLEDGED if fqn in present else UNCHANGED for fqn in fqns]

    def ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of an answer; none where a dry run would have to make the file."""
        with self._lock, _telling(self._path):
            if self._dry_run and not self._path.exists():
                return []
            self.calls += 1
            return self.connect().execute(question, values).fetchall()

    def connect(self) -> sqlite3.Connection:
        """The connection, made on first use. Raises SinkDown or ConfigError."""
        if self._connection is None:
            with _telling(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                made = sqlite3.connect(
                    self._path, timeout=30, isolation_level=None, check_same_thread=False
                )
                try:
                    _prepare(made, self._path)
                except BaseException:
                    made.close()
                    raise
                self._connection = made
        return self._connection

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _alone(self, entity_type: str, row: Row) -> Answer:
        try:
            return self._write(entity_type, [row])[0]
        except _BAD_ROW as error:
            return Answer("refused", f"{row.type} {row.fqn!r}: {type(error).__name__}: {error}")

    def _write(self, entity_type: str, rows: Sequence[Row]) -> list[Answer]:
        refusals = [unreadable(row) for row in rows]
        good = {row.fqn: row for row, refused in zip(rows, refusals, strict=True) if not refused}
        if self._dry_run:
            _records(entity_type, list(good.values()))
            return [refused or ACKNOWLEDGED for refused in refusals]
        held = self._held(entity_type, good)
        same = {fqn for fqn, hashed in held.items() if good[fqn].hash == hashed}
        if len(same) < len(good):
            records = _records(entity_type, [row for row in good.values() if row.fqn not in same])
            self._replace(entity_type, [fqn for fqn in held if fqn not in same], records)
        return [
            refused or (UNCHANGED if row.fqn in same else ACKNOWLEDGED)
            for row, refused in zip(rows, refusals, strict=True)
        ]

    def _held(self, entity_type: str, rows: dict[str, Row]) -> dict[str, str]:
        """FQN -> hash of those of the rows that are here already."""
        home = schema.HOMES.get(entity_type, "facts")
        statement = f"SELECT fqn, hash FROM {home} WHERE {schema.AMONG}"  # noqa: S608
        with _telling(self._path):
            self.calls += 1
            return dict(self.connect().execute(statement, [_json(rows)]).fetchall())

    def _replace(self, entity_type: str, old: list[str], records: schema.Records) -> None:
        with self._transaction() as connection:
            self._clear(connection, entity_type, old)
            for table, values in records.by_table.items():
                _insert(connection, table, values)

    def _delete(self, entity_type: str, fqns: list[str]) -> None:
        with self._transaction() as connection:
            gone = {kind: _below(connection, home, fqns) for kind, home in schema.HOMES.items()}
            gone[entity_type] = [*gone.get(entity_type, ()), *fqns]
            for kind, names in gone.items():
                self._clear(connection, kind, names)
                connection.execute(schema.FACTS_ABOUT, [kind, _json(names)])

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        connection = self.connect()
        with _telling(self._path):
            self.calls += 1
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _clear(self, connection: sqlite3.Connection, entity_type: str, fqns: list[str]) -> None:
        if not fqns:
            return
        home = schema.HOMES.get(entity_type, "facts")
        keys = [(fqn,) for fqn in fqns]
        connection.executemany(f"DELETE FROM {home} WHERE fqn = ?", keys)  # noqa: S608
        column, tables = schema.DETAILS.get(entity_type, ("", ()))
        for table in tables:
            statement = f"DELETE FROM {table} WHERE {column} = ?"  # noqa: S608
            connection.executemany(statement, keys)
        for table in schema.OF_ENTITY:
            statement = f"DELETE FROM {table} WHERE entity_type = ? AND entity_fqn = ?"  # noqa: S608
            connection.executemany(statement, [(entity_type, fqn) for fqn in fqns])


def _json(names: Collection[str]) -> str:
    return msgspec.json.encode(list(names)).decode()


def _below(connection: sqlite3.Connection, home: str, fqns: list[str]) -> list[str]:
    found = connection.execute(schema.BELOW.format(home=home), [_json(fqns)])
    return [name for (name,) in found]


def _insert(connection: sqlite3.Connection, table: str, values: list[tuple[Any, ...]]) -> None:
    if not values:
        return
    # A source may tell an owner or a tag twice; everything else has been cleared before.
    verb = "INSERT OR IGNORE" if table in schema.OF_ENTITY else "INSERT"
    marks = ",".join("?" * len(values[0]))
    connection.executemany(f"{verb} INTO {table} VALUES ({marks})", values)


def _records(entity_type: str, rows: Sequence[Row]) -> schema.Records:
    made = schema.Records()
    kind = wire.REQUESTS.get(entity_type)
    for row in rows:
        if kind is not None:
            request = msgspec.json.decode(row.body, type=kind)
            schema.records(entity_type, row.fqn, row.hash, request, made)
        else:
            fact = msgspec.json.decode(row.body, type=Fact)
            payload = msgspec.json.encode(fact.payload).decode()
            target = (fact.target_type.value, fact.target_fqn)
            made.add("facts", row.fqn, fact.kind, *target, fact.key, payload, row.hash)
    return made


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # what is acknowledged survives a power cut
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA wal_autocheckpoint = 8000")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    newest = len(schema.STEPS)
    if version == newest:
        return
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version > newest or bool(version) != bool(tables):
        raise ConfigError(
            f"{path} is not a catalogue of this version of rayingest.",
            hint="Choose another path, or remove the file.",
        )
    connection.executescript(
        f"BEGIN IMMEDIATE; {''.join(schema.STEPS[version:])} PRAGMA user_version = {newest}; COMMIT;"
    )


@contextmanager
def _telling(path: Path) -> Generator[None]:
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        hint = "Nothing that was acknowledged is lost: run again with --run-id to go on."
        if "full" in str(error):
            raise SinkDown(f"The disk of {path} is full.", hint=f"Make room. {hint}") from error
        raise SinkDown(f"{path} cannot be written: {error}", hint=hint) from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise
        raise ConfigError(
            f"{path} is no SQLite file: {error}", hint="Choose another path."
        ) from error
