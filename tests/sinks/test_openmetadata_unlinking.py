"""Deleting lineage edges in OpenMetadata: ours alone, and only those that a view's text was the reason for."""

from collections.abc import Iterator
from typing import Any

import pytest

from rayingest.core.sink import Answer
from rayingest.model import EntityType, Fact
from rayingest.sinks.openmetadata.session import OpenMetadataSession
from rayingest.testing.catalogue import Faults, StrictCatalogue

from .world import DATABASE, HOSTILE, SCHEMA, SERVICE, TOKEN, openmetadata, table


@pytest.fixture(params=["1.13.0", "2.0.2"])
def filled(request: pytest.FixtureRequest) -> Iterator[tuple[StrictCatalogue, OpenMetadataSession]]:
    """A catalogue of either kind, and a session that has written tables with hostile names."""
    with (
        StrictCatalogue(token=TOKEN, version=request.param) as catalogue,
        openmetadata(catalogue).open() as session,
    ):
        for entity in (SERVICE, DATABASE, SCHEMA, *(table(name) for name in (*HOSTILE, "a -> b"))):
            row = session.encode(entity)
            session.write(row.type, [row])
        yield catalogue, session


def put(session: OpenMetadataSession, source: str, target: str, origin: str = "ViewLineage") -> str:
    """Write an edge, and answer its name."""
    fact = Fact(
        target_type=EntityType.TABLE,
        target_fqn=table(target).fqn,
        kind="lineage",
        key=source,
        payload={
            "fromType": "table",
            "fromFqn": table(source).fqn,
            "details": {"source": origin},
        },
    )
    row = session.encode_fact(fact)
    assert session.write(row.type, [row])[0].outcome == "acknowledged"
    return row.fqn


def delete(session: OpenMetadataSession, *names: str) -> list[Answer]:
    return list(session.delete("lineage", names, scope=SCHEMA.fqn))


def edges(catalogue: StrictCatalogue) -> set[str]:
    return set(catalogue.entities("lineage"))


@pytest.mark.parametrize("name", [*HOSTILE, "a -> b"])
def test_an_edge_goes_whatever_its_ends_are_called(filled: Any, name: str) -> None:
    catalogue, session = filled
    gone, stays = put(session, name, "select"), put(session, "plain", name)
    assert [each.outcome for each in delete(session, gone)] == ["acknowledged"]
    assert edges(catalogue) == {stays}
    assert [each.outcome for each in delete(session, gone)] == ["unchanged"]


@pytest.mark.parametrize("origin", ["Manual", "QueryLineage", "DbtLineage"])
def test_an_edge_that_has_another_reason_by_now_stays(filled: Any, origin: str) -> None:
    catalogue, session = filled
    name = put(session, "plain", "select", origin)
    assert [each.outcome for each in delete(session, name)] == ["unchanged"]
    assert edges(catalogue) == {name}


def test_an_edge_of_a_table_that_is_gone_is_no_failure(filled: Any) -> None:
    _, session = filled
    name = put(session, "plain", "select")
    session.delete("table", [table("plain").fqn], scope=SCHEMA.fqn)
    assert [each.outcome for each in delete(session, name)] == ["unchanged"]


@pytest.mark.parametrize("status", [403, 500])
def test_a_server_that_does_not_delete_says_why(filled: Any, status: int) -> None:
    catalogue, session = filled
    name = put(session, "plain", "select")
    catalogue.faults = Faults(fail_rate={status: 1.0}, only="DELETE")
    (answer,) = delete(session, name)
    assert answer.outcome == "refused"
    assert (answer.why or "").startswith(f"{status}:")
    assert answer.hint
    assert edges(catalogue) == {name}


def test_a_server_without_such_a_path_has_deleted_nothing(
    filled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 404 for the path must not pass for one of the edge: the edge would be forgotten."""
    from rayingest.testing.strict import routes

    catalogue, session = filled
    name = put(session, "plain", "select")
    kept = tuple(each for each in routes.ROUTES if "getLineageEdge" not in each.pattern.pattern)
    monkeypatch.setattr(routes, "ROUTES", kept)
    assert [each.outcome for each in delete(session, name)] == ["refused"]
    assert edges(catalogue) == {name}


def test_a_dry_run_deletes_no_edge(filled: Any) -> None:
    catalogue, session = filled
    name = put(session, "plain", "select")
    with openmetadata(catalogue).open(dry_run=True) as dry:
        dry.delete("lineage", [name], scope=SCHEMA.fqn)
    assert edges(catalogue) == {name}
