"""The log of a submitted run is in its run directory: all of it, in order, soon."""

from datetime import UTC, datetime
from pathlib import Path

from rayingest.errors import StateError
from rayingest.state.logbook import PIECE_BYTES, Logbook, pieces
from rayingest.state.store import LocalStore, Store, store

NEVER = 3600.0


def place(folder: Path) -> Store:
    return store(str(folder / "run"))


def whole(kept: Store) -> str:
    return "".join(text for _, text in pieces(kept))


def test_what_was_said_is_there_at_the_end(tmp_path: Path) -> None:
    kept = place(tmp_path)
    book = Logbook(kept, seconds=NEVER)
    for number in range(100):
        book.add(f"line {number} é\n")
    book.close()
    assert whole(kept).splitlines() == [f"line {number} é" for number in range(100)]


def test_lines_appear_while_it_goes_on(tmp_path: Path) -> None:
    kept = place(tmp_path)
    book = Logbook(kept, seconds=0.01)
    told: list[str] = []
    for number in range(5):
        book.add(f"{number}\n")
        while f"{number}\n" not in told:  # the test's own time limit ends what never comes
            told = [text for _, text in pieces(kept)]
    book.close()
    assert whole(kept) == "0\n1\n2\n3\n4\n"


def test_much_at_once_is_written_at_once(tmp_path: Path) -> None:
    kept = place(tmp_path)
    book = Logbook(kept, seconds=NEVER)
    book.add("x" * PIECE_BYTES)
    while not list(pieces(kept)):
        pass
    book.close()


def test_only_what_came_after(tmp_path: Path) -> None:
    kept = place(tmp_path)
    for number in range(3):
        book = Logbook(kept, seconds=NEVER, now=datetime(2026, 11, 22, number, tzinfo=UTC))
        book.add(f"attempt {number}\n")
        book.close()
    (first, _), *rest = pieces(kept)
    assert list(pieces(kept, after=first)) == rest
    assert whole(kept) == "attempt 0\nattempt 1\nattempt 2\n"


def test_silence_writes_nothing(tmp_path: Path) -> None:
    kept = place(tmp_path)
    Logbook(kept, seconds=0.01).close()
    assert not list(pieces(kept))


def test_what_could_not_be_written_is_written_later(tmp_path: Path) -> None:
    class Full(LocalStore):
        """A store without room, for a while."""

        refusals = 2

        def put(self, name: str, data: bytes, *, exclusive: bool = False) -> None:
            if self.refusals:
                self.refusals -= 1
                raise StateError("no space left")
            super().put(name, data, exclusive=exclusive)

    kept = Full(tmp_path / "run")
    book = Logbook(kept, seconds=0.01)
    book.add("one\n")
    while kept.refusals:
        pass
    book.add("two\n")
    book.close()
    assert whole(kept) == "one\ntwo\n"
