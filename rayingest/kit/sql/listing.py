"""Turn the rows of a database's listing into descriptors and the ends of scopes: no I/O in here."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from rayingest.core import fqn
from rayingest.core.filters import Filters
from rayingest.core.source import Described, EntityDescriptor, Listed, ScopeListed
from rayingest.kit.sql.facts import Found, Unlisted, Wants
from rayingest.model import EntityType

SCHEMA, TABLE, PROCEDURE = (
    EntityType.DATABASE_SCHEMA,
    EntityType.TABLE,
    EntityType.STORED_PROCEDURE,
)
TWINS = "names that differ only in characters which the catalogue spells alike: {}"


@dataclass(slots=True)
class Tally:
    """What one listing of one scope amounts to."""

    type: EntityType
    scope: str
    count: int = 0
    filtered: int = 0
    odd: set[str] = field(default_factory=set)
    twins: list[str] = field(default_factory=list)
    broken: str | None = None

    def takes(self, name: str, identity: str) -> bool:
        """Count a descriptor, unless another name of this scope is already spelled like that."""
        # Only encoded names (`::`, quotes, …) can collide, with one that is literally so spelled;
        # the empty name (SQLite has it) is spelled like a single space.
        if "__reserved__" in identity or identity.endswith(" "):
            if identity in self.odd:
                self.twins.append(name)
                return False
            self.odd.add(identity)
        self.count += 1
        return True

    def end(self, *, partial: str | None = None) -> ScopeListed:
        """The scope's end marker; `partial` says why an absent name means nothing."""
        twins = TWINS.format(", ".join(map(repr, self.twins[:5]))) if self.twins else None
        return ScopeListed(
            self.type,
            self.scope,
            self.count,
            complete=not (self.twins or self.broken),
            mode="changes" if partial else "snapshot",
            why=self.broken or twins or partial,
            filtered=self.filtered,
        )


def told(descriptor: EntityDescriptor, row: Found) -> EntityDescriptor | Described:
    """What a row becomes: described at once where the listing tells all there is."""
    if row.whole is None:
        return descriptor
    return Described(descriptor, (row.whole(descriptor.id, descriptor.scope),))


@dataclass(slots=True)
class Tree:
    """Lists one database: `types` are those to yield, `only` restricts it to one schema's FQN.

    `leaves_out` is the option of the connection that keeps tables out, beside those of `wants`.
    """

    database: str
    batch: str
    filters: Filters
    wants: Wants
    types: Collection[EntityType]
    only: str | None = None
    leaves_out: str | None = None

    def walk(self, rows: Iterable[Found | Unlisted]) -> Iterator[Listed]:
        """Yield each kept schema, then its relations and routines, then their ends; at last its own.

        Every schema's scopes are ended, also empty ones; what lies in a dropped schema is passed over.
        """
        schemas = Tally(SCHEMA, self.database)
        tallies: dict[EntityType, Tally] = {}
        for row in rows:
            if isinstance(row, Unlisted):
                _break(tallies.values(), row.why)
            elif row.type is SCHEMA:
                yield from self._ends(tallies)
                tallies = {}
                if self.only not in (None, fqn.child(self.database, row.name)):
                    continue
                if (descriptor := self._take(schemas, row)) is not None:
                    tallies = {each: Tally(each, descriptor.id) for each in self._below()}
                    if SCHEMA in self.types:
                        yield told(descriptor, row)
            elif row.type in tallies:
                descriptor = self._take(tallies[row.type], row)
                if descriptor is not None:
                    yield told(descriptor, row)
        yield from self._ends(tallies)
        if SCHEMA in self.types:
            yield schemas.end()

    def _below(self) -> list[EntityType]:
        return [each for each in (TABLE, PROCEDURE) if each in self.types]

    def _ends(self, tallies: dict[EntityType, Tally]) -> Iterator[ScopeListed]:
        for tally in tallies.values():
            yield tally.end(partial=self._partial(tally.type))

    def _partial(self, entity_type: EntityType) -> str | None:
        if entity_type is TABLE and not (self.wants.tables and self.wants.views):
            return f"{'includeViews' if self.wants.tables else 'includeTables'} is false"
        return self.leaves_out if entity_type is TABLE else None

    def _take(self, tally: Tally, row: Found) -> EntityDescriptor | None:
        identity = fqn.child(tally.scope, row.name)
        if not self.filters.keeps(row.type, row.name, identity):
            tally.filtered += 1
            return None
        if row.twin:
            tally.twins.append(row.name)
            return None
        if not tally.takes(row.name, identity):
            return None
        metadata = {"name": row.name, "schema": row.schema}
        if row.kind:
            metadata["kind"] = row.kind
        if row.key:
            metadata["key"] = row.key
        return EntityDescriptor(
            row.type, identity, tally.scope, self.batch, metadata, token=row.token
        )


def _break(tallies: Iterable[Tally], why: str) -> None:
    for tally in tallies:
        tally.broken = why
