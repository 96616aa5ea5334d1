"""What is asked of INFORMATION_SCHEMA: one statement for many tables, of datasets or of a region.

A statement is billed with at least 10 MB for each view it reads, and takes a job's place
(https://cloud.google.com/bigquery/docs/information-schema-intro#pricing). A region's view wants rights
to the whole project, a dataset's only to that dataset.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from rayingest.core.source import EntityDescriptor, Failed, Processed
from rayingest.errors import Denied, Gone
from rayingest.kit.sql.bigquery.errors import JOBS
from rayingest.kit.sql.bigquery.session import BigQuerySession, Names, Row, quoted
from rayingest.kit.sql.facts import Describe, Wants

FEW = 4  # more datasets than that are asked for by their region, if that is allowed
UNITED = 50  # datasets in one statement


@dataclass(frozen=True, slots=True)
class View:
    """One question: `{place}` is a dataset or a region; it ends where the names are compared.

    `regional`: whether Google has the view for a region, too. `absent`: bqemulator has no such view.
    `every`: whether each thing that is there has a row.
    """

    text: str
    regional: bool = True
    absent: bool = False
    every: bool = False


TABLES = View(
    """
select t.table_schema, t.table_name, t.table_type, {ddl}
  from {place}.INFORMATION_SCHEMA.TABLES t
 where t.table_schema in unnest({schemas}) and t.table_name in unnest({names})
""",
    every=True,
)
COLUMNS = View("""
select c.table_schema, c.table_name, c.column_name, c.ordinal_position, c.is_nullable,
       c.data_type, c.is_hidden, c.is_partitioning_column, c.clustering_ordinal_position
  from {place}.INFORMATION_SCHEMA.COLUMNS c
 where c.table_schema in unnest({schemas}) and c.table_name in unnest({names})
""")
# Only rows that say something: most columns have neither.
FIELDS = View(
    """
select f.table_schema, f.table_name, f.field_path, f.description, f.policy_tags
  from {place}.INFORMATION_SCHEMA.COLUMN_FIELD_PATHS f
 where f.table_schema in unnest({schemas}) and f.table_name in unnest({names})
   and (f.description is not null or array_length(f.policy_tags) > 0)
""",
    absent=True,
)
OPTIONS = View("""
select o.table_schema, o.table_name, o.option_name, o.option_value
  from {place}.INFORMATION_SCHEMA.TABLE_OPTIONS o
 where o.table_schema in unnest({schemas}) and o.table_name in unnest({names})
   and o.option_name in ('description', 'friendly_name', 'labels', 'uris')
""")
VIEWS = View("""
select v.table_schema, v.table_name, v.view_definition
  from {place}.INFORMATION_SCHEMA.VIEWS v
 where v.table_schema in unnest({schemas}) and v.table_name in unnest({names})
""")
# A foreign key refers to the primary key of a table of the same dataset. Google has these views for
# datasets only: https://cloud.google.com/bigquery/docs/information-schema-key-column-usage
KEYS = View(
    """
select k.table_schema, k.table_name, k.constraint_name, k.ordinal_position, k.column_name,
       k.position_in_unique_constraint, u.table_name, p.column_name
  from {place}.INFORMATION_SCHEMA.KEY_COLUMN_USAGE k
  left join (
    select distinct constraint_name, table_name
      from {place}.INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE
  ) u on k.position_in_unique_constraint is not null and u.constraint_name = k.constraint_name
  left join {place}.INFORMATION_SCHEMA.KEY_COLUMN_USAGE p
    on p.position_in_unique_constraint is null and p.table_name = u.table_name
   and p.ordinal_position = k.position_in_unique_constraint
 where k.table_schema in unnest({schemas}) and k.table_name in unnest({names})
""",
    regional=False,
    absent=True,
)
ROUTINES = View(
    """
select r.routine_schema, r.routine_name, r.routine_type, r.routine_body, {language}, r.ddl
  from {place}.INFORMATION_SCHEMA.ROUTINES r
 where r.routine_schema in unnest({schemas}) and r.routine_name in unnest({names})
""",
    every=True,
)
ROUTINE_OPTIONS = View(
    """
