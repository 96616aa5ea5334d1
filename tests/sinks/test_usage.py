"""How often something was used on a day: how it is spelled, and that it is said twice and had once."""

import sqlite3
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
import pytest

from rayingest.core.sink import Answer, SinkSession
from rayingest.errors import Refused
from rayingest.model import EntityType, usage
from rayingest.sinks.file import File
from rayingest.sinks.memory import Memory
from rayingest.sinks.openmetadata import OpenMetadata
from rayingest.sinks.sql import Sql
from rayingest.testing.catalogue import StrictCatalogue

from .conftest import Harness
from .test_all_sinks import outcomes, write
from .test_dashboards import CHARTS, SERVICE, bare, dashboard, into

DASHBOARD = dashboard("d", CHARTS[:1])
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def say(
    session: SinkSession, *told: tuple[date, int], whose: str = DASHBOARD.fqn
) -> Sequence[Answer]:
    facts = [usage.uses(EntityType.DASHBOARD, whose, *each) for each in told]
    return session.write("usage", [session.encode_fact(each) for each in facts])


def had(harness: Harness, request: pytest.FixtureRequest) -> dict[str, int]:
    """Day -> count of the one dashboard."""
    sink: Any = harness.sink
    match sink:
        case OpenMetadata():
            newer = request.node.callspec.params["harness"].endswith("2.0")
            found = request.getfixturevalue("newer" if newer else "catalogue").entities("usage")
            assert found.keys() <= {DASHBOARD.fqn}
            return found.get(DASHBOARD.fqn, {})  # type: ignore[no-any-return]
        case Sql():
            with sqlite3.connect(sink.path) as held:
                told = held.execute("SELECT payload FROM facts WHERE kind = 'usage'").fetchall()
            bodies = [{"payload": msgspec.json.decode(payload)} for (payload,) in told]
        case File():
            with sink.open() as session:
                bodies = [msgspec.json.decode(line) for _, line in session.lines("usage")]
        case Memory():
            bodies = list(sink.store.entities("usage").values())
    return {each["payload"]["date"]: each["payload"]["count"] for each in bodies}


def test_the_last_count_of_a_day_is_what_every_sink_has(
    harness: Harness, request: pytest.FixtureRequest
) -> None:
    with bare(harness.sink).open() as session:
        write(session, [SERVICE, *CHARTS, DASHBOARD])
        assert outcomes(say(session, (MONDAY, 3), (TUESDAY, 4))) == {"acknowledged"}
        for count in (5, 5, 7):
            assert outcomes(say(session, (TUESDAY, count))) <= {"acknowledged", "unchanged"}
    assert had(harness, request) == {"2026-11-23": 3, "2026-11-24": 7}


def test_it_goes_with_its_dashboard(harness: Harness, request: pytest.FixtureRequest) -> None:
    if harness.sink.identity.startswith("openmetadata"):
        pytest.skip("a server keeps what is softly deleted")
    with bare(harness.sink).open() as session:
        write(session, [SERVICE, *CHARTS, DASHBOARD])
        say(session, (MONDAY, 3))
    with bare(harness.sink).open() as session:
        assert outcomes(session.delete("dashboard", [DASHBOARD.fqn], scope=SERVICE.fqn)) == {
            "acknowledged"
        }
    assert had(harness, request) == {}


def test_the_server_is_told_by_a_post_which_sets(catalogue: StrictCatalogue) -> None:
    """A PUT adds: repeated, it would count twice."""
    with into(catalogue) as session:
        write(session, [SERVICE, *CHARTS, DASHBOARD])
        assert outcomes(say(session, (MONDAY, 3))) == {"acknowledged"}
    told = catalogue.log[-1]
    assert (told.method, told.path) == ("POST", "/api/v1/usage/dashboard/name/looker%20eu.d")
    assert told.document() == {"date": "2026-11-23", "count": 3}


@pytest.mark.parametrize("whose", ["looker eu.nobody", "nobody"])
def test_a_use_of_nobodys_is_refused_and_says_how_to_go_without(session: Any, whose: str) -> None:
    (answer,) = say(session, (MONDAY, 3), whose=whose)
    assert answer.outcome == "refused"
    assert "404" in str(answer.why)
    assert "includeUsage" in str(answer.hint)


def test_a_total_is_no_use_of_a_day(session: Any) -> None:
    """Whoever runs the source makes the one out of the other."""
    with pytest.raises(Refused, match="lacks 'date'"):
        session.encode_fact(usage.total(EntityType.DASHBOARD, DASHBOARD.fqn, 3))
