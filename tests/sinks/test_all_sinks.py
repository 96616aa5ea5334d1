# ruff: noqa: PT012 - a failed run is a block
"""What every sink promises."""

import pickle
from collections.abc import Sequence
from itertools import groupby

import msgspec
import pytest

from rayingest.core.sink import Answer, Row, SinkSession
from rayingest.errors import Refused
from rayingest.model import Entity

from .conftest import Harness
from .world import HOSTILE, PASSWORD, SCHEMA, TOKEN, small_database, table


def write(session: SinkSession, entities: Sequence[Entity]) -> list[Answer]:
    answers: list[Answer] = []
    rows = [session.encode(entity) for entity in entities]
    for kind, group in groupby(rows, key=lambda row: row.type):
        answers += session.write(kind, list(group))
    return answers


def outcomes(answers: Sequence[Answer]) -> set[str]:
    return {answer.outcome for answer in answers}


def test_every_type_of_entity_arrives(harness: Harness) -> None:
    entities = small_database()
    with harness.sink.open() as session:
        answers = write(session, entities)
    assert [answer.why for answer in answers if answer.outcome != "acknowledged"] == []
    for kind in ("databaseService", "database", "databaseSchema", "table", "storedProcedure"):
        wanted = {entity.fqn for entity in entities if entity.type == kind}
        assert set(harness.held(kind)) == wanted


def test_writing_twice_is_writing_once(harness: Harness) -> None:
    entities = small_database()
    for _ in range(2):
        with harness.sink.open() as session:
            write(session, entities)
            first = harness.held("table")
            assert outcomes(write(session, entities)) <= {"acknowledged", "unchanged"}
    assert first.keys() <= harness.held("table").keys()
    assert len(harness.held("table")) == len(HOSTILE) + 1


def test_the_last_write_wins(harness: Harness) -> None:
    entities = small_database()
    with harness.sink.open() as session:
        write(session, entities)
        write(session, [table("plain", description="new")])
    with harness.sink.open() as session:
        write(session, [table("case", description="newer")])
    held = harness.held("table")
    assert held[table("plain").fqn] == "new"
    assert held[table("case").fqn] == "newer"
    assert held[table("Case").fqn] == "table Case"


@pytest.mark.parametrize("at", [0, 3, 6])
def test_a_poisoned_batch_loses_one(harness: Harness, at: int) -> None:
    with harness.sink.open() as session:
        write(session, small_database()[:3])
        rows = [session.encode(table(f"t{number}")) for number in range(7)]
        rows[at] = msgspec.structs.replace(rows[at], body=b'{"name": }')
        answers = session.write("table", rows)
    assert [answer.outcome for answer in answers].count("refused") == 1
    assert answers[at].outcome == "refused"
    assert answers[at].why
    assert set(harness.held("table")) == {row.fqn for row in rows} - {rows[at].fqn}


def test_a_crash_between_acknowledgement_and_record_repeats_harmlessly(harness: Harness) -> None:
    entities = small_database()
    with pytest.raises(KeyboardInterrupt), harness.sink.open() as session:
        write(session, entities[:8])
        raise KeyboardInterrupt
    with harness.sink.open() as session:
        answers = write(session, entities[5:])
    assert outcomes(answers) <= {"acknowledged", "unchanged"}
    assert set(harness.held("table")) == {each.fqn for each in entities if each.type == "table"}


def test_a_dry_run_writes_nothing_and_still_refuses(harness: Harness) -> None:
    with harness.sink.open(dry_run=True) as session:
        answers = write(session, small_database())
        with pytest.raises(Refused, match="257"):
            session.encode(table("x" * 257))
    assert outcomes(answers) == {"acknowledged"}
    with harness.sink.open() as session:
        pass
    assert harness.held("table") == {}


def test_an_empty_write_is_fine(harness: Harness) -> None:
    with harness.sink.open() as session:
        assert list(session.write("table", [])) == []


def test_text_that_is_no_unicode_is_refused(harness: Harness) -> None:
    with harness.sink.open() as session, pytest.raises(Refused):
        session.encode(table("plain", description="half a \ud83d pair"))


def test_equal_entities_have_equal_hashes_and_others_do_not(harness: Harness) -> None:
    with harness.sink.open() as session:
        hashes = [session.encode(table("a")).hash, session.encode(table("a")).hash]
        other = session.encode(table("a", description="other")).hash
    assert hashes[0] == hashes[1] != other
    assert len(hashes[0]) == 32


def test_calls_are_counted(harness: Harness) -> None:
    with harness.sink.open() as session:
        assert session.calls == 0
        write(session, [*small_database()[:3]])
        assert session.calls >= 3


def test_a_sink_and_its_rows_travel_and_show_no_secret(harness: Harness) -> None:
    sink = pickle.loads(pickle.dumps(harness.sink))
    assert sink == harness.sink
    with sink.open() as session:
        rows: list[Row] = [session.encode(entity) for entity in small_database()]
        shown = repr((sink, session, rows, pickle.loads(pickle.dumps(rows))))
    assert SCHEMA.fqn in shown
    assert PASSWORD not in shown
    assert TOKEN not in shown


def test_check_says_that_all_is_well(harness: Harness) -> None:
    assert {result.status for result in harness.sink.check()} == {"ok"}
