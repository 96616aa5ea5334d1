"""A source that a test holds in its hand: tables appear, change, vanish, hide and fail as it says.

It lives in this process (the local engine only) and is registered as `toy`, and as `shy`, which
leaves out of its listings what the account may not see.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

import rayingest as ri
from rayingest.api import Run
from rayingest.core import fqn, registry
from rayingest.core.limits import Limit
from rayingest.core.source import (
    Batching,
    Capability,
    CheckResult,
    Described,
    EntityDescriptor,
    Failed,
    Listed,
    Processed,
    ScopeListed,
    Settings,
    no_context,
)
from rayingest.errors import Permanent
from rayingest.model import (
    Column,
    Database,
    DatabaseSchema,
    Entity,
    EntityType,
    StoredProcedure,
    Table,
    TableConstraint,
)
from rayingest.testing import StrictCatalogue
from rayingest.testing.strict import upserts

from ..running import TOKEN, balanced

SERVICE, DATABASE = "svc", "svc.db"
TYPES = (
    EntityType.DATABASE,
    EntityType.DATABASE_SCHEMA,
    EntityType.TABLE,
    EntityType.STORED_PROCEDURE,
)
COLLECTIONS = {
    "database": "databases",
    "databaseSchema": "databaseSchemas",
    "table": "tables",
    "storedProcedure": "storedProcedures",
}


@dataclass
class Place:
    """What there is, schema by schema, each name with the version of its content; what goes wrong.

    `refers`: the table that a table has a foreign key to, when it is there (`dangling`: also when not). `raises`: schemas at which the listing
    breaks off; `partial`: schemas of which it gives the first half; `hides`: schemas, or
    `schema.table`, that it leaves out; `fails`: tables that cannot be described. `tokens`: the listing
    tells the versions of tables; `described` has the names of those that somebody asked for.
    """

    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    procedures: dict[str, dict[str, int]] = field(default_factory=dict)
    refers: dict[str, str] = field(default_factory=dict)
    dangling: bool = False
    raises: set[str] = field(default_factory=set)
    partial: set[str] = field(default_factory=set)
    hides: set[str] = field(default_factory=set)
    fails: set[str] = field(default_factory=set)
    tokens: bool = False
    described: list[str] = field(default_factory=list)

    def well(self) -> None:
        """From now on nothing goes wrong."""
        for each in (self.raises, self.partial, self.hides, self.fails):
            each.clear()

    def fqns(self) -> dict[str, set[str]]:
        """Type -> the FQNs of all there is."""
        return {
            "database": {DATABASE},
            "databaseSchema": {fqn.child(DATABASE, each) for each in self.tables},
            "table": _below(self.tables),
            "storedProcedure": _below(self.procedures),
        }


def _below(found: Mapping[str, Mapping[str, int]]) -> set[str]:
    return {fqn.join(SERVICE, "db", each, name) for each, names in found.items() for name in names}


PLACES: dict[str, Place] = {}


class ToyConnection(BaseModel):
    """Where the place is."""

    place: str = "here"


@dataclass(frozen=True)
class Toy:
    """The connector."""

    listing_hides: bool = False
    service_type: str = "CustomDatabase"
    family: str = "database"
    extra: str = ""
    connection: type[BaseModel] = ToyConnection
    types: tuple[EntityType, ...] = TYPES
    dependencies: Mapping[EntityType, EntityType] = field(
        default_factory=lambda: dict(
            zip(TYPES[1:], (TYPES[0], TYPES[1], TYPES[1]), strict=True),
        )
    )
    listed_by: Mapping[EntityType, EntityType] = field(
        default_factory=lambda: dict.fromkeys(TYPES[1:], TYPES[0])
    )
    batching: Mapping[EntityType, Batching] = field(
        default_factory=lambda: {EntityType.TABLE: Batching(1, 3)}
    )
    max_connections: int = 10
    local: bool = True
    limits: tuple[Limit, ...] = ()
    capabilities: frozenset[Capability] = frozenset({Capability.TABLES, Capability.COLUMNS})
    lacks: Mapping[Capability, str] = field(default_factory=dict)
    prepare: Any = no_context

    @contextmanager
    def open(self, settings: Settings, context: Any = None) -> Generator["ToySource"]:
        yield ToySource(settings, PLACES[settings.connection.place])

    def check(self, settings: Settings) -> Iterator[CheckResult]:
        yield CheckResult("tables", "ok")


CONNECTOR = Toy()
SHY = replace(CONNECTOR, listing_hides=True)


@dataclass
class ToySource:
    """A session with a place."""

    settings: Settings
    place: Place

    def get_parallelizable_entity_types(self) -> Sequence[EntityType]:
        return TYPES

    def discover_entities(
        self, entity_type: EntityType, scope: str | None = None
    ) -> Iterator[Listed]:
        kept = self._kept(EntityType.DATABASE, SERVICE, ["db"])
        yield from self._scope(EntityType.DATABASE, SERVICE, kept, 1)
        if not kept:
            return
        place = self.place
        there = [each for each in place.tables if each not in place.hides]
        schemas = self._kept(EntityType.DATABASE_SCHEMA, DATABASE, there)
        for name in schemas:
            if name in place.raises:
                raise Permanent(f"the listing breaks off at {name}")
            for kind, held in (
                (EntityType.TABLE, place.tables),
                (EntityType.STORED_PROCEDURE, place.procedures),
            ):
                scope = fqn.child(DATABASE, name)
                there = [e for e in held.get(name, ()) if f"{name}.{e}" not in place.hides]
                kept = self._kept(kind, scope, there)
                partial = name in place.partial
                kept = kept[: len(kept) // 2] if partial else kept
                yield from self._scope(kind, scope, kept, len(there), partial=partial)
        yield from self._scope(EntityType.DATABASE_SCHEMA, DATABASE, schemas, len(place.tables))

    def _kept(self, kind: EntityType, scope: str, names: Sequence[str]) -> list[str]:
        keeps = self.settings.filters.keeps
        return [each for each in names if keeps(kind, each, fqn.child(scope, each))]

    def _scope(
        self,
        kind: EntityType,
        scope: str,
        names: Sequence[str],
        there: int,
        *,
        partial: bool = False,
    ) -> Iterator[Listed]:
        for each in names:
            told = self.place.tokens and kind is EntityType.TABLE
            token = f"{self.place.tables[fqn.split(scope)[-1]][each]} " if told else None
            token = token and token + self.place.refers.get(each, "")
            yield EntityDescriptor(kind, fqn.child(scope, each), scope, "toy", token=token)
        why = "the second half is missing" if partial else None
        yield ScopeListed(
            kind, scope, len(names), not partial, why=why, filtered=there - len(names)
        )

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        for each in descriptors:
            name = fqn.split(each.id)[-1]
            if each.type is EntityType.TABLE:
                self.place.described.append(name)
            if name in self.place.fails:
                yield Failed(each, Permanent(f"cannot describe {name!r}"))
            else:
                yield Described(each, (entity(self.place, each),))


def entity(place: Place, descriptor: EntityDescriptor) -> Entity:
    """What a descriptor stands for."""
    parts = fqn.split(descriptor.id)
    name, above = parts[-1], descriptor.scope
    match descriptor.type:
        case EntityType.DATABASE:
            return Database(name=name, fqn=descriptor.id, service=above)
        case EntityType.DATABASE_SCHEMA:
            return DatabaseSchema(name=name, fqn=descriptor.id, database=above)
        case EntityType.TABLE:
            return _table(place, descriptor, f"version {place.tables[parts[-2]][name]}")
        case _:
            code = f"select {place.procedures[parts[-2]][name]}"
            return StoredProcedure(name=name, fqn=descriptor.id, database_schema=above, code=code)


def _table(place: Place, descriptor: EntityDescriptor, description: str) -> Table:
    name = fqn.split(descriptor.id)[-1]
    constraints: tuple[TableConstraint, ...] = ()
    other = place.refers.get(name)
    if other is not None and (
        other in place.tables[fqn.split(descriptor.scope)[-1]] or place.dangling
    ):
        referred = fqn.child(descriptor.scope, other)
        constraints = (
            TableConstraint(
                constraint_type="FOREIGN_KEY",
                columns=("id",),
                referred_columns=(fqn.child(referred, "id"),),
                referred_table=referred,
            ),
        )
    return Table(
        name=name,
        fqn=descriptor.id,
        database_schema=descriptor.scope,
        description=description,
        columns=(Column(name="id", data_type="INT", ordinal_position=1),),
        constraints=constraints,
    )


def register(patch: pytest.MonkeyPatch) -> None:
    """Let configs name `toy` and `shy`."""
    module = f"{__package__}.toy"
    there = {**registry.locations(), "toy": f"{module}:CONNECTOR", "shy": f"{module}:SHY"}
    patch.setattr(registry, "locations", lambda: there)


def restore_children(patch: pytest.MonkeyPatch) -> None:
    """Let the catalogue restore what went with a container when that is written again."""
    keep = upserts._Upsert._keep

    def keeping(self: Any, row: Any, body: bytes) -> tuple[Any, str, int]:
        here, _ = self._admit(row)
        held = self.state.store.by_fqn[self.kind.collection].get(here.fqn)
        if held is not None and held.deleted:
            for each in held.descendants():
                each.deleted = False
        return keep(self, row, body)

    patch.setattr(upserts._Upsert, "_keep", keeping)


@dataclass
class Toys:
    """A place, a catalogue and a folder; every run in it is audited."""

    place: Place
    catalogue: StrictCatalogue
    folder: Path
    connector: str = "toy"

    def config(
        self, name: str = "toy.yaml", sink: dict[str, Any] | None = None, **options: Any
    ) -> Path:
        """Write the YAML; keyword arguments are keys of `sourceConfig.config`."""
        PLACES["here"] = self.place
        tree = {
            "source": {
                "type": self.connector,
                "serviceName": SERVICE,
                "serviceConnection": {"config": {"place": "here"}},
                "sourceConfig": {"config": {"type": "DatabaseMetadata", "threads": 2, **options}},
            },
            "sink": sink or {"type": "metadata-rest", "config": {}},
            "workflowConfig": {
                "distributedExecution": {
                    "parallelism": 2,
                    "retryPolicy": {"maxAttempts": 1, "backoffSeconds": 0.01},
                    "sinkOutageSeconds": 0.3,
                },
                "openMetadataServerConfig": {
                    "hostPort": self.catalogue.url,
                    "authProvider": "openmetadata",
                    "securityConfig": {"jwtToken": TOKEN},
                },
            },
        }
        path = self.folder / name
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
        return path

    def run(self, config: Path | None = None, /, *, unfinished: bool = False, **wishes: Any) -> Run:
        """Run through the public API."""
        job = ri.load(config or self.config(), flags={"engine": "local"})
        run = job.run(allow_untested=True, **wishes)
        balanced(run.report, unfinished=unfinished)
        return run

    def writes(self, since: int = 0) -> list[str]:
        """FQNs of all rows that were written after the first `since` rows of the log."""
        return sorted(each.fqn for each in self.catalogue.log[since:] if each.method == "PUT")

    def alive(self, kind: str = "table") -> set[str]:
        """FQNs of one type that are not deleted."""
        return set(self.catalogue.entities(COLLECTIONS[kind]))

    def deleted(self, kind: str = "table") -> set[str]:
        """FQNs of one type that are softly deleted."""
        return set(self.catalogue.entities(COLLECTIONS[kind], deleted=True))

    def missing(self) -> dict[str, set[str]]:
        """What is in the source and not alive in the catalogue."""
        return {
            kind: gone
            for kind, all_ in self.place.fqns().items()
            if (gone := all_ - self.alive(kind))
        }

    def different(self) -> dict[str, str]:
        """FQNs of tables that the catalogue tells otherwise than the source, field by field."""
        wrong = {}
        there = self.catalogue.entities("tables")
        for schema, names in self.place.tables.items():
            for name, version in names.items():
                key = fqn.join(SERVICE, "db", schema, name)
                body = there.get(key)
                if body is None:
                    wrong[key] = "it is not there"
                    continue
                keys = [
                    column
                    for each in body.get("tableConstraints") or ()
                    for column in each["referredColumns"]
                ]
                other = self.place.refers.get(name)
                expected = [fqn.join(SERVICE, "db", schema, other, "id")] if other in names else []
                told = body.get("description"), keys, [each["name"] for each in body["columns"]]
                if told != (f"version {version}", expected, ["id"]):
                    wrong[key] = f"{told} for version {version}, {expected}"
        return wrong

    def differs(self) -> dict[str, Any]:
        """Nothing, when exactly what exists is alive, as it is."""
        found: dict[str, Any] = {}
        for kind, expected in self.place.fqns().items():
            if odd := self.alive(kind) ^ expected:
                found[kind] = odd
        return found | self.different()
