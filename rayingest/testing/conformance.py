"""The conformance suite of connectors: what each capability must at least mean, on a small story.

A connector is shown the same story everywhere - a library of authors and books - as far as its
system can tell it; every capability that it claims is then checked on the entities it describes,
and every gap that it declares (`lacks`) must really be one.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from rayingest.core import fqn
from rayingest.core.filters import Filters
from rayingest.core.source import (
    Capability,
    Connector,
    Described,
    DiscoverableSource,
    EntityDescriptor,
    Failed,
    Listed,
    Pending,
    Readable,
    ScopeListed,
    ScopeOpened,
    Settings,
)
from rayingest.model import (
    USAGE,
    Chart,
    Dashboard,
    DashboardDataModel,
    Database,
    DatabaseSchema,
    Entity,
    EntityType,
    Fact,
    StoredProcedure,
    Table,
    TableType,
    usage,
)

SERVICE, WAREHOUSE = "story", "warehouse"
Kind = TypeVar("Kind", bound=Entity)


@dataclass(frozen=True)
class Told:
    """What a connector made of the story."""

    descriptors: Sequence[EntityDescriptor]
    scopes: Sequence[ScopeListed]
    entities: Sequence[Entity]
    failures: Sequence[Failed]
    facts: Sequence[Fact] = ()
    unanswered: Sequence[str] = ()

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Entities of one kind."""
        return [each for each in self.entities if isinstance(each, kind)]

    def table(self, name: str) -> Table:
        """A table of the story by its name, in any case. Raises LookupError."""
        for each in self.entities:
            if isinstance(each, Table) and each.name.lower() == name:
                return each
        raise LookupError(f"there is no table {name!r}")


class Warehouse:
    """A catalogue with one schema of tables, for those who look for what dashboards read."""

    def list(
        self, entity_type: EntityType, scope: str, *, full: bool = False
    ) -> Iterator[dict[str, object]]:
        """See Readable."""
        if entity_type is EntityType.TABLE and scope == WAREHOUSE:
            for each in ("orders", "users", "products", "events", "inventory", "stock"):
                yield {"fullyQualifiedName": f"{WAREHOUSE}.shop.inventory.{each}"}


class Kept:
    """A catalogue that has what was told."""

    def __init__(self, entities: Sequence[Entity]) -> None:
        self._entities = entities

    def list(
        self, entity_type: EntityType, scope: str, *, full: bool = False
    ) -> Iterator[dict[str, object]]:
        """See Readable."""
        for each in self._entities:
            if isinstance(each, Table) and each.type is entity_type:
                columns = [{"name": column.name} for column in each.columns]
                told: dict[str, object] = {"fullyQualifiedName": each.fqn, "columns": columns}
                yield told | {
                    "tableType": each.table_type,
                    "schemaDefinition": each.schema_definition,
                }


def tell(connector: Connector, settings: Settings, catalogue: Readable | None = None) -> Told:
    """Discover and describe everything with one session, batch by batch."""
    context = connector.prepare(settings, catalogue or Warehouse())
    entities: list[Entity] = []
    facts: list[Fact] = []
    failures: list[Failed] = []
    answered: set[str] = set()
    with connector.open(settings, context) as source:
        listed = list(discovered(connector, source))
        scopes = [each for each in listed if isinstance(each, ScopeListed)]
        whole = [each for each in listed if isinstance(each, Described)]
        found = [each.descriptor if isinstance(each, Described) else each for each in listed]
        descriptors = [each for each in found if isinstance(each, EntityDescriptor)]
        todo = batches(each for each in listed if isinstance(each, EntityDescriptor))
        for answer in chain(whole, _answers(source, todo)):
            answered.add(answer.descriptor.id)
            if isinstance(answer, Failed):
                failures.append(answer)
                continue
            entities += answer.entities
            facts += answer.facts
            descriptors += answer.children
            todo += batches(answer.children)
    unanswered = sorted({each.id for each in descriptors} - answered)
    return Told(descriptors, scopes, entities, failures, facts, unanswered)


def discovered(connector: Connector, source: DiscoverableSource) -> Iterator[Listed]:
    """All that listings yield, each opened scope after the one that opened it."""
    wanted: list[tuple[EntityType, str | None]] = [
        (each, None) for each in connector.types if each not in connector.listed_by
    ]
    while wanted:
        for item in source.discover_entities(*wanted.pop(0)):
            yield item
            if isinstance(item, ScopeOpened):
                wanted.append((item.type, item.scope))


