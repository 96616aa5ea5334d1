"""Tableau's Metadata API for tests: the part of its published schema that we ask, run by graphql-core.

Types and fields are those of https://help.tableau.com/current/api/metadata_api/en-us/reference/index.html;
a question that has others is refused, as there.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

Json = Any
TABLES = ("orders", "users", "products")
SCHEMA = """
type Query {
  workbooksConnection(first: Int, after: String, filter: Workbook_Filter): WorkbooksConnection
  embeddedDatasourcesConnection(first: Int, after: String, filter: EmbeddedDatasource_Filter):
    EmbeddedDatasourcesConnection
  publishedDatasourcesConnection(first: Int, after: String, filter: PublishedDatasource_Filter):
    PublishedDatasourcesConnection
}
input Workbook_Filter { luid: String luidWithin: [String] }
input EmbeddedDatasource_Filter { id: ID idWithin: [ID] name: String nameWithin: [String] }
input PublishedDatasource_Filter { id: ID idWithin: [ID] luid: String luidWithin: [String] }
type PageInfo { hasNextPage: Boolean! endCursor: String }
type WorkbooksConnection { nodes: [Workbook!]! pageInfo: PageInfo! totalCount: Int! }
type EmbeddedDatasourcesConnection { nodes: [EmbeddedDatasource!]! pageInfo: PageInfo! totalCount: Int! }
type PublishedDatasourcesConnection { nodes: [PublishedDatasource!]! pageInfo: PageInfo! totalCount: Int! }
type Workbook { id: ID! luid: String! name: String projectName: String }
interface Datasource {
  id: ID! name: String fields: [Field!]! upstreamTables: [DatabaseTable!]!
  containsUnsupportedCustomSql: Boolean
}
type EmbeddedDatasource implements Datasource {
  id: ID! name: String fields: [Field!]! upstreamTables: [DatabaseTable!]!
  containsUnsupportedCustomSql: Boolean workbook: Workbook upstreamDatasources: [PublishedDatasource!]!
}
type PublishedDatasource implements Datasource {
  id: ID! luid: String! name: String description: String projectName: String
  fields: [Field!]! upstreamTables: [DatabaseTable!]! containsUnsupportedCustomSql: Boolean
}
interface Field { id: ID! name: String description: String isHidden: Boolean folderName: String }
enum FieldDataType { BOOLEAN DATE DATETIME INTEGER REAL SPATIAL STRING TABLE TUPLE UNKNOWN }
enum FieldRole { DIMENSION MEASURE UNKNOWN }
type ColumnField implements Field {
  id: ID! name: String description: String isHidden: Boolean folderName: String
  dataType: FieldDataType role: FieldRole
}
type CalculatedField implements Field {
  id: ID! name: String description: String isHidden: Boolean folderName: String
  dataType: FieldDataType role: FieldRole formula: String
}
type BinField implements Field {
  id: ID! name: String description: String isHidden: Boolean folderName: String
  dataType: FieldDataType role: FieldRole formula: String binSize: String
}
type GroupField implements Field {
  id: ID! name: String description: String isHidden: Boolean folderName: String
  dataType: FieldDataType role: FieldRole hasOther: Boolean
}
type HierarchyField implements Field {
  id: ID! name: String description: String isHidden: Boolean folderName: String
}
type DatasourceField implements Field {
  id: ID! name: String description: String isHidden: Boolean folderName: String remoteField: Field
}
type DatabaseTable {
  id: ID! name: String fullName: String schema: String connectionType: String isEmbedded: Boolean
  database: Database
}
type Database { id: ID! name: String connectionType: String }
"""


def luid(kind: str, number: int) -> str:
    """The id of something, as Tableau makes them."""
    return f"{kind.encode().hex()[:8]}-0000-4000-8000-{number:012d}"


@cache
def _schema() -> Any:
    from graphql import build_schema

    return build_schema(SCHEMA)


def run(told: Mapping[str, Any], there: Mapping[str, Sequence[Json]], most: int) -> Json:
    """The answer to a question about what is there, by the name of its connection.

    Of an answer of more than `most` nodes a part is given, with an error that says so.
    """
    from graphql import graphql_sync

    root = {f"{name}Connection": _connection(found) for name, found in there.items()}
    made = graphql_sync(
        _schema(),
        told["query"],
        root,
        variable_values=told.get("variables"),
        operation_name=told.get("operationName"),
    )
    errors = [{"message": each.message} for each in made.errors or ()]
    if made.data is not None and _nodes(made.data) > most:
        for each in made.data.values():
            each["nodes"] = each["nodes"][:1]
        errors.append(too_many(most))
    return {"data": made.data, **({"errors": errors} if errors else {})}


def too_many(most: int) -> Json:
    """The error of an answer that is cut."""
    said = f"Showing partial results. The request exceeded the {most} node limit. Use pagination."
    return {
        "message": said,
        "extensions": {
            "severity": "WARNING",
            "code": "NODE_LIMIT_EXCEEDED",
            "properties": {"nodeLimit": most},
        },
    }


def _connection(found: Sequence[Json]) -> Any:
    def resolve(
        info: Any,
        first: int = 100,
        after: str | None = None,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - the schema says so
    ) -> Json:
        kept = [each for each in found if _matches(each, filter or {})]
        start = int(base64.b64decode(after)) if after else 0
        end = start + first
        more = len(kept) > end
        cursor = base64.b64encode(str(end).encode()).decode()
        page = {"hasNextPage": more, "endCursor": cursor}
        return {"nodes": kept[start:end], "pageInfo": page, "totalCount": len(kept)}

    return resolve


def _matches(node: Json, wanted: Mapping[str, Any]) -> bool:
    for key, value in wanted.items():
        name = key.removesuffix("Within")
        if node[name] not in (value if key.endswith("Within") else [value]):
            return False
    return True


def _nodes(data: Json) -> int:
    """Objects in an answer."""
    return sum(1 for _ in _objects(data))


def _objects(data: Json) -> Iterator[Json]:
    if isinstance(data, dict):
        yield data
    for each in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _objects(each)


# --- what there is ---


def graph(workbooks: Sequence[int], sources: int) -> dict[str, list[Json]]:
    """The nodes of a site with these workbooks, and so many published data sources."""
    books = [_workbook(each) for each in workbooks]
    published = [_published(at) for at in range(1, sources + 1)]
    return {
        "workbooks": books,
        "publishedDatasources": published,
        "embeddedDatasources": [each for at in books for each in _embedded(at, published)],
    }


def _workbook(number: int) -> Json:
    made = {"__typename": "Workbook", "id": luid("meta", number), "luid": luid("work", number)}
    return {**made, "name": f"Workbook {number}"}


def _published(number: int) -> Json:
    table = TABLES[number % len(TABLES)]
    return {
        "__typename": "PublishedDatasource",
        "id": luid("publ", number),
        "luid": luid("data", number),
        "name": f"Source {number}",
        "fields": _fields(f"publ{number}"),
        "upstreamTables": [_table(table), _table("prices.csv", "textscan")],
    }


def _embedded(workbook: Json, published: list[Json]) -> list[Json]:
    """One that stands for a published one, and for each second workbook one of its own."""
    number = int(workbook["luid"][-12:])
    made = []
    if published:
        above = published[number % len(published)]
        stand_ins = [_stand_in(each, number) for each in above["fields"]]
        told = {"upstreamDatasources": [above], "fields": stand_ins}
        tables = above["upstreamTables"]
        made.append(_source(workbook, 1, above["name"], {**told, "upstreamTables": tables}))
    if number % 2:
        tables = [_table(TABLES[number % len(TABLES)])]
        told = {"upstreamDatasources": [], "fields": _fields(f"embe{number}")}
        made.append(_source(workbook, 2, "Extra", {**told, "upstreamTables": tables}))
    return made


def _source(workbook: Json, at: int, name: str, told: Json) -> Json:
    identity = luid("embe", int(workbook["luid"][-12:]) * 10 + at)
    made = {"__typename": "EmbeddedDatasource", "id": identity, "name": name}
    return {**made, "workbook": workbook, **told}


def _fields(whose: str) -> list[Json]:
    told: tuple[tuple[str, str, Json], ...] = (
        ("ColumnField", "Order ID", {"dataType": "INTEGER", "role": "DIMENSION"}),
        ("ColumnField", "Ordered", {"dataType": "DATETIME", "role": "DIMENSION"}),
        ("ColumnField", "Price", {"dataType": "REAL", "role": "MEASURE", "description": "In EUR."}),
        (
            "CalculatedField",
            "Profit",
            {"dataType": "REAL", "role": "MEASURE", "formula": "SUM([Price]) - SUM([Cost])"},
        ),
        ("GroupField", "Continent", {"dataType": "STRING", "role": "DIMENSION"}),
        ("HierarchyField", "Place", {}),
    )
    return [
        {"__typename": kind, "id": f"{whose}-{at}", "name": name, **more}
        for at, (kind, name, more) in enumerate(told)
    ]


def _stand_in(field: Json, number: int) -> Json:
    """What an embedded data source has instead of a field of a published one."""
    made = {"__typename": "DatasourceField", "id": f"{field['id']}-{number}"}
    return {**made, "name": field["name"], "remoteField": field}


def _table(name: str, kind: str = "postgres") -> Json:
    database = {"id": f"db-{kind}", "name": "shop", "connectionType": kind}
    schema = "inventory" if kind == "postgres" else ""
    return {
        "id": f"table-{name}",
        "name": name,
        "fullName": f"[{schema}].[{name}]",
        "schema": schema,
        "connectionType": kind,
        "isEmbedded": kind != "postgres",
        "database": database,
    }
