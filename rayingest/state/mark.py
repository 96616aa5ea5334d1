"""What a run says of itself beside the state while it writes: who comes next must know whether all was kept."""

import msgspec

from rayingest.state.store import Store

NAME = "open.json"


class Mark(msgspec.Struct, frozen=True):
    """The run that wrote last; `clean`: it has stopped, and what it wrote is all kept."""

    run: str
    clean: bool = False


def read(store: Store) -> Mark | None:
    """Who wrote last; None: somebody who came to the end. A torn mark is of nobody known. Raises StateError."""
    try:
        return msgspec.json.decode(store.get(NAME), type=Mark)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError:
        return Mark("")


def write(store: Store, mark: Mark) -> None:
    """Say it. Raises StateError."""
    store.put(NAME, msgspec.json.encode(mark))


def remove(store: Store) -> None:
    """Everything was written and kept. Raises StateError."""
    store.delete(NAME)
