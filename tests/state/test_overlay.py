"""A store whose changes leave no trace."""

from pathlib import Path

import pytest

from rayingest.state.overlay import Overlay
from rayingest.state.store import LocalStore


@pytest.fixture
def below(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "kept")
    for name in ("a", "folder/b", "folder2/c"):
        store.put(name, name.encode())
    return store


def test_what_is_not_changed_is_read_from_below(below: LocalStore) -> None:
    over = Overlay(below)
    assert over.url == below.url
    assert over.get("folder/b") == b"folder/b"
    assert over.names() == below.names()
    assert over.times("folder") == below.times("folder")
    assert over.modified("a") == below.modified("a")
    assert over.exists("a")
    assert not over.exists("z")


def test_changes_are_seen_above_and_not_below(below: LocalStore) -> None:
    over = Overlay(below)
    over.put("a", b"new")
    over.put("folder/new", b"new")
    over.delete("folder/b")
    over.delete("nothing of the kind")
    assert over.get("a") == b"new"
    assert over.names("folder") == ["folder/new"]
    assert over.names() == ["a", "folder/new", "folder2/c"]
    assert over.modified("folder/new") > 0
    assert below.get("a") == b"a"
    assert below.names() == ["a", "folder/b", "folder2/c"]


def test_what_was_deleted_is_gone_until_it_is_put_again(below: LocalStore) -> None:
    over = Overlay(below)
    over.delete("a")
    assert not over.exists("a")
    for ask in (over.get, over.modified):
        with pytest.raises(FileNotFoundError):
            ask("a")
    over.put("a", b"again", exclusive=True)
    assert over.get("a") == b"again"


def test_an_exclusive_put_minds_both(below: LocalStore) -> None:
    over = Overlay(below)
    over.put("z", b"z", exclusive=True)
    for name in ("a", "z"):
        with pytest.raises(FileExistsError):
            over.put(name, b"", exclusive=True)
