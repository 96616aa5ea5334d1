"""Chunks and events between our own processes: packed by us, for Ray's pickler asks about every object."""

import pickle
from typing import Any


def pack(value: Any) -> bytes:
    """Bytes for another process of this run. Raises what pickle raises."""
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def unpack(data: bytes) -> Any:
    """What a process of this run has packed; nothing else is ever read so."""
    return pickle.loads(data)  # noqa: S301 - our own driver and workers, over Ray's own channel
