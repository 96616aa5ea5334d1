"""Describe functions and procedures: one statement for hundreds."""

from collections.abc import Iterator, Sequence

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.bigquery import queries
from rayingest.kit.sql.bigquery.options import texts
from rayingest.kit.sql.bigquery.queries import ask
from rayingest.kit.sql.bigquery.session import BigQuerySession, Row, quoted, spread
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.scrub import scrub
from rayingest.model import StoredProcedure

# OpenMetadata's words; it has none for the languages that are left.
LANGUAGES = {"SQL": "SQL", "JAVASCRIPT": "JavaScript", "PYTHON": "Python", "JAVA": "Java"}
LANGUAGE = {False: "r.external_language", True: "r.language"}


def routines(
    session: BigQuerySession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a StoredProcedure, or Gone when nothing of that name is left."""
    keys = [(each.metadata["schema"], each.metadata["name"]) for each in descriptors]
    rows = ask(session, queries.ROUTINES, spread(keys), language=LANGUAGE[session.emulated])
    found = {(row[0], row[1]): row for row in rows}
    said: dict[tuple[str, str], str] = {}
    for row in ask(session, queries.ROUTINE_OPTIONS, spread(found)):
        said[row[0], row[1]] = (texts(row[2]) or [""])[0]
    for key, each in zip(keys, descriptors, strict=True):
        if key in found:
            yield Described(each, (_routine(each, found[key], said.get(key)),))
        else:
            yield Failed(each, Gone(f"{quoted(*key)} was dropped after it was listed."))


def _routine(descriptor: EntityDescriptor, row: Row, description: str | None) -> StoredProcedure:
    _, name, kind, body, language, ddl = row
    word = "SQL" if body == "SQL" else str(language or "").upper()
    return StoredProcedure(
        name=name,
        fqn=descriptor.id,
        database_schema=descriptor.scope,
        description=description or None,
        code=scrub(ddl or ""),
        language=LANGUAGES.get(word, "External"),
        procedure_type="StoredProcedure" if kind == "PROCEDURE" else "Function",
    )
