"""A worker in a process of its own: `python -m rayingest.execute.apart FD`, started by `Child`.

It reads what the process of a run may have died of. Messages are tuples over one socket; what they
mean is told where they are taken, here and in `child`.
"""

import faulthandler
import os
import queue
import sys
import threading
import time
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

from rayingest.errors import RayingestError
from rayingest.execute.carrying import pack, unpack
from rayingest.execute.events import Event, Read
from rayingest.execute.limits import Granted, Told
from rayingest.execute.share import Share
from rayingest.execute.worker import Worker
from rayingest.workflows.stage import WorkerTask

BEAT_SECONDS = 1.0
SOURCE, SINK = "source", "sink"  # whose limits


class Wire:
    """One end of the socket; any thread may speak."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._speaking = threading.Lock()

    def send(self, *message: Any) -> None:
        """Say something; the other end may be gone."""
        with self._speaking, suppress(OSError):
            self._connection.send_bytes(pack(message))

    def receive(self) -> tuple[Any, ...]:
        """The next message. Raises EOFError when the other end is gone."""
        try:
            message: tuple[Any, ...] = unpack(self._connection.recv_bytes())
        except OSError as error:
            raise EOFError from error
        return message


class Distant:
    """A hub of limits in the parent's process."""

    def __init__(self, wire: Wire, which: str) -> None:
        self._wire, self._which = wire, which
        self._numbers = count(1)
        self._answers: dict[int, queue.SimpleQueue[Granted]] = {}

    def exchange(self, worker: str, name: str, told: Told) -> Granted:
        """See Hub."""
        number = next(self._numbers)
        answer = self._answers[number] = queue.SimpleQueue()
        self._wire.send("ask", self._which, number, worker, name, told)
        return answer.get()

    def granted(self, number: int, granted: Granted) -> None:
        """The answer to a question came."""
        self._answers.pop(number).put(granted)

    def refuse(self, name: str, wait: float | None) -> None:
        """See Hub."""
        self._wire.send("refuse", self._which, name, wait)

    def leave(self, worker: str) -> None:
        """See Hub."""
        self._wire.send("leave", self._which, worker)


class Apart:
    """The process: takes chunks until its parent is done, or gone."""

    def __init__(self, connection: Connection) -> None:
        self._wire = Wire(connection)
        self._hubs = {each: Distant(self._wire, each) for each in (SOURCE, SINK)}
        self._worker: Worker | None = None

    def serve(self) -> None:
        """Answer messages; returns when told to end. Raises EOFError when the parent is gone."""
        while True:
            match self._wire.receive():
                case ("open", number, WorkerTask() as task):
                    self._open(number, task)
                case ("chunk", dispatch, chunk):
                    assert self._worker is not None  # noqa: S101 - the parent waits for `ready`
                    self._worker.submit(dispatch, chunk)
                case ("granted", which, number, granted):
                    self._hubs[which].granted(number, granted)
                case ("close",):
                    if self._worker is not None:
                        self._worker.close()
                    return
                case _:
                    pass

    def _open(self, number: int, task: WorkerTask) -> None:
        name = named(task, number)
        shares = [
            Share(limits, self._hubs[which], name) if limits else None
            for which, limits in ((SOURCE, task.limits), (SINK, task.sink_limits))
        ]
        try:
            self._worker = Worker(number, task, self._emit, *shares)
        except RayingestError as error:
            self._wire.send("failed", error)
            return
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        self._wire.send("ready")

    def _emit(self, event: Event) -> None:
        if isinstance(event, Read):
            self._tell()  # before the driver may think that it was the last one
        self._wire.send("event", event)

    def _beat(self) -> None:
        while True:
            self._tell()
            time.sleep(BEAT_SECONDS)

    def _tell(self) -> None:
        if self._worker is not None:
            self._wire.send("alive", self._worker.stats())


def named(task: WorkerTask, number: int) -> str:
    """What the hubs call such a process: `postgres:shop apart 2`."""
    return f"{task.stage.name} apart {number}"


def main(handle: int) -> None:
    """Serve the parent at the other end of an inherited socket."""
    faulthandler.enable()  # where a driver's own code crashed
    with Connection(handle) as connection, suppress(EOFError):
        Apart(connection).serve()
    os._exit(0)  # threads that hang are left


if __name__ == "__main__":
    main(int(sys.argv[1]))
