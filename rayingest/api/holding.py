"""Hold a run while it is driven: nobody else drives it, and signals end it in order."""

import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from itertools import count

from rayingest.errors import StateError
from rayingest.execute.drive import Drive
from rayingest.execute.together import Together
from rayingest.state.run_directory import RunDirectory

ECHO = 0.15  # seconds within which a second signal is the first one's echo


@contextmanager
def claimed(directory: RunDirectory, *, take_over: bool) -> Generator[None]:
    """Hold a run while it is driven. Raises StateError when another driver does."""
    directory.claim(take_over=take_over)
    try:
        yield
    finally:
        with suppress(StateError):  # its age says the same, a minute later
            directory.release("over")


@contextmanager
def interruptible(
    driver: Drive,
    interrupted: Callable[[int], None] | None = None,
    shared: Together | None = None,
) -> Generator[None]:
    """Ctrl-C or SIGTERM once: end what is under way; twice: leave at once.

    Handlers are set when the engine has started, because Ray sets its own then. Of several runs each
    is told by what they share.
    """
    if shared is not None:
        with shared.driving(driver):
            yield
        return
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}

    times = count(1)
    last = -ECHO

    def interrupt(*_: object) -> None:
        nonlocal last
        now = time.monotonic()
        # `timeout`, `uv run` and the like send on a Ctrl-C that the terminal has sent already.
        if now - last < ECHO:
            return
        last = now
        driver.interrupt()
        if interrupted is not None:
            interrupted(next(times))

    def install() -> None:
        for number in numbers:
            signal.signal(number, interrupt)

    install()
    driver.on_start = install
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
