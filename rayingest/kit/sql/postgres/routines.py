"""Describe functions and procedures: all overloads of one name are one entity."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.postgres.session import PgSession, Row
from rayingest.kit.sql.scrub import scrub
from rayingest.model import Owner, StoredProcedure

# pg_get_functiondef refuses aggregates; theirs is put together here.
ROUTINES = """
select n.nspname, f.proname, f.prokind::text, l.lanname,
       pg_catalog.obj_description(f.oid, 'pg_proc'),
       case when %s then pg_catalog.pg_get_userbyid(f.proowner) end,
       case when f.prokind <> 'a' then pg_catalog.pg_get_functiondef(f.oid)
            else 'CREATE AGGREGATE ' || pg_catalog.quote_ident(n.nspname) || '.'
              || pg_catalog.quote_ident(f.proname)
              || '(' || coalesce(nullif(pg_catalog.pg_get_function_arguments(f.oid), ''), '*')
              || E') (\n    SFUNC = ' || g.aggtransfn::text
              || E',\n    STYPE = ' || pg_catalog.format_type(g.aggtranstype, null)
              || case when g.aggfinalfn::oid <> 0
                      then E',\n    FINALFUNC = ' || g.aggfinalfn::text else '' end
              || case when g.aggcombinefn::oid <> 0
                      then E',\n    COMBINEFUNC = ' || g.aggcombinefn::text else '' end
              || case when g.agginitval is not null
                      then E',\n    INITCOND = ' || pg_catalog.quote_literal(g.agginitval)
                      else '' end
              || E'\n);' end
  from unnest(%s::text[], %s::text[]) w(schema, name)
  join pg_catalog.pg_namespace n on n.nspname = w.schema
  join pg_catalog.pg_proc f on f.pronamespace = n.oid and f.proname = w.name
  join pg_catalog.pg_language l on l.oid = f.prolang
  left join pg_catalog.pg_aggregate g on g.aggfnoid = f.oid
 where not exists (
   select from pg_catalog.pg_depend x
    where x.classid = 1255 and x.objid = f.oid and x.deptype in ('e', 'i'))
 order by n.nspname, f.proname, pg_catalog.pg_get_function_identity_arguments(f.oid)
"""
LANGUAGES = {"sql": "SQL", "plpgsql": "SQL", "plv8": "JavaScript", "pljava": "Java", "java": "Java"}


def routines(
    session: PgSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a StoredProcedure, or Gone when no overload is left."""
    names = [(each.metadata["schema"], each.metadata["name"]) for each in descriptors]
    rows = session.rows(
        ROUTINES, [wants.owners, [schema for schema, _ in names], [name for _, name in names]]
    )
    found = {key: list(group) for key, group in groupby(rows, key=lambda row: (row[0], row[1]))}
    for name, descriptor in zip(names, descriptors, strict=True):
        if name in found:
            yield Described(descriptor, (_routine(descriptor, found[name]),))
        else:
            yield Failed(descriptor, Gone(f"{descriptor.id} was dropped after it was listed."))


def _routine(descriptor: EntityDescriptor, rows: list[Row]) -> StoredProcedure:
    owners = dict.fromkeys(row[5] for row in rows if row[5])
    comments = dict.fromkeys(row[4] for row in rows if row[4])
    return StoredProcedure(
        name=rows[0][1],
        fqn=descriptor.id,
        database_schema=descriptor.scope,
        description="\n\n".join(comments) or None,
        code=scrub("\n\n".join(row[6].strip() for row in rows)),
        language=_language(rows[0][3]),
        procedure_type="StoredProcedure" if any(row[2] == "p" for row in rows) else "Function",
        owners=tuple(Owner(name=name) for name in owners),
    )


def _language(name: str) -> str:
    if name.startswith("plpython"):
        return "Python"
    return LANGUAGES.get(name, "External")
