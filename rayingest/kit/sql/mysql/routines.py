"""Describe functions and procedures: two statements for hundreds; twins of one name are one entity."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.mysql.session import MySqlSession, Row, quoted
from rayingest.kit.sql.scrub import scrub
from rayingest.model import StoredProcedure

ROUTINES = """select routine_schema, routine_name, routine_type, dtd_identifier,
       routine_definition, {language}, is_deterministic, sql_data_access, security_type,
       routine_comment
  from information_schema.routines
 where routine_type in ('PROCEDURE', 'FUNCTION') and routine_schema = %s and routine_name in %s"""
PARAMETERS = """select specific_schema, specific_name, routine_type, ordinal_position,
       parameter_mode, parameter_name, dtd_identifier
  from information_schema.parameters
 where ordinal_position > 0 and specific_schema = %s and specific_name in %s"""
LANGUAGES = {"SQL": "SQL", "JAVASCRIPT": "JavaScript", "JAVA": "Java", "PYTHON": "Python"}


def routines(
    session: MySqlSession,
    descriptors: Sequence[EntityDescriptor],
    wants: Wants,
) -> Iterator[Processed]:
    """Answer each descriptor: a StoredProcedure, or Gone when nothing of that name is left."""
    names: dict[str, list[str]] = defaultdict(list)
    for each in descriptors:
        names[each.metadata["schema"]].append(each.metadata["name"])
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    # MariaDB's column is always null; MySQL says SQL, or what the body is written in.
    query = ROUTINES.format(language="external_language")
    for row in session.spread((query, names)):
        found[row[0], row[1]].append(row)
    parameters: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in session.spread((PARAMETERS, names)):
        parameters[row[0], row[1], row[2]].append(row)
    for each in descriptors:
        key = (each.metadata["schema"], each.metadata["name"])
        if rows := sorted(found.get(key, ()), key=lambda row: str(row[2]), reverse=True):
            texts = [_text(row, parameters[row[0], row[1], row[2]]) for row in rows]
            yield Described(each, (_routine(each, rows, texts),))
        else:
            yield Failed(each, Gone(f"{quoted(*key)} was dropped after it was listed."))


def _routine(
    descriptor: EntityDescriptor, rows: Sequence[Row], texts: Sequence[str]
) -> StoredProcedure:
    comments = dict.fromkeys(row[9] for row in rows if row[9])
    kinds = {row[2] for row in rows}
    return StoredProcedure(
        name=rows[0][1],
        fqn=descriptor.id,
        database_schema=descriptor.scope,
        description="\n\n".join(comments) or None,
        code=scrub("\n\n".join(texts)),
        language=LANGUAGES.get((rows[0][5] or "SQL").upper(), "External"),
        procedure_type="StoredProcedure" if "PROCEDURE" in kinds else "Function",
    )


def _text(row: Row, parameters: list[Row]) -> str:
    """The statement that creates it; without the body where the user may not see it."""
    schema, name, kind, returns, body, language, deterministic, access, security, _ = row
    given = ", ".join(_parameter(each) for each in sorted(parameters, key=lambda each: each[3]))
    lines = [f"CREATE {kind} {quoted(schema, name)}({given})"]
    lines += [f"RETURNS {returns}"] if kind == "FUNCTION" else []
    lines += [f"LANGUAGE {language}"] if language and language.upper() != "SQL" else []
    lines += ["DETERMINISTIC"] if deterministic == "YES" else []
    lines += [access] if access and access != "CONTAINS SQL" else []
    lines += ["SQL SECURITY INVOKER"] if security == "INVOKER" else []
    return "\n".join([*lines, *([body.strip()] if body else [])])


def _parameter(row: Row) -> str:
    _, _, kind, _, mode, name, data_type = row
    words = [mode] if kind == "PROCEDURE" and mode else []
    return " ".join([*words, quoted(name or ""), data_type])
