"""Describe procedures, functions and packages with their bodies: one statement for hundreds.

https://docs.oracle.com/en/database/oracle/oracle-database/19/refrn/ALL_SOURCE.html
"""

from collections.abc import Iterator, Mapping, Sequence

from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Gone
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.oracle.names import quoted
from rayingest.kit.sql.oracle.session import Among, Key, OracleSession
from rayingest.kit.sql.oracle.tables import stored
from rayingest.kit.sql.scrub import scrub
from rayingest.model import StoredProcedure

# A package and its body are two objects of one name. What may be run is listed; its source is another matter.
SOURCE = """select o.owner, o.object_name, o.object_type, s.line, s.text
  from {v}_objects o
  left join {v}_source s
    on s.owner = o.owner and s.name = o.object_name and s.type = o.object_type
 where o.object_type in ('FUNCTION', 'PACKAGE', 'PACKAGE BODY', 'PROCEDURE') and {where}"""
KINDS = {"FUNCTION": "Function", "PACKAGE": "StoredPackage", "PROCEDURE": "StoredProcedure"}
WRAPPED = "wrapped"


def routines(
    session: OracleSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer each descriptor: a StoredProcedure, or Gone when nothing of that name is left."""
    among = Among(stored(each) for each in descriptors)
    found: dict[Key, dict[str, list[tuple[int, str]]]] = {}
    query = SOURCE.replace("{where}", among.where("o.owner", "o.object_name"))
    for owner, name, what, line, text in session.rows(query, among.binds):
        lines = found.setdefault((owner, name), {}).setdefault(what, [])
        if line is not None:
            lines.append((line, text or ""))
    for each in descriptors:
        key = stored(each)
        if key in found:
            yield Described(each, (_routine(each, key, found[key]),))
        else:
            yield Failed(each, Gone(f"{quoted(*key)} was dropped after it was listed."))


def _routine(
    descriptor: EntityDescriptor, key: Key, parts: Mapping[str, list[tuple[int, str]]]
) -> StoredProcedure:
    kind = next((KINDS[each] for each in sorted(parts) if each in KINDS), "StoredPackage")
    return StoredProcedure(
        name=key[1],
        fqn=descriptor.id,
        database_schema=descriptor.scope,
        code=scrub("\n\n".join(_text(key, what, parts[what]) for what in sorted(parts))),
        language="SQL",
        procedure_type=kind,
    )


def _text(key: Key, what: str, lines: list[tuple[int, str]]) -> str:
    """The statement that creates it; its head alone where the source is wrapped, or not shown."""
    if not lines:
        return f"CREATE OR REPLACE {what} {quoted(*key)}"
    text = "".join(line for _, line in sorted(lines)).strip()
    head = text.partition("\n")[0].split()
    if head and head[-1].lower() == WRAPPED:
        return f"CREATE OR REPLACE {' '.join(head)}"
    return f"CREATE OR REPLACE {text}"
