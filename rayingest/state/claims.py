"""Who drives a run: attempts have numbers, and one driver has each.

    attempts/1/claim.json  who took it, by exclusive create; a number is never given twice
    attempts/1/alive       rewritten now and then: its age, not its content, tells something
    attempts/1/ended.json  how it ended: later claims need not wait

Clocks of machines may differ: ages are by the store's clock alone.
"""

import os
import re
import secrets
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from rayingest.errors import StateError
from rayingest.state.store import Store

WAIT_SECONDS = 60.0
BEAT_SECONDS = 15.0
_ATTEMPT = re.compile(r"attempts/(\d+)/")


class Superseded(StateError):
    """Another driver has taken this run over."""


class Holder(msgspec.Struct, frozen=True):
    """The process that took an attempt; `at` is by its own clock, in seconds since the epoch."""

    host: str = ""
    pid: int = 0
    at: float = 0.0
    boot: str = ""
    namespace: str = ""
    token: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" if self.host else "an unknown process"

    @classmethod
    def here(cls) -> Self:
        """This process."""
        boot, namespace = "", ""
        with suppress(OSError):  # only Linux has them
            boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
            namespace = str(Path("/proc/self/ns/pid").readlink())
        token = secrets.token_hex(16)
        return cls(socket.gethostname(), os.getpid(), time.time(), boot, namespace, token)

    def is_dead(self) -> bool:
        """Whether it is known, here, that the process has ended."""
        here = self.here()
        if not self.boot or not self.namespace or self.pid <= 0:
            return False
        if (self.host, self.boot, self.namespace) != (here.host, here.boot, here.namespace):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except (PermissionError, OverflowError):
            return False
        return False


class Claim:
    """The attempt that this process drives; nobody else writes below `attempts/<number>`."""

    def __init__(self, store: Store, number: int) -> None:
        self.number = number
        self._store = store
        self._beaten = time.monotonic()

    @classmethod
    def take(cls, store: Store, *, take_over: bool = False) -> Self:
        """Take the next attempt. Raises StateError while another driver may be at work.

        It is when its attempt has not been released, it is not known to be dead, and it has written
        within 60 s. `take_over` does not ask, yet yields to one that takes the same number before us.
        """
        number = 0
        while True:
            names = store.names("attempts")
            number = max(number, _newest(names))
            if number and not take_over and _ended(number) not in names:
                _refuse_if_held(store, number)
            number += 1
            if _took(store, number):
                return cls(store, number)
            take_over = False

    def check(self) -> None:
        """Raises Superseded when another driver has the next attempt, StateError."""
        following = self.number + 1
        # Where there is nothing, a listing is one request and `exists` is two.
        if _claim(following) not in self._store.names(f"attempts/{following}"):
            return
        raise Superseded(
            f"Attempt {self.number} of the run in {self._store.url} is over: {_holder(self._store, following)} "
            f"took the run over as attempt {following}.",
            hint="This driver stops; nothing that it has recorded is lost.",
        )

    def beat(self) -> None:
        """Check, and tell the others that we are alive; does nothing within 15 s of the last time.

        Raises Superseded, StateError.
        """
        now = time.monotonic()
        if now - self._beaten < BEAT_SECONDS:
            return
        self._beaten = now
        self.check()
        self._store.put(f"attempts/{self.number}/alive", b"")

    def release(self, state: str) -> None:
        """Record how the attempt ended. Raises StateError."""
        ended = msgspec.json.encode({"state": state, "at": time.time()})
        self._store.put(_ended(self.number), ended)


def _claim(number: int) -> str:
    return f"attempts/{number}/claim.json"


def _ended(number: int) -> str:
    return f"attempts/{number}/ended.json"


def _newest(names: Iterable[str]) -> int:
    return max((int(each[1]) for each in map(_ATTEMPT.match, names) if each), default=0)


def _took(store: Store, number: int) -> bool:
    """Whether a number is ours, also when the store's first yes was lost and it then said no."""
    mine = msgspec.json.encode(Holder.here())
    try:
        store.put(_claim(number), mine, exclusive=True)
    except FileExistsError:
        with suppress(FileNotFoundError):
            return store.get(_claim(number)) == mine
        return False
    return True


def driven(store: Store) -> bool:
    """Whether somebody drives this run now, as far as anybody can tell. Raises StateError."""
    names = store.names("attempts")
    number = _newest(names)
    taken = _claim(number) in names and _ended(number) not in names
    return taken and _held(store, number) is not None


def _held(store: Store, number: int) -> tuple[Holder, float] | None:
    """Who holds an attempt that has not ended, and for how many seconds nothing was heard of them."""
    holder = _holder(store, number)
    if holder.is_dead():
        return None
    age = _age(store, number)
    return (holder, age) if age < WAIT_SECONDS else None


def _refuse_if_held(store: Store, number: int) -> None:
    held = _held(store, number)
    if held is None:
        return
    holder, age = held
    raise StateError(
        f"The run in {store.url} is being driven: {holder} took attempt {number} and wrote {age:.0f} s ago.",
        hint=f"Wait until it ends, or has not written for {WAIT_SECONDS:.0f} s; --take-over does not wait, "
        "and the other driver stops.",
    )


def _holder(store: Store, number: int) -> Holder:
    """Who took an attempt; nobody known when the claim is missing or torn."""
    with suppress(FileNotFoundError, msgspec.MsgspecError):
        return msgspec.json.decode(store.get(_claim(number)), type=Holder)
    return Holder()


def _age(store: Store, number: int) -> float:
    """Seconds since anything was written in an attempt, by the store's clock."""
    now = _clock(store)
    return max(0.0, now - max(store.times(f"attempts/{number}").values(), default=now))


def _clock(store: Store) -> float:
    probe = f"probe-{secrets.token_hex(8)}"
    store.put(probe, b"")
    try:
        return store.modified(probe)
    finally:
        with suppress(StateError):  # one that stays costs nothing
            store.delete(probe)
