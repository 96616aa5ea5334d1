"""BigQuery as a `Facts` value; projects and datasets are described here."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

from rayingest.core.source import Capability, Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Denied, Gone
from rayingest.kit.sql.bigquery import listing, queries
from rayingest.kit.sql.bigquery.check import check
from rayingest.kit.sql.bigquery.connect import connect
from rayingest.kit.sql.bigquery.errors import classify
from rayingest.kit.sql.bigquery.options import Options, tags
from rayingest.kit.sql.bigquery.queries import apart
from rayingest.kit.sql.bigquery.routines import routines
from rayingest.kit.sql.bigquery.session import BigQuerySession
from rayingest.kit.sql.bigquery.tables import tables
from rayingest.kit.sql.containers import named
from rayingest.kit.sql.facts import Facts, Wants
from rayingest.model import DatabaseSchema, EntityType

CAPABILITIES = frozenset(
    {
        Capability.DATABASES,
        Capability.SCHEMAS,
        Capability.TABLES,
        Capability.COLUMNS,
        Capability.KEYS,
        Capability.COMMENTS,
        Capability.VIEWS,
        Capability.PARTITIONS,
        Capability.PROCEDURES,
        Capability.DDL,
        Capability.TAGS,
        Capability.INCREMENTAL,
    }
)
LACKS = {
    Capability.OWNERS: "its tables have no owners, only rights",
    Capability.USAGE: "the jobs of a region are not read yet",
}


def schemas(
    session: BigQuerySession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer descriptors of datasets: many by a statement for their region, few one by one, for free."""
    found = _together(session, descriptors, wants)
    for each in descriptors:
        name = each.metadata["name"]
        try:
            options = found[name] if name in found else _alone(session, name, wants)
        except (Gone, Denied) as error:
            yield Failed(each, error)
            continue
        schema = DatabaseSchema(
            name=name,
            fqn=each.id,
            database=each.scope,
            display_name=options.display_name,
            description=options.description,
            tags=options.tags,
        )
        yield Described(each, (schema,))


def _together(
    session: BigQuerySession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> dict[str, Options]:
    names: dict[str, Sequence[str]] = {each.metadata["name"]: () for each in descriptors}
    if len(names) <= queries.FEW or not session.whole_regions:
        return {}
    said: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for location, here in session.by_location(names).items():
        try:
            rows = session.rows(
                *queries.by_region(queries.DATASETS, session.database, here, location, {})
            )
        except Denied:  # this view wants bigquery.datasets.get on the whole project
            return {}
        for name, option, value in rows:
            said[name].append((option, value))
        for name in here:
            said.setdefault(name, [])
    return {name: Options.of(rows, labels=wants.tags) for name, rows in said.items()}


def _alone(session: BigQuerySession, name: str, wants: Wants) -> Options:
    told = session.dataset(name)
    labels = (told.get("labels") or {}) if wants.tags else {}
    return Options(
        description=told.get("description") or None,
        display_name=told.get("friendlyName") or None,
        tags=tags(labels.items()),
    )


BIGQUERY = Facts(
    connect=connect,
    databases=listing.databases,
    listing=listing.listing,
    members=listing.members,
    describe={
        EntityType.DATABASE: named,
        EntityType.DATABASE_SCHEMA: schemas,
        EntityType.TABLE: partial(apart, tables),
        EntityType.STORED_PROCEDURE: partial(apart, routines),
    },
    classify=classify,
    check=check,
)