def _answers(
    source: DiscoverableSource, todo: list[list[EntityDescriptor]]
) -> Iterator[Described | Failed]:
    while todo:
        yield from answers(source, todo.pop(0))


def answers(
    source: DiscoverableSource, descriptors: Sequence[EntityDescriptor]
) -> Iterator[Described | Failed]:
    """What a source says of descriptors in the end; what it works on is waited for."""
    waiting = [*descriptors]
    while waiting:
        asked, waiting, patience = waiting, [], 0.0
        for answer in source.process_entities(asked):
            if isinstance(answer, Pending):
                waiting.append(answer.again)
                patience = max(patience, answer.wait)
            else:
                yield answer
        time.sleep(patience)


def batches(descriptors: Iterable[EntityDescriptor]) -> list[list[EntityDescriptor]]:
    """Descriptors grouped by type and batch value, as the engine would."""
    groups: dict[tuple[EntityType, str], list[EntityDescriptor]] = {}
    for each in descriptors:
        groups.setdefault((each.type, each.batch), []).append(each)
    return list(groups.values())


def _databases(told: Told) -> bool:
    return bool(told.of(Database)) and all(
        each.fqn.startswith(SERVICE) for each in told.of(Database)
    )


def _schemas(told: Told) -> bool:
    parents = {each.fqn for each in told.of(Database)}
    schemas = told.of(DatabaseSchema)
    return bool(schemas) and all(fqn_parent(each.fqn) in parents for each in schemas)


def _tables(told: Told) -> bool:
    return {"author", "book"} <= {each.name.lower() for each in told.of(Table)}


def _columns(told: Told) -> bool:
    """MongoDB itself names the key of a document, `_id`."""
    book = told.table("book")
    names = [each.name.lower().removeprefix("_") for each in book.columns]
    known = all(each.data_type != "UNKNOWN" and each.data_type_display for each in book.columns)
    nulls = {each.name.lower(): str(each.constraint or "NULL") for each in book.columns}
    return (
        names == ["id", "title", "author_id", "isbn", "price"]
        and known
        and nulls["title"] == "NOT_NULL"
        and nulls["price"] == "NULL"
        and all(table.columns for table in told.of(Table))
    )


def _keys(told: Told) -> bool:
    book, author = told.table("book"), told.table("author")
    keys = {each.name.lower(): str(each.constraint) for each in book.columns}
    foreign = [each for each in book.constraints if each.constraint_type == "FOREIGN_KEY"]
    return (
        keys["id"] == "PRIMARY_KEY"
        and keys["isbn"] == "UNIQUE"
        and len(foreign) == 1
        and foreign[0].referred_table == author.fqn
        and [each.lower() for each in foreign[0].columns] == ["author_id"]
        and [fqn.split(each)[-1].lower() for each in foreign[0].referred_columns] == ["id"]
    )


def _comments(told: Told) -> bool:
    book = told.table("book")
    title = next(each for each in book.columns if each.name.lower() == "title")
    return book.description == "All books" and title.description == "As printed"


def _views(told: Told) -> bool:
    view = told.table("cheap_book")
    text = (view.schema_definition or "").lower()
    asks = "select" in text or "aggregate" in text  # the words of SQL and of MongoDB
    return view.table_type is TableType.VIEW and asks and len(view.columns) == 2


def _partitions(told: Told) -> bool:
    loan = told.table("loan")
    return [each.column_name.lower() for each in loan.partition] == ["day"]


def _procedures(told: Told) -> bool:
    found = [each for each in told.entities if isinstance(each, StoredProcedure)]
    return any(each.name.lower() == "twice" and "2" in each.code for each in found)


def _owners(told: Told) -> bool:
    return bool(told.table("book").owners)


def _ddl(told: Told) -> bool:
    return "create table" in (told.table("book").schema_definition or "").lower()


def _tags(told: Told) -> bool:
    return bool(told.table("book").tags)


def _dashboards(told: Told) -> bool:
    found = told.of(Dashboard)
    return len(found) > 1 and all(each.display_name and each.source_url for each in found)


def _charts(told: Told) -> bool:
    """Every chart belongs to just one dashboard, and is there; kinds are told apart, if the tool tells any."""
    named = [name for each in told.of(Dashboard) for name in each.charts]
    charts = told.of(Chart)
    kinds = {each.chart_type for each in charts}
    there = bool(charts) and sorted(named) == sorted(each.fqn for each in charts)
    return there and (kinds == {"Other"} or len(kinds - {"Other"}) > 1)


