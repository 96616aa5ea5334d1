"""The connection that an HTTP client is on just now, so that another thread can break it."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

# Whoever makes the connection: httpcore's plain one, or one through a proxy.
MADE = (".connect_tcp.complete", ".start_tls.complete")


class Wire:
    """Watches one client of one thread; `extensions` go with each of its requests."""

    def __init__(self) -> None:
        self._stream: Any = None

    @property
    def extensions(self) -> Mapping[str, Any]:
        """What makes the client tell of its connections."""
        return {"trace": self._watch}

    def _watch(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(MADE):
            self._stream = info["return_value"]

    def hang_up(self) -> None:
        """Break the connection under a running request, if there is one; called from another thread."""
        if self._stream is not None:
            with suppress(OSError):  # it may be closed already
                self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
