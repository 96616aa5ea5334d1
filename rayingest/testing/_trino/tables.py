"""The system tables of a cluster of ours, with just the columns that Trino documents.

https://trino.io/docs/current/connector/system.html; the columns of the information schema, those among them
that no listing shows, and the way in which tables that cannot be read are passed over, are those of
https://github.com/trinodb/trino, InformationSchemaTable and InformationSchemaPageSource.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from rayingest.testing._trino.story import Field, Relation

Place = tuple[str, str]  # catalog, schema
Places = Mapping[Place, Mapping[str, Relation]]
Key = tuple[str, str, str]
Row = tuple[Any, ...]

# Text, but for numbers, which are marked by a plus.
INFORMATION = {
    "columns": "table_catalog table_schema table_name column_name +ordinal_position column_default"
    " is_nullable data_type comment extra_info",
    "tables": "table_catalog table_schema table_name table_type",
    "views": "table_catalog table_schema table_name view_definition",
    "schemata": "catalog_name schema_name",
}
METADATA = {
    "catalogs": "catalog_name connector_id connector_name state",
    "table_comments": "catalog_name schema_name table_name comment",
    "materialized_views": "catalog_name schema_name name storage_catalog storage_schema storage_table"
    " freshness last_fresh_time comment definition",
}


def information(
    catalogs: Sequence[str], places: Places, unreadable: Collection[Key], metadata: Sequence[str]
) -> Mapping[str, list[Row]]:
    """Rows of the information schemas of all catalogs; each lists itself, too."""
    rows: dict[str, list[Row]] = {each: [] for each in INFORMATION}
    for catalog in catalogs:
        rows["schemata"].append((catalog, "information_schema"))
        for name, columns in INFORMATION.items():
            rows["tables"].append((catalog, "information_schema", name, "BASE TABLE"))
            own = [
                Field(each.strip("+"), "bigint" if "+" in each else "varchar")
                for each in columns.split()
            ]
            rows["columns"] += _columns((catalog, "information_schema", name), own)
    rows["tables"] += [("system", "metadata", each, "BASE TABLE") for each in metadata]
    rows["schemata"] += [("system", "metadata"), *places]
    for key, relation in _all(places):
        is_view = relation.kind == "VIEW"  # a materialized one counts as a table here
        rows["tables"].append((*key, "VIEW" if is_view else "BASE TABLE"))
        if is_view:
            rows["views"].append((*key, relation.text))
        if key not in unreadable:
            rows["columns"] += _columns(key, relation.fields)
    return rows


def about(
    catalogs: Sequence[str], places: Places, down: Collection[str]
) -> Mapping[str, list[Row]]:
    """Rows of system.metadata; what cannot be read is passed over."""
    rows: dict[str, list[Row]] = {each: [] for each in METADATA}
    rows["catalogs"] = [(each, each, "memory", "OPERATIONAL") for each in catalogs]
    for key, relation in _all(places):
        if key[0] in down:
            continue
        rows["table_comments"].append((*key, relation.comment))
        if relation.kind == "MATERIALIZED VIEW":
            said = relation.comment or "", relation.text
            rows["materialized_views"].append((*key, "", "", "", "UNKNOWN", None, *said))
    return rows


def _all(places: Places) -> Iterator[tuple[Key, Relation]]:
    for place, relations in places.items():
        for name, relation in relations.items():
            yield (*place, name), relation


def _columns(place: tuple[str, str, str], fields: Sequence[Field]) -> Iterator[Row]:
    for at, each in enumerate(fields, 1):
        nullable = "NO" if each.required else "YES"
        yield (*place, each.name, at, None, nullable, each.type, each.comment, each.extra)
