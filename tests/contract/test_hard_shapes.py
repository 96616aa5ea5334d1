"""The hard shapes of real sources, as small fakes, through both engines."""

from uuid import uuid4

import pytest

from rayingest.errors import ConfigError
from rayingest.sinks.memory import Memory
from rayingest.testing import StrictCatalogue
from rayingest.testing.shapes import (
    CHANGES,
    CLONE,
    LINEAGE,
    SCAN,
    SHARED,
    SHARED_AND_DESCRIBED,
    STORE,
    SUM,
    ShapeStage,
)
from tests.execute.runs import run

ENGINES = [
    pytest.param("sequential", id="sequential"),
    pytest.param("threads", id="threads"),
    pytest.param("ray", id="ray", marks=pytest.mark.ray),
]


@pytest.fixture(params=ENGINES)
def through(request, tmp_path):
    """Run a stage through one engine: the outcome of the run."""
    engine = {"sequential": ("local", 1), "threads": ("local", 8)}.get(request.param)
    if engine is None:
        engine = (request.getfixturevalue("shared_ray"), 8)

    def go(stage, **more):
        return run(stage, tmp_path, *engine, **more)

    return go


def stage(shape, connection=None, sink=None):
    return ShapeStage(shape, sink or Memory(name=uuid4().hex), connection)


def names(outcome, kind="table"):
    return sorted(name.rpartition(".")[2] for of, name in outcome.entities if of == kind)


def test_a_scan_expands_into_descriptors_that_are_counted_when_they_appear(through):
    outcome = through(stage(SCAN))
    assert outcome.report.types["container"]["ok"] == 5
    assert outcome.report.types["table"]["discovered"] == outcome.report.types["table"]["ok"] == 10
    assert names(outcome) == sorted(f"w{w}-t{t}" for w in range(5) for t in range(w))


def test_what_the_source_works_on_is_begun_once_even_when_a_run_is_stopped_meanwhile(
    through, tmp_path
):
    begun = tmp_path / "begun"
    scanned = stage(SCAN, str(begun))
    stopped = through(scanned, name="night", stop=lambda snapshot: snapshot.at_source == 5)
    assert stopped.report.state == "stopped"
    assert stopped.report.types["container"]["ok"] == 0
    went_on = through(scanned, name="night", resume=True)
    assert went_on.report.state == "success"
    assert sorted(begun.read_text().split()) == [f"w{n}" for n in range(5)]
    assert len(names(went_on)) == 10


def test_what_the_source_works_on_for_too_long_has_failed_and_says_what_to_raise(through):
    outcome = through(stage(SCAN), job_timeout=0.2)
    assert outcome.report.types["container"]["failed"] == 5
    (group,) = outcome.report.errors
    assert "jobTimeoutSeconds" in group.hint


def test_what_is_shared_is_built_once_per_run_and_reaches_every_worker(through, tmp_path):
    built = tmp_path / "built"
    outcome = through(stage(CLONE, str(built)))
    assert built.read_text() == "built\n"
    told = {body["name"]: body["description"] for body in outcome.entities.values()}
    assert told == {f"t{n}": f"from the clone: {n}" for n in range(12)}


def test_a_clone_that_fails_is_said_before_anything_is_done(tmp_path):
    with pytest.raises(ConfigError, match="cannot be cloned") as caught:
        run(stage(CLONE, str(tmp_path / "fail")), tmp_path)
    assert caught.value.hint


def test_a_fact_reaches_another_services_entity_and_an_unknown_one_is_counted(through):
    from rayingest.sinks.openmetadata import OpenMetadata
    from rayingest.sinks.openmetadata.settings import Login, Server

    with StrictCatalogue(validate="off") as catalogue:
        for service in ("shape", "other"):
            catalogue.seed(
                "services/databaseServices", {"name": service, "serviceType": "CustomDatabase"}
            )
            catalogue.seed("databases", {"name": "db", "service": service})
            catalogue.seed("databaseSchemas", {"name": "s", "database": f"{service}.db"})
        origin = {"name": "origin", "databaseSchema": "other.db.s", "columns": []}
        catalogue.seed("tables", origin)
        server = Server(host_port=catalogue.url, login=Login(kind="headers"))
        outcome = through(stage(LINEAGE, sink=OpenMetadata(server=server)))
        edges = catalogue.entities("lineage")
    assert outcome.report.state == "success", outcome.report.errors
    assert sorted(edges) == sorted(f"other.db.s.origin -> shape.db.s.t{n}" for n in range(1, 12))
    assert outcome.report.unresolved == 1


def test_a_sum_is_made_once_per_scope_and_never_short_of_a_shard(through):
    outcome = through(stage(SUM))
    sums = {
        (body["key"], body["targetFqn"].rpartition(".")[2]): body["payload"]["count"]
        for (kind, _), body in outcome.entities.items()
        if kind == "usage"
    }
    assert sums == {("monday", "orders"): 15, ("monday", "customers"): 6}
    assert outcome.report.state == "partialSuccess"
    assert outcome.report.types["container"]["failed"] == 1
    assert any("tuesday" in each for each in outcome.report.not_listed)


def test_prefixes_in_prefixes_are_each_listed_once(through):
    outcome = through(stage(STORE))
    prefixes = ("a", "b", "a_x", "a_y", "a_x_deep")
    assert names(outcome) == sorted(f"{prefix}-{n}" for prefix in prefixes for n in range(2))
    assert outcome.report.types["table"]["discovered"] == 10


@pytest.mark.parametrize("shape", [SHARED, SHARED_AND_DESCRIBED], ids=["listed", "described"])
def test_what_is_listed_in_two_places_is_counted_in_both_and_the_run_ends(through, shape):
    outcome = through(stage(shape), listed_twice=2)
    assert set(names(outcome)) == {"t0", "t1", "t2"}
    book = outcome.report.types["table"]
    assert (outcome.report.state, book["discovered"]) == ("success", 5)
    assert book["ok"] + book["unchanged"] == 5


def test_an_incremental_listing_tells_changes_and_removals_and_deletes_nothing_by_absence(through):
    outcome = through(stage(CHANGES))
    assert names(outcome) == ["t0", "t1"]
    assert outcome.report.state == "success"
    listed = [record for kind, record in outcome.run.records() if kind == "listed"]
    assert [each[0]["mode"] for each in listed] == ["changes"]
    removed = [record for kind, record in outcome.run.records() if kind == "removed"]
    assert [each[0]["id"] for each in removed] == ["t9"]
