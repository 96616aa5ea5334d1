# ruff: noqa: PT012 - a failed run is a block
"""The file sink: files appear whole, nothing acknowledged is lost, a full disk is said."""

import errno
import json
import os
from pathlib import Path

import pytest

from rayingest.core.sink import Row
from rayingest.errors import ConfigError, SinkDown
from rayingest.model import EntityType, Fact
from rayingest.sinks.file import File, FileSession, from_options

from .world import SCHEMA, SERVICE, small_database, table


def write(session: FileSession, *names: str, description: str = "d") -> None:
    rows = [session.encode(table(name, description=description)) for name in names]
    assert {answer.outcome for answer in session.write("table", rows)} == {"acknowledged"}


def delete(session: FileSession, *names: str) -> list[str]:
    fqns = [table(name).fqn for name in names]
    return [each.outcome for each in session.delete("table", fqns, scope=SCHEMA.fqn)]


def lines(path: Path) -> list[str]:
    return [json.loads(line)["name"] for line in path.read_text().splitlines()]


def test_a_file_appears_when_the_run_ends_well(tmp_path: Path) -> None:
    with File(path=str(tmp_path)).open() as session:
        write(session, "a", "b")
        assert [each.name for each in tmp_path.iterdir()] == ["table.jsonl.part"]
    assert [each.name for each in tmp_path.iterdir()] == ["table.jsonl"]


def test_a_failed_run_leaves_the_old_file_and_its_journal(tmp_path: Path) -> None:
    sink = File(path=str(tmp_path))
    with sink.open() as session:
        write(session, "a", "b")
    with pytest.raises(RuntimeError), sink.open() as session:
        write(session, "b", "c", description="new")
        raise RuntimeError
    assert lines(tmp_path / "table.jsonl") == ["a", "b"]
    with sink.open() as session:
        pass
    assert lines(tmp_path / "table.jsonl") == ["a", "b", "c"]
    body = json.loads((tmp_path / "table.jsonl").read_text().splitlines()[1])
    assert body["description"] == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["table.jsonl"]


def test_what_is_deleted_vanishes_when_the_run_ends_well(tmp_path: Path) -> None:
    sink = File(path=str(tmp_path))
    with sink.open() as session:
        write(session, "a", "b", "c")
        delete(session, "c")
    assert lines(tmp_path / "table.jsonl") == ["a", "b"]
    with pytest.raises(RuntimeError), sink.open() as session:
        assert delete(session, "a", "c") == ["acknowledged", "unchanged"]
        raise RuntimeError
    assert lines(tmp_path / "table.jsonl") == ["a", "b"]
    with sink.open() as session:
        assert delete(session, "a") == ["unchanged"]
    assert lines(tmp_path / "table.jsonl") == ["b"]
    with sink.open() as session:
        delete(session, "b")
    assert lines(tmp_path / "table.jsonl") == []
    assert [each.name for each in tmp_path.iterdir()] == ["table.jsonl"]


def test_a_deletion_that_was_cut_is_no_deletion(tmp_path: Path) -> None:
    sink = File(path=str(tmp_path))
    with sink.open() as session:
        write(session, "a", "b")
    with pytest.raises(RuntimeError), sink.open() as session:
        delete(session, "a", "b")
        raise RuntimeError
    part = tmp_path / "table.jsonl.part"
    part.write_bytes(part.read_bytes()[:-3])
    with sink.open() as session:
        assert delete(session, "a") == ["unchanged"]
    assert lines(tmp_path / "table.jsonl") == ["b"]


def test_a_deletion_is_never_published_as_a_line(tmp_path: Path) -> None:
    sink = File(path=str(tmp_path))
    with sink.open() as session:
        write(session, "a", "b")
    with pytest.raises(RuntimeError), sink.open() as session:
        delete(session, "a")
        raise RuntimeError
    (tmp_path / "table.jsonl").unlink()
    with sink.open() as session:
        assert list(session.catalogue.list(EntityType.TABLE, "")) == []
    assert lines(tmp_path / "table.jsonl") == []


def test_a_disk_that_is_full_deletes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = File(path=str(tmp_path))
    with sink.open() as session:
        write(session, "a", "b")
    with sink.open() as session:
        monkeypatch.setattr(os, "fsync", _fail)
        with pytest.raises(SinkDown):
            delete(session, "a")
        monkeypatch.undo()
        assert session.catalogue.count(EntityType.TABLE, SCHEMA.fqn) == 2
        assert delete(session, "a") == ["acknowledged"]
    assert lines(tmp_path / "table.jsonl") == ["b"]


