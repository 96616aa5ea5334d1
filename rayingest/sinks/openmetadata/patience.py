"""Ask once more what a server failed at, and stop when it fails at everything."""

from collections.abc import Callable

from rayingest.errors import SinkDown
from rayingest.sinks.openmetadata.client import Client, Reply

SICK = 8  # single requests in a row that a server failed at, twice each


class Patience:
    """For the single requests of one batch."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._failed = 0

    def ask(self, call: Callable[[], Reply]) -> Reply:
        """The reply, of the second call where the first was answered 5xx. Raises SinkDown."""
        reply = call()
        if reply.status >= 500:  # once more: a whole service must not be lost to one hiccup
            reply = call()
        self._failed = self._failed + 1 if reply.status >= 500 else 0
        if self._failed >= SICK:
            raise SinkDown(
                f"{self._client.server.host_port} answers {reply.status} to every row: {reply.message}",
                hint="Nothing is lost: what was not acknowledged is sent again. See the server's log.",
            )
        return reply
