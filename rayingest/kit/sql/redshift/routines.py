"""Describe functions and procedures: all overloads of one name are one entity.

https://docs.aws.amazon.com/redshift/latest/dg/r_PG_PROC_INFO.html. The statement is put together here:
SHOW PROCEDURE would be one for each, and there is no `pg_get_functiondef`.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.postgres.session import Row
from rayingest.kit.sql.redshift.session import RedshiftSession, quoted
from rayingest.kit.sql.scrub import scrub
from rayingest.model import Owner, StoredProcedure

ROUTINES = """
select n.nspname, p.proname, p.prokind, l.lanname, pg_catalog.pg_get_userbyid(p.proowner), p.prosrc,
       pg_catalog.oidvectortypes(p.proargtypes), pg_catalog.array_to_string(p.proargnames, ','),
       pg_catalog.format_type(p.prorettype, null), p.prooid
  from pg_catalog.pg_proc_info p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join pg_catalog.pg_language l on l.oid = p.prolang
 where n.nspname in ({schemas}) and p.proname in ({names})
 order by p.prooid
"""
# Functions in Python and in Lambda, and SQL: https://docs.aws.amazon.com/redshift/latest/dg/user-defined-functions.html
LANGUAGES = {"sql": "SQL", "plpgsql": "SQL", "plpythonu": "Python", "plpython3u": "Python"}


def routines(
    session: RedshiftSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a StoredProcedure, or Gone when no overload is left."""
    names = [(each.metadata["schema"], each.metadata["name"]) for each in descriptors]
    schemas, called = ({each[place] for each in names} for place in (0, 1))
    rows = session.ask(ROUTINES, schemas=sorted(schemas), names=sorted(called))
    rows.sort(key=_name)
    found = {key: list(group) for key, group in groupby(rows, key=_name)}
    for name, descriptor in zip(names, descriptors, strict=True):
        if name in found:
            yield Described(descriptor, (_routine(descriptor, found[name], wants),))
        else:
            yield Failed(descriptor, Gone(f"{descriptor.id} was dropped after it was listed."))


def _name(row: Row) -> tuple[str, str]:
    return row[0], row[1]


def _routine(descriptor: EntityDescriptor, rows: list[Row], wants: Wants) -> StoredProcedure:
    owners = dict.fromkeys(row[4] for row in rows if row[4] and wants.owners)
    return StoredProcedure(
        name=rows[0][1],
        fqn=descriptor.id,
        database_schema=descriptor.scope,
        code=scrub("\n\n".join(map(_definition, rows))),
        language=LANGUAGES.get(rows[0][3], "External"),
        procedure_type="StoredProcedure" if any(row[2] == "p" for row in rows) else "Function",
        owners=tuple(Owner(name=name) for name in owners),
    )


def _definition(row: Row) -> str:
    schema, name, kind, language, _, body, types, arguments, returns, _ = row
    given = types.split(", ") if types else []
    # proargnames names what goes out, too: without a name for each that goes in, types stand alone.
    names = arguments.split(",") if arguments else []
    if len(names) == len(given):
        given = [f"{each} {kind_of}".strip() for each, kind_of in zip(names, given, strict=True)]
    what = "procedure" if kind == "p" else "function"
    result = "" if kind == "p" else f" returns {returns}"
    head = f"create {what} {quoted(schema, name)}({', '.join(given)}){result}"
    return f"{head} as $$\n{(body or '').strip()}\n$$ language {language};"
