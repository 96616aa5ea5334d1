"""A worker in a child process, as the local engine holds it: what kills it kills nobody else."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import Pipe
from typing import Any

from rayingest.errors import Permanent, RayingestError
from rayingest.execute.apart import Wire, named
from rayingest.execute.events import Chunk, Event, WorkerLost, WorkerReady
from rayingest.execute.share import Source
from rayingest.workflows.stage import WorkerTask

SILENT_SECONDS = 30.0  # without a beat, on top of the time that a call may take
CRASHED = re.compile(r'Current thread .*\n  File "([^"]+)", line (\d+) in (\S+)')


class Child:
    """One process, `python -m rayingest.execute.apart`. `emit` hears its events, from a thread."""

    def __init__(
        self,
        number: int,
        task: WorkerTask,
        emit: Callable[[Event], None],
        failed: Callable[[RayingestError], None],
        hubs: Mapping[str, Source],
    ) -> None:
        self.number = number
        self.stats: dict[str, float] = {}
        self._task, self._emit, self._failed, self._hubs = task, emit, failed, hubs
        self._ready = self._closing = False
        self._patience = task.call_timeout + SILENT_SECONDS
        self._heard = time.monotonic()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        ours, theirs = Pipe()
        self._connection, self._wire = ours, Wire(ours)
        paths = [each or os.getcwd() for each in sys.path]  # noqa: PTH109 - as Python takes it
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "rayingest.execute.apart", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            start_new_session=True,  # Ctrl-C is the parent's to answer
        )
        theirs.close()
        threading.Thread(target=self._listen, name=f"child-{number}", daemon=True).start()
        threading.Thread(target=self._watch, name=f"watch-{number}", daemon=True).start()
        self._wire.send("open", number, task)

    def submit(self, dispatch: int, chunk: Chunk) -> None:
        """Send a chunk; a process that is gone is told of by its own event."""
        self._wire.send("chunk", dispatch, chunk)

    def close(self) -> None:
        """End the process: kindly, then surely."""
        self._closing = True
        self._wire.send("close")
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    # --- threads of this process ---

    def _listen(self) -> None:
        with suppress(EOFError):
            while True:
                self._take(self._wire.receive())
        self._process.wait()
        self._connection.close()
        for hub in self._hubs.values():  # what it held of the limits is free
            hub.leave(named(self._task, self.number))
        if not self._closing and self._ready:
            self._emit(WorkerLost(self.number, why=self._how()))
        elif not self._closing:
            self._failed(Permanent(f"A process of its own could not be started: {self._how()}"))
        self._said.close()

    def _take(self, message: tuple[Any, ...]) -> None:
        self._heard = time.monotonic()
        match message:
            case ("event", event):
                self._emit(event)
            case ("alive", stats):
                self.stats = stats
            case ("ready",):
                self._ready = True
                self._emit(WorkerReady(self.number, 1, apart=True))
            case ("failed", error):
                self._failed(error)
            case ("ask", *question):  # a hub may take half a second
                threading.Thread(target=self._ask, args=question, daemon=True).start()
            case ("refuse", which, name, wait):
                self._hubs[which].refuse(name, wait)
            case ("leave", which, worker):
                self._hubs[which].leave(worker)
            case _:
                pass

    def _ask(self, which: str, number: int, worker: str, name: str, told: Any) -> None:
        granted = self._hubs[which].exchange(worker, name, told)
        self._wire.send("granted", which, number, granted)

    def _watch(self) -> None:
        """End a process that shows no sign of life: code that never lets go of Python's lock."""
        while self._process.poll() is None:
            if time.monotonic() - self._heard > self._patience:
                self._process.kill()
                return
            time.sleep(0.5)

    def _how(self) -> str:
        """How it ended: `SIGSEGV in _reader at reader.py:12`."""
        code = self._process.returncode
        how = f"exit code {code}" if code >= 0 else _signal(-code)
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip()
        if crash := CRASHED.search(said):
            how += f" in {crash[3]} at {os.path.basename(crash[1])}:{crash[2]}"  # noqa: PTH119
        elif code > 0 and said:
            how += f": {said.splitlines()[-1]}"
        return how


def _signal(number: int) -> str:
    """A signal's name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
