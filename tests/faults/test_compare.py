"""A comparison tells how a run would differ from what another tool has written, and writes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

import rayingest as ri
from rayingest.api.comparison import Comparison
from rayingest.testing import StrictCatalogue

from ..running import TOKEN
from .toy import Place, Toys, register

COUNTS = ("same", "changed", "create", "only_there", "renamed", "filtered", "unknown")


@pytest.fixture
def toys(catalogue: StrictCatalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toys:
    """Nine tables and two procedures in `a`, three tables in `b`; somebody has ingested them."""
    register(monkeypatch)
    tables = {"a": dict.fromkeys((f"t{n}" for n in range(9)), 1), "b": {"x": 1, "y": 1, "z": 1}}
    toys = Toys(Place(tables, {"a": {"p": 1, "q": 1}}), catalogue, tmp_path)
    toys.run()
    return toys


@pytest.fixture
def put(toys: Toys) -> Callable[..., None]:
    """Write as another tool would."""

    def send(collection: str, **body: Any) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = httpx2.put(f"{toys.catalogue.url}/v1/{collection}", json=body, headers=headers)
        assert answer.is_success, answer.text

    return send


def table(name: str, schema: str = "svc.db.a", **more: Any) -> dict[str, Any]:
    """A create request that is just like that of a toy."""
    columns = more.pop("columns", [{"name": "id", "dataType": "INT", "ordinalPosition": 1}])
    columns = [{"dataLength": 1, **each} for each in columns]
    told = {"description": "version 1", "tableType": "Regular"} | more
    return {"name": name, "databaseSchema": schema, "columns": columns, **told}


def compare(toys: Toys, config: Path | None = None, **more: Any) -> Comparison:
    """Compare, and see that it changed nothing."""
    job = ri.load(config or toys.config(), flags={"engine": "local"})
    before = len(toys.catalogue.log), state(toys)
    made = job.compare(allow_untested=True, **more)
    assert (len(toys.catalogue.log), state(toys)) == before
    return made


def state(toys: Toys) -> list[Path]:
    return sorted(toys.folder.rglob("*"))


def counts(made: Comparison, kind: str = "table") -> dict[str, int]:
    told = made.types[kind]
    return {name: count for name in COUNTS if (count := getattr(told, name))}


def fields(made: Comparison) -> dict[str, tuple[str, bool, int]]:
    return {each.field: (each.how, each.kept, each.count) for each in made.fields}


def test_what_we_wrote_ourselves_is_the_same(toys: Toys) -> None:
    made = compare(toys)
    assert made.exit_code == 0
    assert counts(made) == {"same": 12}
    assert counts(made, "storedProcedure") == {"same": 2}
    assert counts(made, "databaseService") == {"same": 1}
    assert made.fields == []
    assert made.verdict == "18 the same, 0 differ, 0 only here, 0 only in the catalogue."


def test_an_empty_catalogue_is_to_be_filled(
    catalogue: StrictCatalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch)
    toys = Toys(Place({"a": {"t": 1}}), catalogue, tmp_path)
    made = compare(toys)
    assert counts(made) == {"create": 1}
    assert ("table", "svc.db.a.t") in made.create


def test_fields_are_told_one_by_one(toys: Toys, put: Callable[..., None]) -> None:
    columns = [
        {"name": "id", "dataType": "BIGINT", "ordinalPosition": 1, "description": "the key"},
        {"name": "extra", "dataType": "INT", "ordinalPosition": 2},
    ]
    put("tables", **table("t1", description="told by hand", columns=columns, tableType="View"))
    put("tables", **table("t2", columns=[{"name": "ID", "dataType": "INT"}]))
    heard: list[dict[str, Any]] = []
    made = compare(toys, tell=heard.append)
    assert counts(made) == {"same": 10, "changed": 2}
    assert {(each.field, each.how, each.kept, each.count) for each in made.fields} == {
        ("tableType", "differs", False, 1),
        ("columns[].dataType", "differs", False, 1),
        ("columns[]", "there", False, 2),
        ("columns[]", "here", False, 1),
        ("columns[].description", "there", True, 1),
        ("description", "differs", True, 1),
    }
    told = {each["fqn"]: {f["field"]: f for f in each["fields"]} for each in heard}
    assert told["svc.db.a.t1"]["columns[id].dataType"] == {
        "field": "columns[id].dataType",
        "how": "differs",
        "here": "INT",
        "there": "BIGINT",
    }
    assert set(told["svc.db.a.t2"]) == {"columns[id]", "columns[ID]"}


def test_what_people_edit_is_kept_unless_it_is_overridden(
    toys: Toys, put: Callable[..., None]
) -> None:
    put("tables", **table("t1", description="told by hand"))
    assert fields(compare(toys)) == {"description": ("differs", True, 1)}
    over = compare(toys, toys.config(overrideMetadata=True))
    assert fields(over) == {"description": ("differs", False, 1)}


def test_what_only_one_of_both_has(toys: Toys, put: Callable[..., None]) -> None:
    put("tables", **table("theirs"))
    toys.place.tables["b"]["ours"] = 1
    made = compare(toys)
    assert counts(made) == {"same": 12, "create": 1, "only_there": 1}
    assert made.create == [("table", "svc.db.b.ours")]
    assert made.only_there == [("table", "svc.db.a.theirs")]


def test_another_case_is_another_fqn(toys: Toys, put: Callable[..., None]) -> None:
    del toys.place.tables["a"]["t1"]
    toys.place.tables["a"]["T1"] = 1
    made = compare(toys)
    assert made.renamed == [("table", "svc.db.a.T1", "svc.db.a.t1")]
    assert counts(made) == {"same": 11, "renamed": 1}


def test_a_database_of_another_name_is_seen_through(toys: Toys, put: Callable[..., None]) -> None:
    put("databases", name="default", service="svc")
    put("databaseSchemas", name="c", database="svc.default")
    put("tables", **table("only", "svc.default.c"))
    toys.place.tables["c"] = {"only": 1}
    made = compare(toys)
    assert ("table", "svc.db.c.only", "svc.default.c.only") in made.renamed


def test_what_the_filters_leave_out_is_not_missing(toys: Toys) -> None:
    config = toys.config(schemaFilterPattern={"excludes": ["^b$"]})
    made = compare(toys, config)
    assert counts(made) == {"same": 9, "filtered": 3}
    assert counts(made, "databaseSchema") == {"same": 1, "filtered": 1}
    assert made.only_there == []


def test_what_could_not_be_read_is_unknown(toys: Toys) -> None:
    toys.place.fails.add("t3")
    made = compare(toys)
    assert counts(made) == {"same": 11, "unknown": 1}
    assert made.exit_code == 3
    toys.place.well()
    toys.place.partial.add("a")
    made = compare(toys)
    assert counts(made) == {"same": 7, "unknown": 5}
    assert made.only_there == []


def test_of_a_selection_nothing_is_missing(toys: Toys) -> None:
    made = compare(toys, select=["*.t1"])
    assert counts(made) == {"same": 1, "unknown": 11}


def test_a_source_that_breaks_fails_the_comparison(toys: Toys) -> None:
    toys.place.raises.add("a")
    made = compare(toys)
    assert made.exit_code == 1
    assert made.verdict.startswith("Failed: ")
    assert made.only_there == []


def test_foreign_keys_are_compared_as_they_will_be(toys: Toys) -> None:
    toys.place.refers["t1"] = "t2"
    made = compare(toys)
    assert fields(made) == {"tableConstraints": ("here", False, 1)}
    toys.run()
    assert counts(compare(toys)) == {"same": 12}
