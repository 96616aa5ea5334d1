"""The oracle of the benchmarks notices whatever is missing, wrong or too much."""

import copy
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import rayingest as ri
from rayingest.testing import StrictCatalogue
from rayingest.testing.hostile import hostile
from rayingest.testing.postgres import Server
from rayingest.testing.shop import ROLES, Shop, shop

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SERVICE, DATABASE = "pg.shop", "facets"
Entities = dict[str, dict[str, Any]]


def _facets() -> Callable[..., list[str]]:
    spec = importlib.util.spec_from_file_location("facets_oracle", BENCHMARKS / "facets.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[..., list[str]] = module.facets
    return found


facets = _facets()


class World:
    """A database, and what arrived of it."""

    def __init__(self, server: Server, contracts: Path, made: Shop, folder: Path) -> None:
        self.server = server
        server.create(DATABASE)
        with server.connect(DATABASE) as connection:
            made.fill(connection)
        with StrictCatalogue(contracts) as catalogue:
            for name in (server.user, *ROLES, "pg_database_owner"):
                catalogue.add_user(name)
            self.run = ri.load(_config(folder, server, catalogue)).run()
            self.arrived = {
                name: catalogue.entities(name)
                for name in (
                    "services/databaseServices",
                    "databases",
                    "databaseSchemas",
                    "tables",
                    "storedProcedures",
                    "classifications",
                    "tags",
                    "users",
                )
            }

    def differences(self, arrived: Mapping[str, Entities]) -> list[str]:
        with self.server.connect(DATABASE) as connection:
            return facets(connection, lambda name: arrived[name], SERVICE)


def _config(folder: Path, server: Server, catalogue: StrictCatalogue) -> Path:
    wanted = {"type": "DatabaseMetadata", "includeOwners": True, "includeDDL": True}
    connection = {"config": server.config(DATABASE)}
    security = {"jwtToken": "a-token"}
    path = folder / "config.yaml"
    config = {
        "source": {
            "type": "postgres",
            "serviceName": SERVICE,
            "serviceConnection": connection,
            "sourceConfig": {"config": wanted | {"includeTags": True}},
        },
        "sink": {"type": "metadata-rest", "config": {}},
        "workflowConfig": {
            "openMetadataServerConfig": {"hostPort": catalogue.url, "securityConfig": security}
        },
    }
    path.write_text(yaml.safe_dump(config), "utf-8")
    return path


@pytest.fixture(scope="module")
def world(postgres: Server, contracts: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(postgres, contracts, shop(60), tmp_path_factory.mktemp("facets"))


def test_a_shop_arrives_whole(world: World) -> None:
    assert world.run.ok
    assert world.differences(world.arrived) == []


def test_hostile_names_arrive_whole(postgres: Server, contracts: Path, tmp_path: Path) -> None:
    hostile_world = World(postgres, contracts, hostile(), tmp_path)
    assert hostile_world.differences(hostile_world.arrived) == []


def _one(entities: Entities, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    return next(each for each in entities.values() if wanted(each))


def _column(entities: Entities, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    return next(
        column for each in entities.values() for column in each["columns"] if wanted(column)
    )


def _set(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        assert body.get(key) != value
        body[key] = value

    return change


def _drop(key: str) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        del body[key]

    return change


Body = Callable[[dict[str, Any]], object]
CONSTRAINED = "tableConstraints"


def _referring(body: dict[str, Any]) -> bool:
    return any(each.get("referredColumns") for each in body.get(CONSTRAINED) or ())


def _first(key: str) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        body[key] = body[key][1:]

    return change


def _swap(key: str) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        body[key] = [*reversed(body[key])]

    return change


def _unrelated(body: dict[str, Any]) -> None:
    for each in body[CONSTRAINED]:
        if "relationshipType" in each:
            each["relationshipType"] = "ONE_TO_MANY"


def _elsewhere(body: dict[str, Any]) -> None:
    for each in body[CONSTRAINED]:
        if each.get("referredColumns"):
            each["referredColumns"] = [f"{name}_" for name in each["referredColumns"]]


def _clipped(key: str) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        body[key] = body[key][: len(body[key]) // 2]

    return change


def _uncoded(body: dict[str, Any]) -> None:
    body["storedProcedureCode"]["code"] = body["storedProcedureCode"]["code"][:60]


def _misspoken(body: dict[str, Any]) -> None:
    body["storedProcedureCode"]["language"] = "Python"


OF_ENTITIES: dict[str, tuple[str, Body, Callable[[dict[str, Any]], None]]] = {
    "service type": ("services/databaseServices", bool, _set("serviceType", "Mysql")),
    "database owner": ("databases", bool, _drop("owners")),
    "schema comment": ("databaseSchemas", bool, _drop("description")),
    "schema owner": ("databaseSchemas", bool, _drop("owners")),
    "schema's database": ("databaseSchemas", bool, _set("database", "other")),
    "table type": ("tables", bool, _set("tableType", "Iceberg")),
    "table comment": ("tables", lambda it: "description" in it, _set("description", "?")),
    "table owner": ("tables", bool, _set("owners", [])),
    "table name": ("tables", bool, _set("name", "other")),
    "table display name": ("tables", bool, _set("displayName", "Other")),
    "table's schema": ("tables", bool, _set("databaseSchema", "other")),
    "table tags": ("tables", lambda it: it.get("tags"), _set("tags", [])),
    "column names and order": ("tables", lambda it: len(it["columns"]) > 1, _swap("columns")),
    "table constraints": ("tables", lambda it: it.get(CONSTRAINED), _first(CONSTRAINED)),
    "foreign key": ("tables", _referring, _elsewhere),
    "relationship": ("tables", _referring, _unrelated),
    "partitions": ("tables", lambda it: it["tableType"] == "Partitioned", _drop("tablePartition")),
    "view definition": (
        "tables",
        lambda it: it["tableType"] == "View",
        _clipped("schemaDefinition"),
    ),
    "stored view": (
        "tables",
        lambda it: it["tableType"] == "MaterializedView",
        _drop("schemaDefinition"),
    ),
    "DDL": ("tables", lambda it: it["tableType"] == "Regular", _clipped("schemaDefinition")),
    "DDL of a foreign table": (
        "tables",
        lambda it: it["tableType"] == "Foreign",
        _drop("schemaDefinition"),
    ),
    "routine code": ("storedProcedures", bool, _uncoded),
    "routine language": ("storedProcedures", bool, _misspoken),
    "routine comment": ("storedProcedures", lambda it: "description" in it, _drop("description")),
    "routine owner": ("storedProcedures", bool, _drop("owners")),
    "routine type": ("storedProcedures", bool, _set("storedProcedureType", "StoredPackage")),
    "tag description": ("tags", bool, _set("description", "?")),
}
OF_COLUMNS: dict[str, tuple[Body, Callable[[dict[str, Any]], None]]] = {
    "position": (bool, _set("ordinalPosition", 99)),
    "type": (bool, _set("dataType", "UNKNOWN")),
    "type as shown": (bool, _set("dataTypeDisplay", "other")),
    "comment": (lambda it: "description" in it, _drop("description")),
    "primary key": (lambda it: it["constraint"] == "PRIMARY_KEY", _set("constraint", "NOT_NULL")),
    "unique key": (lambda it: it["constraint"] == "UNIQUE", _set("constraint", "NULL")),
    "nullability": (lambda it: it["constraint"] == "NULL", _set("constraint", "NOT_NULL")),
    "length": (lambda it: it.get("dataLength", 0) > 1, _set("dataLength", 1)),
    "precision": (lambda it: it.get("precision"), _drop("precision")),
    "scale": (lambda it: it.get("scale"), _set("scale", 0)),
    "element": (lambda it: it["dataType"] == "ARRAY", _set("arrayDataType", "UNKNOWN")),
    "enum": (lambda it: it["dataType"] == "ENUM", _set("dataType", "VARCHAR")),
}


@pytest.mark.parametrize("facet", OF_ENTITIES)
def test_a_wrong_entity_is_noticed(world: World, facet: str) -> None:
    arrived = copy.deepcopy(world.arrived)
    collection, wanted, change = OF_ENTITIES[facet]
    change(_one(arrived[collection], wanted))
    assert world.differences(arrived)


@pytest.mark.parametrize("facet", OF_COLUMNS)
def test_a_wrong_column_is_noticed(world: World, facet: str) -> None:
    arrived = copy.deepcopy(world.arrived)
    wanted, change = OF_COLUMNS[facet]
    change(_column(arrived["tables"], wanted))
    assert world.differences(arrived)


@pytest.mark.parametrize(
    "collection",
    ["databases", "databaseSchemas", "tables", "storedProcedures", "tags", "classifications"],
)
def test_a_missing_entity_is_noticed(world: World, collection: str) -> None:
    arrived = copy.deepcopy(world.arrived)
    arrived[collection].popitem()
    assert world.differences(arrived)


@pytest.mark.parametrize(
    "collection", ["databases", "databaseSchemas", "tables", "storedProcedures"]
)
def test_an_entity_too_many_is_noticed(world: World, collection: str) -> None:
    arrived = copy.deepcopy(world.arrived)
    name, body = next(iter(arrived[collection].items()))
    arrived[collection][f"{name}_"] = body
    assert world.differences(arrived)