select o.specific_schema, o.specific_name, o.option_value
  from {place}.INFORMATION_SCHEMA.ROUTINE_OPTIONS o
 where o.specific_schema in unnest({schemas}) and o.specific_name in unnest({names})
   and o.option_name = 'description'
""",
    absent=True,
)
DATASETS = View("""
select s.schema_name, s.option_name, s.option_value
  from {place}.INFORMATION_SCHEMA.SCHEMATA_OPTIONS s
 where s.schema_name in unnest({schemas})
   and s.option_name in ('description', 'friendly_name', 'labels')
""")


def ask(session: BigQuerySession, view: View, names: Names, **columns: str) -> list[Row]:
    """Rows about these things; what is not there has none. `columns` fills the view's own gaps."""
    given = {schema: each for schema, each in names.items() if each}
    if not given or (view.absent and session.emulated):
        return []
    rows: list[Row] = []
    for location, here in session.by_location(given).items():
        rows += _in_one_place(session, view, here, location, columns)
    return rows


def apart(
    describe: Describe[BigQuerySession],
    session: BigQuerySession,
    descriptors: Sequence[EntityDescriptor],
    wants: Wants,
) -> Iterator[Processed]:
    """What one dataset refuses is told of its things alone; Google asks for rights to a whole dataset.

    `describe` must have asked all its questions before its first answer.
    """
    try:
        yield from describe(session, descriptors, wants)
    except (Denied, Gone) as error:
        groups: dict[str, list[EntityDescriptor]] = {}
        for each in descriptors:
            groups.setdefault(each.scope, []).append(each)
        if len(groups) == 1 or JOBS in str(error):
            yield from (Failed(each, error) for each in descriptors)
            return
        for group in groups.values():
            yield from apart(describe, session, group, wants)


def _in_one_place(
    session: BigQuerySession, view: View, names: Names, location: str, columns: Mapping[str, str]
) -> list[Row]:
    rows, rest = _in_region(session, view, names, location, columns)
    for text, parameters in by_dataset(view, session.database, rest, columns):
        rows += session.rows(text, parameters, location)
    return rows


def _in_region(
    session: BigQuerySession, view: View, names: Names, location: str, columns: Mapping[str, str]
) -> tuple[list[Row], Names]:
    """What the region's view says, and the names that are left to be asked for by dataset."""
    inside = {each: below for each, below in names.items() if each not in session.outside}
    if not view.regional or len(inside) <= FEW or not session.whole_regions:
        return [], names
    try:
        found = session.rows(*by_region(view, session.database, inside, location, columns))
    except Denied:
        session.whole_regions = False  # rights to datasets only: these are asked for
        return [], names
    wanted = {schema: frozenset(each) for schema, each in inside.items()}
    rows = [row for row in found if row[1] in wanted[row[0]]]
    if view.every:  # of a dataset that the region's view passes over nothing may be called dropped
        session.outside |= inside.keys() - {row[0] for row in rows}
    return rows, {each: below for each, below in names.items() if each in session.outside}


def by_region(
    view: View, project: str, names: Names, location: str, columns: Mapping[str, str]
) -> tuple[str, dict[str, Sequence[str]], str]:
    """One statement for all; it may tell of namesakes in other datasets, too."""
    place = quoted(project, f"region-{location.lower()}")
    text = view.text.format(place=place, schemas="@schemas", names="@names", **columns)
    parameters: dict[str, Sequence[str]] = {"schemas": list(names)}
    if below := dict.fromkeys(name for each in names.values() for name in each):
        parameters["names"] = list(below)
    return text, parameters, location


def by_dataset(
    view: View, project: str, names: Names, columns: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, Sequence[str]]]]:
    """Statements that unite what the views of single datasets say."""
    todo = iter(names.items())
    while part := list(islice(todo, UNITED)):
        texts: list[str] = []
        parameters: dict[str, Sequence[str]] = {}
        for number, (schema, below) in enumerate(part):
            place, schemas, listed = quoted(project, schema), f"@s{number}", f"@n{number}"
            texts.append(view.text.format(place=place, schemas=schemas, names=listed, **columns))
            parameters |= {f"s{number}": [schema], f"n{number}": below}
        yield " union all ".join(texts), parameters
