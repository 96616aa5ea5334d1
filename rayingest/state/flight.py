"""Notes of what is being read just now, which a process that dies of it leaves behind.

    <run directory>/in-flight/<attempt>-<dispatch>.json     [["table", "svc.db.public.orders"], …]

They are to outlive the process, not the machine, so nobody waits for the disk. A run that ends by
itself, however badly, leaves none.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from rayingest.core.source import EntityDescriptor
from rayingest.model import EntityType

Key = tuple[EntityType, str]
FOLDER = "in-flight"
_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(list[Key])


class Flight:
    """The notes of one attempt, beside those of attempts that died. A full disk costs notes, no run."""

    def __init__(self, run_directory: Path, attempt: int) -> None:
        self._folder = run_directory / FOLDER
        self._attempt = attempt

    def began(self, dispatch: int, items: Iterable[EntityDescriptor]) -> None:
        """These are being read from now on."""
        note = _encode([(each.type, each.id) for each in items])
        with suppress(OSError):
            try:
                self._note(dispatch).write_bytes(note)
            except FileNotFoundError:  # the first one
                self._folder.mkdir(exist_ok=True)
                self._note(dispatch).write_bytes(note)

    def ended(self, dispatch: int) -> None:
        """They were read, or given up."""
        with suppress(OSError):
            self._note(dispatch).unlink(missing_ok=True)

    def left(self) -> frozenset[Key]:
        """What was being read when attempts before this one died; they stay noted until `over`."""
        found: set[Key] = set()
        for each in self._folder.glob("*.json"):
            with suppress(OSError, msgspec.MsgspecError):  # one that was just being written
                found.update(_decoder.decode(each.read_bytes()))
        return frozenset(found)

    def over(self) -> None:
        """The run came to an end by itself: no note needs care but those of who took it over."""
        for each in self._folder.glob("*.json"):
            if int(each.name.partition("-")[0]) <= self._attempt:
                with suppress(OSError):
                    each.unlink(missing_ok=True)
        with suppress(OSError):  # it was never made, or is somebody else's by now
            self._folder.rmdir()

    def _note(self, dispatch: int) -> Path:
        return self._folder / f"{self._attempt}-{dispatch}.json"
