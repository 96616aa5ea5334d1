"""A live SQL source: sessions, statements counted, listings and batches put to the `Facts`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, TypeVar, cast

from rayingest.core import fqn
from rayingest.core.source import (
    Described,
    EntityDescriptor,
    Listed,
    Processed,
    ScopeOpened,
    Settings,
)
from rayingest.errors import ConfigError, RayingestError, Retryable
from rayingest.kit.sql.facts import Facts, Found, Session, Unlisted, Wants
from rayingest.kit.sql.listing import Tally, Tree, told
from rayingest.model import EntityType

Answer = TypeVar("Answer")
KEPT = 1  # idle sessions; with affinity a worker hardly ever changes the database


class SqlSource:
    """One thread's view of a server: at most one idle session, more only while listings overlap."""

    def __init__(self, facts: Facts, settings: Settings, types: Sequence[EntityType]) -> None:
        self._facts = facts
        self._settings = settings
        self._wants = Wants.of(settings.options)
        self._types = tuple(each for each in types if each in self._wants.types)
        self._idle: list[Session] = []
        self._busy: list[Session] = []
        self._closed_calls = 0
        self._service = fqn.join(settings.service)

    @property
    def calls(self) -> int:
        """Statements since the source was opened."""
        return self._closed_calls + sum(each.calls for each in (*self._busy, *self._idle))

    def start(self) -> None:
        """Open the first session. Raises what `connect` raises."""
        with self._session(""):
            pass

    def close(self) -> None:
        """Close all sessions."""
        while self._idle:
            self._end(self._idle.pop())

    def cancel(self) -> None:
        """Make running statements raise."""
        for session in tuple(self._busy):
            session.cancel()

    def get_parallelizable_entity_types(self) -> Sequence[EntityType]:
        """Types that the connector knows and the options want."""
        return self._types

    def discover_entities(
        self, entity_type: EntityType, scope: str | None = None
    ) -> Iterator[Listed]:
        """List databases, or one database's schemas with all in them, or one type of a scope."""
        if entity_type not in self._types:
            return
        if entity_type is EntityType.DATABASE:
            yield from self._databases()
            return
        wanted: set[EntityType] = {entity_type}
        if entity_type is EntityType.DATABASE_SCHEMA:
            wanted = {each for each in self._types if each is not EntityType.DATABASE}
        for database, only in self._places(scope):
            yield from self._tree(database, wanted, only)

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        """Describe a batch by the few statements that `Facts.describe` needs for it."""
        in_order = sorted(descriptors, key=lambda each: each.type.value)
        for entity_type, group in groupby(in_order, key=lambda each: each.type):
            batch = list(group)
            with self._session(batch[0].batch) as session:
                yield from self._facts.describe[entity_type](session, batch, self._wants)

    def ask(self, question: Callable[[Any], Iterator[Answer]]) -> Iterator[Answer]:
        """What a connector's own question is answered on a session; errors are told as ever."""
        with self._session("") as session:
            yield from question(session)

    def _databases(self) -> Iterator[Listed]:
        tally = Tally(EntityType.DATABASE, self._service)
        for row, identity in self._kept_databases(tally):
            metadata = {"name": row.name} | ({"key": row.key} if row.key else {})
            found = EntityDescriptor(
                EntityType.DATABASE, identity, self._service, row.name, metadata
            )
            yield told(found, row)
            yield ScopeOpened(EntityType.DATABASE_SCHEMA, identity)
        yield tally.end()

    def _kept_databases(self, tally: Tally) -> Iterator[tuple[Found, str]]:
        with self._session("") as session:
            rows = list(self._facts.databases(session, self._settings))
        for row in rows:
            identity = fqn.child(self._service, row.name)
            if not self._settings.filters.keeps(EntityType.DATABASE, row.name, identity):
                tally.filtered += 1
            elif tally.takes(row.name, identity):
                yield row, identity

    def _places(self, scope: str | None) -> Iterator[tuple[str, str | None]]:
        if scope is None or scope == self._service:
            tally = Tally(EntityType.DATABASE, self._service)
            yield from ((row.name, None) for row, _ in self._kept_databases(tally))
            return
        parts = fqn.split(scope)
        if not 2 <= len(parts) <= 3 or fqn.join(parts[0]) != self._service:
            raise ConfigError(f"{scope!r} is no database or schema of {self._service!r}.")
        yield parts[1], (scope if len(parts) == 3 else None)

    def _tree(self, database: str, types: set[EntityType], only: str | None) -> Iterator[Listed]:
        """List a database; with `Facts.members` its schemas are opened, not listed with it."""
        opens = self._facts.members is not None and EntityType.DATABASE_SCHEMA in types
        tree = Tree(
            fqn.child(self._service, database),
            database,
            self._settings.filters,
            self._wants,
            {EntityType.DATABASE_SCHEMA} if opens else types,
            only,
            self._facts.leaves_out(self._settings) if self._facts.leaves_out else None,
        )
        below = [each for each in self._types[2:] if each in types] if opens else []
        with self._session(database) as session:
            for each in tree.walk(self._rows(session, only, types, alone=opens)):
                yield each
                descriptor = each.descriptor if isinstance(each, Described) else each
                if isinstance(descriptor, EntityDescriptor):
                    yield from (ScopeOpened(kind, descriptor.id) for kind in below)

    def _rows(
        self, session: Any, only: str | None, types: set[EntityType], *, alone: bool
    ) -> Iterator[Found | Unlisted]:
        members, wants = self._facts.members, self._wants.only(types)
        if members is None or alone:
            yield from self._facts.listing(session, wants)
            return
        name = fqn.split(only)[2] if only else None
        one: list[Found | Unlisted] = []
        if name is not None:
            one.append(Found(EntityType.DATABASE_SCHEMA, name, name))
        for row in one or list(self._facts.listing(session, wants)):
            yield row
            if isinstance(row, Found):
                yield from members(session, wants, row.name)

    @contextmanager
    def _session(self, database: str) -> Iterator[Any]:
        """Lend a session; '' is any. One that raised is closed, unless the error was the entity's."""
        session = self._take(database)
        self._busy.append(session)
        keep = False
        try:
            yield session
            keep = True
        except Exception as error:
            known = error if isinstance(error, RayingestError) else self._facts.classify(error)
            keep = known is not None and not isinstance(known, Retryable)
            if known is None or known is error:
                raise
            raise known from error
        finally:
            self._busy.remove(session)
            if keep:
                self._idle.append(session)
            else:
                self._end(session)

    def _take(self, database: str) -> Session:
        for session in self._idle:
            if database in ("", session.database):
                self._idle.remove(session)
                return session
        if self._idle and self._facts.turn is not None:
            session = self._idle.pop()
            self._facts.turn(session, database)
            return session
        while len(self._idle) >= KEPT:
            self._end(self._idle.pop(0))
        session = self._facts.connect(self._settings, database or None)
        return cast("Session", session)

    def _end(self, session: Session) -> None:
        self._closed_calls += session.calls
        session.close()
