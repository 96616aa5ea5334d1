"""What may go wrong between the sink and a server, and what it costs: never a neighbour."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr

from rayingest.core.sink import Answer, Row
from rayingest.errors import ConfigError, SinkDown, SinkUnauthorised
from rayingest.model import Tag
from rayingest.sinks.openmetadata.session import OpenMetadataSession
from rayingest.sinks.openmetadata.settings import Service
from rayingest.testing.catalogue import Faults, StrictCatalogue

from .world import DATABASE, PASSWORD, SCHEMA, SERVICE, TOKEN, openmetadata, table


@contextmanager
def ready(catalogue: StrictCatalogue, **changes: Any) -> Iterator[OpenMetadataSession]:
    """A session with the parents written."""
    with openmetadata(catalogue, **changes).open() as session:
        for parent in (SERVICE, DATABASE, SCHEMA):
            row = session.encode(parent)
            session.write(row.type, [row])
        yield session


def put(session: OpenMetadataSession, count: int) -> list[Answer]:
    rows = [session.encode(table(f"t{number:03}")) for number in range(count)]
    return list(session.write("table", rows))


def refused(answers: list[Answer]) -> list[int]:
    return [at for at, answer in enumerate(answers) if answer.outcome == "refused"]


def test_a_hundred_tables_are_one_call(catalogue: StrictCatalogue) -> None:
    with ready(catalogue) as session:
        before = session.calls
        assert refused(put(session, 100)) == []
        assert session.calls == before + 1
    assert len(catalogue.entities("tables")) == 100


@pytest.mark.parametrize("told", ["fqn", "name", "body"])
def test_one_row_refused_in_a_hundred(told: Any) -> None:
    with StrictCatalogue(token=TOKEN, failed_request=told) as catalogue:
        with ready(catalogue) as session:
            catalogue.faults = Faults(refuse="^t042$")
            before = session.calls
            answers = put(session, 100)
            assert session.calls == before + 1
        assert refused(answers) == [42]
        assert "t042 is refused" in (answers[42].why or "")
        assert len(catalogue.entities("tables")) == 99


def test_a_poisoned_batch_is_halved_until_the_bad_row_is_alone(catalogue: StrictCatalogue) -> None:
    with ready(catalogue) as session:
        catalogue.faults = Faults(poison_batch="^t042$")
        before = session.calls
        answers = put(session, 100)
        assert session.calls - before <= 16
    assert refused(answers) == [42]
    assert len(catalogue.entities("tables")) == 99


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(catalogue: StrictCatalogue, status: int) -> None:
    with ready(catalogue) as session:
        catalogue.faults = Faults(status_for_next=[(status, 3)])
        before = session.calls
        assert refused(put(session, 5)) == []
        assert session.calls == before + 4


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_stays_busy_is_down(catalogue: StrictCatalogue, status: int) -> None:
    with ready(catalogue) as session:
        catalogue.faults = Faults(status_for_next=[(status, 4)])
        with pytest.raises(SinkDown, match=str(status)):
            put(session, 5)
        assert refused(put(session, 5)) == []


def test_nobody_waits_an_hour(catalogue: StrictCatalogue) -> None:
    with ready(catalogue) as session:
        catalogue.faults = Faults(status_for_next=[(429, 1)], retry_after=3600)
        before = session.calls
        with pytest.raises(SinkDown, match="3600 s"):
            put(session, 5)
        assert session.calls == before + 1


def test_a_500_is_not_the_batch_s_fault_alone(catalogue: StrictCatalogue) -> None:
    with ready(catalogue) as session:
        catalogue.faults = Faults(status_for_next=[(500, 1)], only="/bulk")
        assert refused(put(session, 10)) == []
        catalogue.faults = Faults(fail_rate={500: 1})
        with pytest.raises(SinkDown, match="every row"):
            put(session, 20)


def test_a_torn_answer_after_the_write_is_written_again(catalogue: StrictCatalogue) -> None:
    with ready(catalogue) as session:
        catalogue.faults = Faults(torn_next=2, only="/bulk")
        assert refused(put(session, 5)) == []
    outcomes = [write["outcome"] for write in catalogue.writes("tables")]
    assert outcomes == ["created"] * 5 + ["unchanged"] * 10


def test_a_server_that_is_gone_is_down_and_comes_back(catalogue: StrictCatalogue) -> None:
    with ready(catalogue) as session:
        catalogue.faults = Faults(down_next=4)
        with pytest.raises(SinkDown):
            put(session, 3)
        assert refused(put(session, 3)) == []


def test_nobody_listens(catalogue: StrictCatalogue) -> None:
    with (
        openmetadata(catalogue, host_port="http://127.0.0.1:9/api").open() as session,
        pytest.raises(SinkDown, match=r"127\.0\.0\.1:9"),
    ):
        session.write("databaseService", [session.encode(SERVICE)])


@pytest.mark.parametrize("status", [404, 405])
def test_a_server_without_bulk_gets_single_rows(catalogue: StrictCatalogue, status: int) -> None:
    with ready(catalogue) as session:
        catalogue.faults = Faults(status_for_next=[(status, 1)], only="/bulk")
        before = session.calls
        assert refused(put(session, 5)) == []
        assert refused(put(session, 5)) == []
        assert session.calls == before + 1 + 5 + 5


def test_a_batch_that_is_too_large_is_halved() -> None:
    with StrictCatalogue(token=TOKEN, max_bytes=1000) as catalogue, ready(catalogue) as session:
        rows = [session.encode(table(f"t{number}")) for number in range(16)]
        rows.append(session.encode(table("fat", description="x" * 2000)))
        answers = list(session.write("table", rows))
        assert refused(answers) == [16]
        assert "limit" in (answers[16].hint or "")
        assert len(catalogue.entities("tables")) == 16


def test_an_unknown_parent_refuses_the_row_and_not_the_collection(
    catalogue: StrictCatalogue,
) -> None:
    with openmetadata(catalogue).open() as session:
        (answer,) = session.write("table", [session.encode(table("orphan"))])
        assert (answer.why or "").startswith("404")
        assert "parent" in (answer.hint or "")


def test_a_wrong_api_version_is_said(catalogue: StrictCatalogue) -> None:
    with (
        openmetadata(catalogue, api_version="v9").open() as session,
        pytest.raises(ConfigError, match=r"/api/v9/services/databaseServices does not exist"),
    ):
        session.write("databaseService", [session.encode(SERVICE)])


def test_a_host_port_without_api_is_said(catalogue: StrictCatalogue) -> None:
    sink = openmetadata(catalogue, host_port=catalogue.host_port)
    with sink.open() as session, pytest.raises(ConfigError, match="HTML") as caught:
        session.write("databaseService", [session.encode(SERVICE)])
    assert f"{catalogue.host_port}/api" in (caught.value.hint or "")
    (result,) = sink.check()
    assert result.status == "failed"
    assert f"{catalogue.host_port}/api" in (result.grant or "")


def test_a_page_in_mid_run_is_an_outage_and_no_misconfiguration(catalogue: StrictCatalogue) -> None:
    with ready(catalogue) as session:
        catalogue.faults = Faults(html=True)
        with pytest.raises(SinkDown, match="page"):
            put(session, 3)
        catalogue.faults = Faults()
        assert refused(put(session, 3)) == []


def test_a_refused_token_stops_the_run(catalogue: StrictCatalogue) -> None:
    with ready(catalogue) as session:
        catalogue.expire_token()
        before = session.calls
        with pytest.raises(SinkUnauthorised, match="credentials"):
            put(session, 3)
        assert session.calls == before + 1
        catalogue.set_token(TOKEN)
        assert refused(put(session, 3)) == []
    catalogue.expire_token()
    assert [result.status for result in openmetadata(catalogue).check()][-1] == "denied"


def test_who_may_not_write_is_told_so_at_once(catalogue: StrictCatalogue) -> None:
    with ready(catalogue) as session:
        catalogue.forbidden = True
        before = session.calls
        with pytest.raises(SinkUnauthorised) as caught:
            put(session, 50)
        assert session.calls == before + 3
        assert "role" in (caught.value.hint or "")
        with pytest.raises(SinkUnauthorised):
            session.write("databaseService", [session.encode(SERVICE)])
        (answer,) = put(session, 1)
        assert answer.outcome == "refused"


def test_one_forbidden_table_costs_no_other(catalogue: StrictCatalogue) -> None:
    with ready(catalogue) as session:
        catalogue.faults = Faults(status_for_next=[(403, 1)], only="/bulk")
        assert refused(put(session, 9)) == []


def test_no_secret_in_errors_answers_or_logs(
    catalogue: StrictCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = []
    with ready(catalogue) as session:
        for fault in (
            Faults(status_for_next=[(503, 4)]),
            Faults(refuse="."),
            Faults(down_next=4),
            Faults(fail_rate={500: 1}),
            Faults(status_for_next=[(401, 2)]),
        ):
            catalogue.faults = fault
            try:
                row = session.encode(SERVICE)
                seen.append(repr((row, session.write("databaseService", [row]))))
            except (SinkDown, SinkUnauthorised) as error:
                seen.append(repr((error, error.hint, error.__dict__)))
    everything = "\n".join([*seen, caplog.text])
    assert "503" in everything
    assert TOKEN not in everything
    assert PASSWORD not in everything


def test_a_server_that_quotes_the_connection_tells_no_password() -> None:
    odd = {"username": "u", "authType": {"password": SecretStr(f'{PASSWORD}"')}, "hostPort": 3}
    with StrictCatalogue(token=TOKEN) as catalogue:
        sink = replace(openmetadata(catalogue), service=Service(connection=odd))
        with sink.open() as session:
            (answer,) = session.write("databaseService", [session.encode(SERVICE)])
        assert PASSWORD in repr(catalogue.log)
    assert answer.outcome == "refused"
    assert PASSWORD not in repr(answer)


def test_eight_threads_write_at_once(catalogue: StrictCatalogue) -> None:
    with ready(catalogue) as session, ThreadPoolExecutor(8) as threads:
        catalogue.faults = Faults(fail_rate={503: 0.2, 429: 0.1}, torn_rate=0.1)
        tag = Tag(classification="Cost", name="high")
        rows = [session.encode(table(f"t{number}", tags=(tag,))) for number in range(400)]
        chunks = [rows[start : start + 10] for start in range(0, 400, 10)]
        answers = [
            each for some in threads.map(partial(_stubborn, session), chunks) for each in some
        ]
    assert refused(answers) == []
    assert len(catalogue.entities("tables")) == 400


def _stubborn(session: OpenMetadataSession, rows: list[Row]) -> list[Answer]:
    """What the engine does when the sink is down: ask again."""
    while True:
        try:
            return list(session.write("table", rows))
        except SinkDown:
            continue