def test_the_facts_about_what_is_deleted_go_with_it(tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_text("not ours\n")
    with File(path=str(tmp_path)).open() as session:
        write(session, "a", "a:b", "c")
        for name in ("a", "a:b", "c"):
            row = session.encode_fact(usage(table(name).fqn))
            session.write(row.type, [row])
        delete(session, "a")
        about = [json.loads(line)["targetFqn"] for _, line in session.lines("usage")]
        assert about == [table("a:b").fqn, table("c").fqn]
        session.delete("databaseSchema", [SCHEMA.fqn], scope="")
        assert len(list(session.lines("usage"))) == 2, "there is no such schema here"
        schema = session.encode(SCHEMA)
        session.write(schema.type, [schema])
        session.delete("databaseSchema", [SCHEMA.fqn], scope="")
    assert (tmp_path / "usage.jsonl").read_text() == ""
    assert lines(tmp_path / "table.jsonl") == []
    assert (tmp_path / "notes.jsonl").read_text() == "not ours\n"


def usage(target: str) -> Fact:
    return Fact(
        target_type=EntityType.TABLE, target_fqn=target, kind="usage", key="d", payload={"n": 1}
    )


def test_a_line_that_was_cut_is_dropped(tmp_path: Path) -> None:
    sink = File(path=str(tmp_path))
    with pytest.raises(RuntimeError), sink.open() as session:
        write(session, "a", "b")
        raise RuntimeError
    part = tmp_path / "table.jsonl.part"
    part.write_bytes(part.read_bytes() + b'{"name":"cut')
    with sink.open() as session:
        write(session, "c")
    assert lines(tmp_path / "table.jsonl") == ["a", "b", "c"]


def test_a_crash_while_publishing_repeats_harmlessly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = File(path=str(tmp_path))
    with sink.open() as session:
        write(session, "a")
    monkeypatch.setattr(Path, "unlink", _fail)
    with pytest.raises(SinkDown), sink.open() as session:
        write(session, "b")
    monkeypatch.undo()
    with sink.open() as session:
        write(session, "c")
    assert lines(tmp_path / "table.jsonl") == ["a", "b", "c"]


def test_a_full_disk_is_said_and_leaves_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with File(path=str(tmp_path)).open() as session:
        write(session, "a")
        row = session.encode(table("b"))
        real, calls = os.write, []

        def half(descriptor: int, data: bytes) -> int:
            calls.append(1)
            if len(calls) > 1:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(descriptor, data[: len(data) // 2])

        monkeypatch.setattr(os, "write", half)
        with pytest.raises(SinkDown, match="full") as caught:
            session.write("table", [row])
        assert "Make room" in (caught.value.hint or "")
        monkeypatch.undo()
        assert session.write("table", [row])[0].outcome == "acknowledged"
    assert lines(tmp_path / "table.jsonl") == ["a", "b"]


def test_two_runs_do_not_write_one_folder(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    sink = File(path=str(tmp_path))
    with sink.open() as first, pytest.raises(SinkDown, match="another run"), sink.open() as second:
        write(first, "a")
        write(second, "b")


def test_lines_are_create_requests_with_a_name_and_no_connection(tmp_path: Path) -> None:
    with File(path=str(tmp_path)).open() as session:
        for entity in small_database():
            row = session.encode(entity)
            assert (row.needs, row.partial) == ((), None)
            session.write(row.type, [row])
    (service,) = map(json.loads, (tmp_path / "databaseService.jsonl").read_text().splitlines())
    assert service == {
        "name": SERVICE.name,
        "serviceType": "Postgres",
        "fullyQualifiedName": SERVICE.fqn,
    }
    rich = json.loads((tmp_path / "table.jsonl").read_text().splitlines()[-1])
    assert rich["owners"] == [{"type": "user", "name": "ada"}, {"type": "user", "name": "nobody"}]


def test_facts_have_a_file_of_their_own(tmp_path: Path) -> None:
    fact = Fact(
        target_type=EntityType.TABLE, target_fqn="s.t", kind="usage", key="d", payload={"n": 1}
    )
    with File(path=str(tmp_path)).open() as session:
        for _ in range(2):
            row: Row = session.encode_fact(fact)
            assert session.without(row, ["x"]) is row
            session.write(row.type, [row])
    (line,) = (tmp_path / "usage.jsonl").read_text().splitlines()
    assert json.loads(line)["payload"] == {"n": 1}


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sink = File(path=str(tmp_path / "file" / "below"))
    assert [result.status for result in sink.check()] == ["failed"]
    with pytest.raises(SinkDown, match="cannot be written"), sink.open() as session:
        write(session, "a")
    for options in ({}, {"path": "s3://bucket/x"}, {"paht": "x"}):
        with pytest.raises(ConfigError):
            from_options(options)


def _fail(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, "Input/output error")
