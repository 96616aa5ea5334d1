"""The seam between the SQL kit and one kind of database: how each catalogue fact is looked up.

A database is a `Facts` value: a few functions over a session. The kit does the rest: filters, FQNs,
descriptors, scopes, sessions, counting, cancelling (`kit.sql.source`). Most of a value can be kept
while one function is replaced: `dataclasses.replace(POSTGRES, databases=...)`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, TypeVar

from rayingest.core.source import CheckResult, EntityDescriptor, Processed, Settings
from rayingest.errors import RayingestError
from rayingest.model import Entity, EntityType, Owner


class Session(Protocol):
    """An open connection to one database, used by one thread at a time."""

    @property
    def database(self) -> str:
        """Name of the database that it is connected to, as in descriptors' `batch`."""
        ...

    @property
    def calls(self) -> int:
        """Statements sent since it was opened."""
        ...

    def cancel(self) -> None:
        """Make the running statement raise; called from another thread, must return at once."""
        ...

    def close(self) -> None:
        """Close the connection; never raises."""
        ...


S = TypeVar("S", bound=Session)


class Found(NamedTuple):
    """One row of a listing.

    `key` is what looks the thing up later (an oid), where the names alone are not enough; `kind`
    is the vendor's letter or word for what it is. A schema's row has its name in both places.
    `whole`, where the listing tells all there is, makes the entity of its FQN and its scope's.
    A `twin` is spelled like a row before it: it is not told, and its listing is not complete. While its
    `token` stays the same, so does all that would be described (see `Wants.margin`).
    """

    type: EntityType
    schema: str
    name: str
    kind: str = ""
    key: str = ""
    whole: Callable[[str, str], Entity] | None = None
    twin: bool = False
    token: str | None = None


class Unlisted(NamedTuple):
    """A row of a listing: what lies in the schema before it could not be listed to its end, and why.

    Its neighbours are; nothing follows from what is missing in it.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Wants:
    """What the user's options ask for; `options` is the model of `sourceConfig.config`.

    `margin`: an incremental run wants change tokens of what has not changed for so many days.
    """

    tables: bool = True
    views: bool = True
    procedures: bool = True
    owners: bool = False
    ddl: bool = False
    tags: bool = True
    margin: int | None = None

    @classmethod
    def of(cls, options: Any) -> "Wants":
        """Read OpenMetadata's `include…` keys; an absent one has OpenMetadata's default."""
        keys = {
            "tables": "includeTables",
            "views": "includeViews",
            "procedures": "includeStoredProcedures",
            "owners": "includeOwners",
            "ddl": "includeDDL",
            "tags": "includeTags",
        }
        given = {field: getattr(options, key, None) for field, key in keys.items()}
        wanted = {field: bool(value) for field, value in given.items() if value is not None}
        incremental = getattr(options, "incremental", None)
        margin = incremental.safetyMarginDays if incremental and incremental.enabled else None
        return cls(**wanted, margin=margin)

    def only(self, types: Collection[EntityType]) -> "Wants":
        """The same for a listing of these types: what is below a schema may take a call for each."""
        relations = EntityType.TABLE in types
        return replace(
            self,
            tables=self.tables and relations,
            views=self.views and relations,
            procedures=self.procedures and EntityType.STORED_PROCEDURE in types,
        )

    def owned(self, name: str | None) -> tuple[Owner, ...]:
        """The owner of this name, if there is one and owners are wanted."""
        return (Owner(name=name),) if name and self.owners else ()

    @property
    def types(self) -> tuple[EntityType, ...]:
        """Types to list, parents first."""
        wanted = [EntityType.DATABASE, EntityType.DATABASE_SCHEMA]
        if self.tables or self.views:
            wanted.append(EntityType.TABLE)
        if self.procedures:
            wanted.append(EntityType.STORED_PROCEDURE)
        return tuple(wanted)


Describe = Callable[[S, Sequence[EntityDescriptor], Wants], Iterator[Processed]]


def unknown(error: Exception) -> RayingestError | None:
    """Of sessions that raise what says itself what it means; about others nothing is known."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How one kind of database answers. Plain functions of a module, so that the value pickles.

    * `connect(settings, database)` opens a session; None is the database to start from. Raises
      Unauthorised, Unreachable, MissingDriver or ConfigError.
    * `databases(session, settings)` names the databases there are, hidden ones left out.
    * `listing(session, wants)` streams what one database holds: every schema, each followed by its
      relations and its routines (one row per name); hidden schemas are left out. `Unlisted` may follow
      where a schema is served by somebody else, who does not answer.
    * `members(session, wants, schema)`, where there is one, lists what is in one schema: `listing`
      then yields the schemas alone, and each is opened as a scope, so that they are listed in parallel.
    * `describe[type](session, descriptors, wants)` answers every descriptor: id and scope are
      FQNs, `metadata` holds name, schema, kind and key of the listing. It may raise in the middle.
    * `classify(error)` says what a driver's exception means; None: nothing is known about it. A session
      whose errors say that themselves needs none.
    * `check(session, settings)` is `rayingest check`, once a session is open.
    * `turn(session, database)`, where there is one, makes an open session serve another database:
      else each database has a connection of its own.
    * `leaves_out(settings)`, where there is one, says which option of the connection keeps tables out of
      the listing, if one does: what is not listed then may be there all the same.
    """

    connect: Callable[[Settings, str | None], Any]
    databases: Callable[[Any, Settings], Iterable[Found]]
    listing: Callable[[Any, Wants], Iterator[Found | Unlisted]]
    describe: Mapping[EntityType, Callable[..., Iterator[Processed]]]
    check: Callable[[Any, Settings], Iterator[CheckResult]]
    classify: Callable[[Exception], RayingestError | None] = unknown
    members: Callable[[Any, Wants, str], Iterator[Found]] | None = None
    turn: Callable[[Any, str], None] | None = None
    leaves_out: Callable[[Settings], str | None] | None = None
