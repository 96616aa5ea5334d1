"""Deleting in OpenMetadata: exactly what is asked for, softly, and in few calls where it agrees."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from rayingest.core import fqn
from rayingest.core.sink import Answer
from rayingest.errors import ConfigError, SinkDown, SinkError, SinkUnauthorised
from rayingest.model import Database, DatabaseService, EntityType
from rayingest.sinks.openmetadata import removal
from rayingest.sinks.openmetadata.session import OpenMetadataSession
from rayingest.testing.catalogue import Faults, StrictCatalogue

from .world import (
    DATABASE,
    HOSTILE,
    PASSWORD,
    SCHEMA,
    SERVICE,
    TOKEN,
    openmetadata,
    small_database,
    table,
)

GONE = [table(name).fqn for name in HOSTILE[:5]]
STAY = [table(name).fqn for name in (*HOSTILE[5:], "rich")]
AT_ONCE, BY_NAME = "DELETE /tables/deleteStale", "DELETE /tables/name/*"


@contextmanager
def filled(catalogue: StrictCatalogue) -> Iterator[OpenMetadataSession]:
    """A session on a catalogue with a small database in it, its requests counted anew."""
    with openmetadata(catalogue).open() as session:
        for entity in small_database():
            row = session.encode(entity)
            session.write(row.type, [row])
        catalogue._state.counts.requests.clear()
        yield session


def delete(
    session: OpenMetadataSession, fqns: Sequence[str] = GONE, seen: Sequence[str] | None = STAY
) -> Sequence[Answer]:
    return session.delete("table", fqns, scope=SCHEMA.fqn, seen=seen)


def outcomes(answers: Sequence[Answer]) -> list[str]:
    return [answer.outcome for answer in answers]


def requests(catalogue: StrictCatalogue) -> dict[str, int]:
    return catalogue.stats["by"]


def tables(catalogue: StrictCatalogue, *, deleted: bool = False) -> set[str]:
    return set(catalogue.entities("tables", deleted=deleted))


def once(session: OpenMetadataSession, when: Callable[[str, Any], bool], then: Any) -> None:
    """Before the first call that `when` is true of, let somebody else do `then`."""
    real, waiting = session.client.call, [then]

    def call(method: str, path: str, content: Any = None, params: Any = None) -> Any:
        if waiting and when(path, content):
            waiting.pop()()
        return real(method, path, content, params)

    session.client.call = call


# --- at once ---


def test_what_the_server_agrees_to_is_deleted_in_two_calls(newer: StrictCatalogue) -> None:
    with filled(newer) as session:
        assert outcomes(delete(session)) == ["acknowledged"] * len(GONE)
    assert requests(newer) == {AT_ONCE: 2}
    assert tables(newer) == set(STAY)
    assert tables(newer, deleted=True) == set(GONE), "softly, every one of them"
    bodies = [each["body"] for each in newer.writes("databaseSchemas") if each["body"]]
    dry = next(body for body in bodies if "seenFqns" in body)
    assert dry == {
        "scopeFqn": SCHEMA.fqn,
        "scopeEntityType": "databaseSchema",
        "seenFqns": STAY,
        "recursive": True,
        "hardDelete": False,
        "dryRun": True,
    }


@pytest.mark.parametrize(
    ("entity_type", "scope", "label"),
    [
        ("databaseSchema", DATABASE.fqn, "DELETE /databaseSchemas/deleteStale"),
        ("database", SERVICE.fqn, "DELETE /databases/deleteStale"),
    ],
)
def test_schemas_and_databases_go_at_once_too(
    newer: StrictCatalogue, entity_type: str, scope: str, label: str
) -> None:
    with filled(newer) as session:
        names = [fqn.child(scope, f"old.{number}") for number in range(3)]
        parent = {"database": "service", "databaseSchema": "database"}[entity_type]
        for number in range(3):
            newer.seed(f"{entity_type}s", {"name": f"old.{number}", parent: scope})
        stay = [DATABASE.fqn if entity_type == "database" else SCHEMA.fqn]
        answers = session.delete(entity_type, names, scope=scope, seen=stay)
    assert outcomes(answers) == ["acknowledged"] * 3
    assert requests(newer) == {label: 2}
    assert tables(newer) == {*GONE, *STAY}


def test_what_somebody_else_put_there_is_not_deleted(newer: StrictCatalogue) -> None:
    with filled(newer) as session:
        newer.seed("tables", {"name": "by hand", "databaseSchema": SCHEMA.fqn, "columns": []})
        assert outcomes(delete(session)) == ["acknowledged"] * len(GONE)
    assert requests(newer) == {AT_ONCE: 1, BY_NAME: len(GONE)}
    assert tables(newer) == {*STAY, fqn.child(SCHEMA.fqn, "by hand")}


def test_what_is_gone_already_is_not_asked_for_at_once(newer: StrictCatalogue) -> None:
    with filled(newer) as session:
        delete(session, GONE[:1])
        wanted = ["unchanged", *["acknowledged"] * (len(GONE) - 1)]
        assert outcomes(delete(session)) == wanted
    assert requests(newer) == {AT_ONCE: 1, BY_NAME: 1 + len(GONE)}
    assert tables(newer) == set(STAY)


def test_what_comes_between_the_dry_run_and_the_deletion_is_restored(
    newer: StrictCatalogue,
) -> None:
    new = {"name": "just.now", "databaseSchema": SCHEMA.fqn, "columns": []}
    with filled(newer) as session:
        once(
            session,
            lambda path, body: "deleteStale" in path and b'"dryRun":false' in body,
            lambda: newer.seed("tables", new),
        )
        assert outcomes(delete(session)) == ["acknowledged"] * len(GONE)
    assert tables(newer) == {*STAY, fqn.child(SCHEMA.fqn, "just.now")}
    assert tables(newer, deleted=True) == set(GONE)
    assert requests(newer)["PUT /tables/restore"] == 1


@pytest.mark.parametrize(
    ("faults", "why"),
    [
        (Faults(status_for_next=[(403, 1)], only="/restore"), "403"),
        (Faults(status_for_next=[(404, 1)], only="GET .*just"), "404"),
        (Faults(down_next=4, only="/restore"), "does not answer"),
    ],
)
def test_what_cannot_be_restored_is_said(
    newer: StrictCatalogue, faults: Faults, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    new = {"name": "just.now", "databaseSchema": SCHEMA.fqn, "columns": []}
    with filled(newer) as session:
        newer.faults = faults
        once(
            session,
            lambda path, body: "deleteStale" in path and b'"dryRun":false' in body,
            lambda: newer.seed("tables", new),
        )
        delete(session)
    assert "just.now" in caplog.text
    assert why in caplog.text.partition("could not be restored: ")[2]


def test_few_or_unknown_or_too_many_go_one_by_one(
    newer: StrictCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with filled(newer) as session:
        assert outcomes(delete(session, GONE[:2], [*GONE[2:], *STAY])) == ["acknowledged"] * 2
        assert outcomes(delete(session, GONE[2:], None)) == ["acknowledged"] * 3
        monkeypatch.setattr(removal, "MOST_SEEN", len(STAY) - 4)
        assert outcomes(delete(session, STAY[:3], STAY[3:])) == ["acknowledged"] * 3
    assert requests(newer) == {BY_NAME: 8}
    assert tables(newer) == set(STAY[3:])


def test_an_older_server_is_asked_once_whether_it_can(catalogue: StrictCatalogue) -> None:
    with filled(catalogue) as session:
        assert outcomes(delete(session, GONE[:3])) == ["acknowledged"] * 3
        assert outcomes(delete(session, STAY[:3], STAY[3:])) == ["acknowledged"] * 3
    assert requests(catalogue) == {AT_ONCE: 1, BY_NAME: 6}
    assert tables(catalogue) == {*GONE[3:], *STAY[3:]}


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 500])
@pytest.mark.parametrize("fine", [0, 1])
def test_a_server_that_refuses_either_call_is_asked_one_by_one(
    newer: StrictCatalogue, status: int, fine: int
) -> None:
    with filled(newer) as session:
        newer.faults = Faults(status_for_next=[(0, fine), (status, 1)], only="deleteStale")
        assert outcomes(delete(session)) == ["acknowledged"] * len(GONE)
    assert requests(newer) == {AT_ONCE: 1 + fine, BY_NAME: len(GONE)}
    assert tables(newer) == set(STAY)


@pytest.mark.parametrize("torn", [1, 2, 3])
def test_a_torn_answer_is_asked_for_again(newer: StrictCatalogue, torn: int) -> None:
    with filled(newer) as session:
        newer.faults = Faults(torn_next=torn, only="deleteStale")
        assert set(outcomes(delete(session))) <= {"acknowledged", "unchanged"}
    assert tables(newer) == set(STAY)
    assert tables(newer, deleted=True) == set(GONE)


def test_a_deletion_whose_answer_is_lost_is_seen_to_one_by_one(newer: StrictCatalogue) -> None:
    with filled(newer) as session:
        newer.faults = Faults()
        once(
            session,
            lambda path, body: "deleteStale" in path and b'"dryRun":false' in body,
            lambda: setattr(newer, "faults", Faults(torn_next=1, only="deleteStale")),
        )
        assert outcomes(delete(session)) == ["unchanged"] * len(GONE)
    assert requests(newer) == {AT_ONCE: 3, BY_NAME: len(GONE)}
    assert tables(newer, deleted=True) == set(GONE)


NAMES = {"successRequest": [{"request": "a", "status": 200}, {"request": "b"}]}
SUCCESS = {**NAMES, "dryRun": True, "status": "success", "numberOfRowsProcessed": 2}


@pytest.mark.parametrize(
    ("told", "names"),
    [
        (SUCCESS, {"a", "b"}),
        ({**SUCCESS, "dryRun": False}, None),
        ({**SUCCESS, "status": "partialSuccess"}, None),
        ({**SUCCESS, "status": "running"}, None),
        ({**SUCCESS, "numberOfRowsProcessed": 3}, None),
        ({**SUCCESS, "successRequest": [{"request": {"id": 1}}, {"request": "b"}]}, None),
        ({**SUCCESS, "successRequest": None}, None),
        (NAMES, None),
        ([], None),
        ("yes", None),
        (None, None),
    ],
)
def test_a_dry_run_that_leaves_a_doubt_is_no_consent(told: Any, names: Any) -> None:
    assert removal._deleted(told, dry=True) == names


def test_what_a_deletion_says_is_taken_for_what_it_is() -> None:
    partial = {**SUCCESS, "dryRun": False, "status": "partialSuccess", "numberOfRowsProcessed": 9}
    assert removal._deleted(partial, dry=False) == {"a", "b"}
    assert removal._deleted({"jobId": "1"}, dry=False) == set()


# --- one by one ---


@pytest.mark.parametrize("status", [400, 403, 409])
def test_one_refused_costs_no_other(catalogue: StrictCatalogue, status: int) -> None:
    with filled(catalogue) as session:
        catalogue.faults = Faults(status_for_next=[(0, 2), (status, 1)], only="DELETE .*/name/")
        answers = delete(session, seen=None)
    assert outcomes(answers) == [*["acknowledged"] * 2, "refused", *["acknowledged"] * 2]
    assert (answers[2].why or "").startswith(f"{status}: ")
    assert answers[2].hint
    assert tables(catalogue) == {*STAY, GONE[2]}


def test_who_may_not_delete_is_told_which_role_to_ask_for(catalogue: StrictCatalogue) -> None:
    with filled(catalogue) as session:
        catalogue.forbidden = True
        answers = delete(session)
    assert outcomes(answers) == ["refused"] * len(GONE)
    assert all("may delete" in (answer.hint or "") for answer in answers)
    assert tables(catalogue) == {*GONE, *STAY}


def test_a_container_that_is_not_empty_goes_with_all_that_is_in_it(
    catalogue: StrictCatalogue,
) -> None:
    with filled(catalogue) as session:
        (answer,) = session.delete("database", [DATABASE.fqn], scope=SERVICE.fqn)
        assert answer.outcome == "acknowledged"
    assert requests(catalogue) == {"DELETE /databases/name/*": 1}
    assert tables(catalogue) == set()
    assert tables(catalogue, deleted=True) == {*GONE, *STAY}
    assert set(catalogue.entities("services/databaseServices")) == {SERVICE.fqn}


def test_a_404_of_a_proxy_is_looked_into_once(catalogue: StrictCatalogue) -> None:
    with filled(catalogue) as session:
        catalogue.faults = Faults(status_for_next=[(404, 2)], only="DELETE")
        assert outcomes(delete(session, GONE[:2])) == ["unchanged"] * 2
    assert requests(catalogue) == {BY_NAME: 2, "GET /tables": 1}


def test_a_404_of_a_proxy_that_hides_everything_is_no_deletion(catalogue: StrictCatalogue) -> None:
    with filled(catalogue) as session:
        catalogue.faults = Faults(fail_rate={404: 1})
        assert outcomes(delete(session)) == ["refused"] * len(GONE)
        catalogue.faults = Faults()
        assert outcomes(delete(session)) == ["acknowledged"] * len(GONE)


def test_a_collection_that_is_not_there_has_deleted_nothing(catalogue: StrictCatalogue) -> None:
    with openmetadata(catalogue, api_version="v9").open() as session:
        answers = delete(session)
        assert outcomes(answers) == ["refused"] * len(GONE)
        assert "version" in (answers[0].hint or "")
        (answer,) = session.delete("metric", ["m"], scope="s")
    assert (answer.outcome, answer.why) == ("refused", "metadata-rest has no place for metric")


def test_an_error_of_the_server_is_asked_about_again(catalogue: StrictCatalogue) -> None:
    with filled(catalogue) as session:
        catalogue.faults = Faults(status_for_next=[(500, 1)], only="DELETE .*/name/")
        assert outcomes(delete(session, seen=None)) == ["acknowledged"] * len(GONE)
        catalogue.faults = Faults(status_for_next=[(500, 2)], only="DELETE .*/name/")
        assert outcomes(delete(session, STAY[:2], None)) == ["refused", "acknowledged"]
        catalogue.faults = Faults(fail_rate={500: 1})
        with pytest.raises(SinkDown, match="every row"):
            delete(session, [table(f"t{number}").fqn for number in range(9)], None)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_waited_for(catalogue: StrictCatalogue, status: int) -> None:
    with filled(catalogue) as session:
        catalogue.faults = Faults(status_for_next=[(status, 3)])
        assert outcomes(delete(session, GONE[:1])) == ["acknowledged"]
        catalogue.faults = Faults(status_for_next=[(status, 4)])
        with pytest.raises(SinkDown, match=str(status)):
            delete(session, GONE[1:2])
        assert outcomes(delete(session, GONE[1:2])) == ["acknowledged"]


def test_a_torn_answer_to_a_single_deletion_is_harmless(catalogue: StrictCatalogue) -> None:
    with filled(catalogue) as session:
        catalogue.faults = Faults(torn_next=1, only="DELETE .*/name/")
        assert outcomes(delete(session, GONE[:2])) == ["unchanged", "acknowledged"]
    assert tables(catalogue, deleted=True) == set(GONE[:2])


def test_a_refused_token_stops_the_run(newer: StrictCatalogue) -> None:
    with filled(newer) as session:
        newer.expire_token()
        with pytest.raises(SinkUnauthorised, match="credentials"):
            delete(session)
        newer.set_token(TOKEN)
        assert outcomes(delete(session)) == ["acknowledged"] * len(GONE)


def test_a_server_that_is_gone_is_down_and_the_deletion_is_repeated(
    newer: StrictCatalogue,
) -> None:
    with filled(newer) as session:
        newer.faults = Faults(down_next=4)
        with pytest.raises(SinkDown):
            delete(session)
        newer.faults = Faults(down_next=4, only="name")
        with pytest.raises(SinkDown):
            delete(session, seen=None)
        assert outcomes(delete(session)) == ["acknowledged"] * len(GONE)


# --- what is deleted, and comes back ---


@pytest.mark.parametrize("bulk", [True, False])
def test_a_put_brings_back_what_was_deleted_softly(catalogue: StrictCatalogue, bulk: bool) -> None:
    with filled(catalogue) as session:
        ids = {name: body["id"] for name, body in catalogue.entities("tables").items()}
        delete(session)
        catalogue._state.counts.requests.clear()
        rows = [session.encode(table(name)) for name in HOSTILE[:5]]
        for some in [rows] if bulk else [[row] for row in rows]:
            assert set(outcomes(session.write("table", some))) == {"acknowledged"}
    assert tables(catalogue) == {*GONE, *STAY}
    back = {name: body["id"] for name, body in catalogue.entities("tables").items()}
    assert back == ids, "the same entities, with all that people wrote about them"
    path = "PUT /tables/bulk" if bulk else "PUT /tables"
    assert requests(catalogue) == {path: 1 if bulk else len(rows)}, "no restore is needed"


def test_a_service_that_was_deleted_is_written_again(catalogue: StrictCatalogue) -> None:
    with filled(catalogue) as session:
        session.delete("databaseService", [SERVICE.fqn], scope="")
        assert catalogue.entities("services/databaseServices") == {}
        for entity in small_database():
            row = session.encode(entity)
            assert outcomes(session.write(row.type, [row])) == ["acknowledged"]
    assert tables(catalogue) == {*GONE, *STAY}


# --- dry runs, counts, secrets ---


def test_a_dry_run_only_reads(newer: StrictCatalogue) -> None:
    with filled(newer):
        pass
    with openmetadata(newer).open(dry_run=True) as session:
        answers = delete(session, [*GONE, f"{SCHEMA.fqn}.no"])
        assert outcomes(answers) == [*["acknowledged"] * len(GONE), "unchanged"]
        newer.forbidden = True
        (answer,) = delete(session, GONE[:1])
        assert (answer.outcome, bool(answer.hint)) == ("refused", True)
        (answer,) = session.delete("metric", ["m"], scope="s")
        assert answer.outcome == "refused"
    assert set(requests(newer)) == {"GET /tables/name/*"}
    assert tables(newer) == {*GONE, *STAY}


def test_a_count_is_one_call_and_small(catalogue: StrictCatalogue) -> None:
    with filled(catalogue) as session:
        assert session.catalogue.count(EntityType.TABLE, SCHEMA.fqn) == len(GONE + STAY)
        assert requests(catalogue) == {"GET /tables": 1}
        delete(session, GONE[:2])
        assert session.catalogue.count(EntityType.TABLE, SCHEMA.fqn) == len(GONE + STAY) - 2


def test_what_no_filter_of_the_api_says_is_not_counted(catalogue: StrictCatalogue) -> None:
    """A parameter that the server does not know it ignores, and counts everything."""
    dotted = DatabaseService(name="pg.1", fqn=fqn.join("pg.1"), service_type="Postgres")
    below = Database(name="d", fqn=fqn.child(dotted.fqn, "d"), service=dotted.fqn)
    with filled(catalogue) as session:
        for entity in (dotted, below):
            row = session.encode(entity)
            session.write(row.type, [row])
        before = session.calls
        count = session.catalogue.count
        assert count(EntityType.TABLE, SERVICE.fqn) is None
        assert count(EntityType.STORED_PROCEDURE, DATABASE.fqn) is None
        assert count(EntityType.DATABASE_SCHEMA, SERVICE.fqn) is None
        assert count(EntityType.DASHBOARD, SCHEMA.fqn) is None
        assert count(EntityType.DATABASE, dotted.fqn) is None, "compared to the service's name"
        assert session.calls == before
        (listed,) = session.catalogue.list(EntityType.DATABASE, dotted.fqn)
        assert listed["fullyQualifiedName"] == below.fqn
        assert len(list(session.catalogue.list(EntityType.STORED_PROCEDURE, DATABASE.fqn))) == 1


def test_a_count_that_cannot_be_had_is_none_or_an_error(catalogue: StrictCatalogue) -> None:
    with filled(catalogue) as session:
        catalogue.faults = Faults(status_for_next=[(404, 1)])
        assert session.catalogue.count(EntityType.TABLE, SCHEMA.fqn) is None
        catalogue.faults = Faults(status_for_next=[(500, 1)])
        with pytest.raises(SinkError, match="500"):
            session.catalogue.count(EntityType.TABLE, SCHEMA.fqn)


def test_the_identity_is_the_address_without_secrets(catalogue: StrictCatalogue) -> None:
    sink = openmetadata(catalogue)
    assert sink.identity == f"openmetadata:{catalogue.url}/v1"
    assert openmetadata(catalogue, host_port=f"{catalogue.url}/").identity == sink.identity


def test_no_secret_in_answers_errors_requests_or_logs(
    newer: StrictCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = []
    with filled(newer) as session:
        newer._state.log.clear()
        for fault in (
            Faults(),
            Faults(status_for_next=[(403, 9)]),
            Faults(fail_rate={500: 1}),
            Faults(down_next=4),
            Faults(status_for_next=[(401, 2)]),
            Faults(html=True),
        ):
            newer.faults = fault
            try:
                seen.append(repr((session, delete(session))))
            except (SinkDown, SinkUnauthorised, ConfigError) as error:
                seen.append(repr((error, error.hint, error.__dict__)))
        newer.faults = Faults()
        seen.append(repr(newer.log))
    everything = "\n".join([*seen, caplog.text])
    assert "500" in everything
    assert "deleteStale" in everything
    assert TOKEN not in everything
    assert PASSWORD not in everything
