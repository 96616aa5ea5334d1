"""Dashboards, charts and data models: how they are spelled, and what they refer to."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rayingest.core import fqn
from rayingest.core.sink import Row, Sink, SinkSession, identity
from rayingest.errors import ConfigError
from rayingest.model import (
    Chart,
    Column,
    Dashboard,
    DashboardDataModel,
    DashboardService,
    Entity,
    EntityType,
    Fact,
    Tag,
)
from rayingest.sinks.openmetadata import OpenMetadata
from rayingest.sinks.openmetadata.settings import Service
from rayingest.sinks.sql import Sql
from rayingest.sinks.sql.schema import DATABASES
from rayingest.testing.catalogue import StrictCatalogue

from .conftest import Harness
from .test_all_sinks import outcomes, write
from .world import HOSTILE, openmetadata

SERVICE = DashboardService(name="looker eu", fqn=fqn.join("looker eu"), service_type="Looker")
MODEL = fqn.child(SERVICE.fqn, "model")


@pytest.fixture
def sink(harness: Harness) -> Sink:
    """The harness's, without a connection to send: that of its world is a database's."""
    return bare(harness.sink)


def bare(sink: Sink) -> Sink:
    return replace(sink, service=Service()) if isinstance(sink, OpenMetadata) else sink


def into(catalogue: StrictCatalogue) -> AbstractContextManager[SinkSession]:
    return bare(openmetadata(catalogue)).open()


def chart(name: str, **more: Any) -> Chart:
    return Chart(name=name, fqn=fqn.child(SERVICE.fqn, name), service=SERVICE.fqn, **more)


def data_model(name: str) -> DashboardDataModel:
    return DashboardDataModel(
        name=name,
        fqn=fqn.child(MODEL, name),
        service=SERVICE.fqn,
        service_type="Looker",
        data_model_type="LookMlExplore",
        project="shop",
        columns=(
            Column(name="id", data_type="NUMBER", description="which"),
            Column(
                name="a>b", data_type="no such", tags=(Tag(classification="Looker", name="pii"),)
            ),
        ),
    )


def dashboard(
    name: str, charts: Sequence[Chart] = (), models: Sequence[DashboardDataModel] = ()
) -> Dashboard:
    return Dashboard(
        name=name,
        fqn=fqn.child(SERVICE.fqn, name),
        service=SERVICE.fqn,
        display_name=f"The {name}",
        description="what it shows",
        project="Finance / Board",
        source_url="https://looker.example/dashboards/1",
        charts=tuple(each.fqn for each in charts),
        data_models=tuple(each.fqn for each in models),
    )


CHARTS = [chart(name, chart_type="Bar", display_name="T") for name in HOSTILE]
MODELS = [data_model(name) for name in HOSTILE]
ALL: list[Entity] = [SERVICE, *MODELS, *CHARTS, dashboard("d", CHARTS, MODELS)]


def test_every_sink_takes_them_twice_and_has_them_once(harness: Harness, sink: Sink) -> None:
    with sink.open() as session:
        assert outcomes(write(session, ALL)) == {"acknowledged"}
        assert "refused" not in outcomes(write(session, ALL))
    assert harness.held("chart").keys() == {each.fqn for each in CHARTS}
    assert harness.held("dashboardDataModel").keys() == {each.fqn for each in MODELS}
    assert harness.held("dashboard") == {fqn.child(SERVICE.fqn, "d"): "what it shows"}


def test_what_is_deleted_is_gone_and_nothing_else(harness: Harness, sink: Sink) -> None:
    gone, *rest = CHARTS
    with sink.open() as session:
        write(session, [SERVICE, *CHARTS, *MODELS])
        answers = session.delete(
            "chart", [gone.fqn, fqn.child(SERVICE.fqn, "x")], scope=SERVICE.fqn
        )
        assert [each.outcome for each in answers] == ["acknowledged", "unchanged"]
    assert harness.held("chart").keys() == {each.fqn for each in rest}
    assert harness.held("dashboardDataModel").keys() == {each.fqn for each in MODELS}


# --- the catalogue ---


def test_a_dashboard_is_whole_in_the_catalogue(catalogue: StrictCatalogue) -> None:
    with into(catalogue) as session:
        write(session, ALL)
        assert session.catalogue is not None
        assert session.catalogue.count(EntityType.CHART, SERVICE.fqn) == len(CHARTS)
        (held,) = session.catalogue.list(EntityType.DASHBOARD, SERVICE.fqn, full=True)
    assert [each["fullyQualifiedName"] for each in held["charts"]] == [  # type: ignore[attr-defined]
        each.fqn for each in CHARTS
    ]
    assert [each["fullyQualifiedName"] for each in held["dataModels"]] == [  # type: ignore[attr-defined]
        each.fqn for each in MODELS
    ]
    assert (held["project"], held["displayName"]) == ("Finance / Board", "The d")


def rows(session: SinkSession) -> tuple[Row, Row]:
    full = session.encode(dashboard("d", CHARTS[:2], MODELS[:1]))
    return full, session.encode(dashboard("d"))


def test_a_dashboard_goes_first_without_what_it_refers_to(catalogue: StrictCatalogue) -> None:
    with into(catalogue) as session:
        full, bare = rows(session)
    assert full.needs == (
        *(identity("chart", each.fqn) for each in CHARTS[:2]),
        identity("dashboardDataModel", MODELS[0].fqn),
    )
    assert full.partial is not None
    part, plain = json.loads(full.partial), json.loads(bare.body)
    assert part.pop("sourceHash") != plain.pop("sourceHash"), "it would count as unchanged later"
    assert part == plain
    assert (bare.needs, bare.partial) == ((), None)


def test_what_is_nowhere_is_left_out_and_the_rest_stays(catalogue: StrictCatalogue) -> None:
    with into(catalogue) as session:
        full, _ = rows(session)
        left = session.without(full, [full.needs[0]])
        assert json.loads(left.body)["charts"] == [CHARTS[1].fqn]
        assert json.loads(left.body)["dataModels"] == [MODELS[0].fqn]
        assert left.needs == full.needs[1:]
        assert session.without(full, full.needs).partial is None


def test_a_chart_and_a_dashboard_of_one_name_are_two(catalogue: StrictCatalogue) -> None:
    one = chart("12")
    with into(catalogue) as session:
        row = session.encode(dashboard("12", [one]))
    assert row.fqn == one.fqn
    assert row.needs == (identity("chart", one.fqn),) != (identity("dashboard", row.fqn),)


def test_lineage_needs_both_ends_by_their_types(catalogue: StrictCatalogue) -> None:
    fact = Fact(
        target_type=EntityType.DASHBOARD,
        target_fqn=fqn.child(SERVICE.fqn, "d"),
        kind="lineage",
        key=MODELS[0].fqn,
        payload={"fromType": "dashboardDataModel", "fromFqn": MODELS[0].fqn},
    )
    with into(catalogue) as session:
        write(session, ALL)
        row = session.encode_fact(fact)
        assert row.needs == (
            identity("dashboardDataModel", MODELS[0].fqn),
            identity("dashboard", fact.target_fqn),
        )
        assert outcomes(session.write(row.type, [row])) == {"acknowledged"}


# --- a file of an older version ---


def test_a_file_that_knew_no_dashboards_learns_of_them(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as old:
        old.executescript(f"{DATABASES} PRAGMA user_version = 1;")
        old.execute("INSERT INTO services (fqn, name, hash, service_type) VALUES ('a','a','','b')")
    with Sql(path=str(path)).open() as session:
        assert outcomes(write(session, ALL)) == {"acknowledged"}
    with sqlite3.connect(path) as new:
        assert new.execute("SELECT fqn FROM services").fetchall() == [("a",)]
        asked = "SELECT count(*) FROM dashboard_charts WHERE dashboard_fqn = ?"
        assert new.execute(asked, [fqn.child(SERVICE.fqn, "d")]).fetchone() == (len(CHARTS),)


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    with sqlite3.connect(path) as newer:
        newer.executescript(f"{DATABASES} PRAGMA user_version = 99;")
    with (
        pytest.raises(ConfigError, match="not a catalogue of this version"),
        Sql(path=str(path)).open() as session,
    ):
        write(session, ALL)
