"""The connection that an HTTP client is on just now, so that another thread can break it."""

import socket
from collections.abc import Mapping
from typing import Any


class Wire:
    """Watches one client of one thread; `extensions` go with each of its requests."""

    def __init__(self) -> None:
        self._stream: Any = None

    @property
    def extensions(self) -> Mapping[str, Any]:
        """What makes the client tell of its connections."""
        return {"trace": self._watch}

    def _watch(self, event: str, info: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = info["return_value"]

    def hang_up(self) -> None:
        """Break the connection under a running request; called from another thread."""
        if self._stream is not None:
            self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
