"""Describe procedures and functions: one statement for hundreds; overloads of a name are one entity."""

from collections.abc import Iterator, Sequence

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.scrub import scrub
from rayingest.kit.sql.snowflake.session import Row, SnowSession, among, grouped, quoted
from rayingest.model import Owner, StoredProcedure

# https://docs.snowflake.com/en/sql-reference/info-schema/procedures and …/functions
ROUTINES = """select procedure_schema as place, procedure_name as name, 'PROCEDURE' as kind,
       argument_signature, data_type, procedure_language, procedure_definition, comment,
       procedure_owner
  from {views}.procedures where {procedures}
union all
select function_schema, function_name, 'FUNCTION', argument_signature, data_type,
       function_language, function_definition, comment, function_owner
  from {views}.functions where {functions}"""
LANGUAGES = {"SQL": "SQL", "JAVASCRIPT": "JavaScript", "JAVA": "Java", "PYTHON": "Python"}
QUOTE = "$$"


def routines(
    session: SnowSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a StoredProcedure, or Gone when nothing of that name is left."""
    keys = [(each.metadata["schema"], each.metadata["name"]) for each in descriptors]
    procedures, parameters = among("procedure_schema", "procedure_name", grouped(keys))
    functions, more = among("function_schema", "function_name", grouped(keys))
    query = ROUTINES.format(views=session.views, procedures=procedures, functions=functions)
    found: dict[tuple[str, str], list[Row]] = {}
    for row in session.rows(query, [*parameters, *more]):
        found.setdefault((row[0], row[1]), []).append(row)
    for key, each in zip(keys, descriptors, strict=True):
        if key in found:
            yield Described(each, (_routine(each, found[key], wants),))
        else:
            yield Failed(each, Gone(f"{quoted(*key)} was dropped after it was listed."))


def _routine(descriptor: EntityDescriptor, rows: list[Row], wants: Wants) -> StoredProcedure:
    """Overloads follow one another, procedures before functions, each by its arguments."""
    rows = sorted(rows, key=lambda row: (row[2] != "PROCEDURE", row[3] or ""))
    comments = dict.fromkeys(row[7] for row in rows if row[7])
    owners = dict.fromkeys(row[8] for row in rows if row[8]) if wants.owners else {}
    return StoredProcedure(
        name=rows[0][1],
        fqn=descriptor.id,
        owners=tuple([Owner(name=each) for each in owners]),
        database_schema=descriptor.scope,
        description="\n\n".join(comments) or None,
        code=scrub("\n\n".join(_text(row) for row in rows)),
        language=LANGUAGES.get((rows[0][5] or "SQL").upper(), "External"),
        procedure_type="StoredProcedure" if rows[0][2] == "PROCEDURE" else "Function",
    )


def _text(row: Row) -> str:
    """The statement that creates it; without the body where the role may not see it."""
    schema, name, kind, arguments, returns, language, body, _, _ = row
    lines = [f"CREATE {kind} {quoted(schema, name)}{arguments or '()'}"]
    lines += [f"RETURNS {returns}"] if returns else []
    lines += [f"LANGUAGE {language}"] if language else []
    lines += [f"AS {QUOTE}", body.strip(), QUOTE] if body else []
    return "\n".join(lines)