def _data_models(told: Told) -> bool:
    models = {each.fqn for each in told.of(DashboardDataModel)}
    named = {name for each in told.of(Dashboard) for name in each.data_models}
    return bool(named) and named <= models


def _fields(told: Told) -> bool:
    """A kind of data models whose tool tells fields tells them of each."""
    told_of = {each.data_model_type for each in told.of(DashboardDataModel) if each.columns}
    models = [e for e in told.of(DashboardDataModel) if e.data_model_type in told_of]
    columns = [column for each in models for column in each.columns]
    fields = [field for each in columns for field in (each, *each.children)]
    return (
        bool(models)
        and all(each.columns for each in models)
        and all(each.data_type != "UNKNOWN" and each.data_type_display for each in fields)
    )


def _projects(told: Told) -> bool:
    return any(each.project for each in told.of(Dashboard))


def _dashboard_owners(told: Told) -> bool:
    return any(each.owners for each in told.of(Dashboard))


def _dashboard_tags(told: Told) -> bool:
    models = told.of(DashboardDataModel)
    fields = (field for each in models for field in each.columns)
    return any(each.tags for each in (*told.of(Dashboard), *models)) or any(
        each.tags for each in fields
    )


def _lineage(told: Told) -> bool:
    """What a dashboard asks flows into it: data models, or else tables of the catalogue."""
    facts = [each for each in told.facts if each.kind == "lineage"]
    edges = {(str(each.payload["fromFqn"]), each.target_fqn) for each in facts}
    asked = {(name, each.fqn) for each in told.of(Dashboard) for name in each.data_models}
    from_tables = {source for source, _ in edges if source.startswith(f"{WAREHOUSE}.shop.")}
    return asked <= edges and bool(asked or from_tables)


def _sql_views(told: Told) -> bool:
    return any(each.data_model_type.endswith("View") for each in told.of(DashboardDataModel))


def _usage(told: Told) -> bool:
    """Uses of what is described, of which some were counted."""
    facts = [each for each in told.facts if each.kind == USAGE]
    counts = [usage.told(each) or (each.payload["count"], "") for each in facts]
    described = {(each.type, each.fqn) for each in told.entities}
    there = {(each.target_type, each.target_fqn) for each in facts} <= described
    return there and any(count > 0 for count, _ in counts)


DATABASE_FLOORS: dict[Capability, Callable[[Told], bool]] = {
    Capability.DATABASES: _databases,
    Capability.SCHEMAS: _schemas,
    Capability.TABLES: _tables,
    Capability.COLUMNS: _columns,
    Capability.KEYS: _keys,
    Capability.COMMENTS: _comments,
    Capability.VIEWS: _views,
    Capability.PARTITIONS: _partitions,
    Capability.PROCEDURES: _procedures,
    Capability.OWNERS: _owners,
    Capability.DDL: _ddl,
    Capability.TAGS: _tags,
}


DASHBOARD_FLOORS: dict[Capability, Callable[[Told], bool]] = {
    Capability.DASHBOARDS: _dashboards,
    Capability.CHARTS: _charts,
    Capability.DATA_MODELS: _data_models,
    Capability.COLUMNS: _fields,
    Capability.PROJECTS: _projects,
    Capability.OWNERS: _dashboard_owners,
    Capability.TAGS: _dashboard_tags,
    Capability.LINEAGE: _lineage,
    Capability.VIEWS: _sql_views,
    Capability.USAGE: _usage,
}
FLOORS = {"database": DATABASE_FLOORS, "dashboard": DASHBOARD_FLOORS}


def reached(told: Told, family: str, capability: Capability) -> bool:
    """Whether the story shows this capability."""
    try:
        return FLOORS[family][capability](told)
    except (LookupError, StopIteration):
        return False


def settings_for(connector: Connector, connection: dict[str, object]) -> Settings:
    """Settings with everything switched on."""
    from rayingest.config.options import DEFAULT_TYPE, OPTIONS

    model = OPTIONS[DEFAULT_TYPE[connector.family]]
    wanted: dict[str, object] = {"includeOwners": True, "includeDDL": True, "includeTags": True}
    wanted["lineageInformation"] = {"dbServiceNames": [WAREHOUSE]}
    known = {key: value for key, value in wanted.items() if key in model.model_fields}
    options = model.model_validate(known)
    return Settings(SERVICE, connector.connection.model_validate(connection), options, Filters())


def fqn_parent(name: str) -> str:
    """The FQN without its last part."""
    return fqn.join(*fqn.split(name)[:-1])
