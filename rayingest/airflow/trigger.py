"""The triggerer's part of waiting: a look at the RayJob now and then, by a thread that is free at once.

It is made again from its names wherever a triggerer goes on, and it remembers nothing: the deadline is
counted from what the RayJob says. A watch would hold a thread of the triggerer for each run.
https://airflow.apache.org/docs/apache-airflow/stable/authoring-and-scheduling/deferring.html
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from rayingest.airflow.quiet import quieten
from rayingest.errors import NotNow
from rayingest.launch.glance import Seen, glance
from rayingest.launch.waiting import SLACK_SECONDS


class Ended(BaseTrigger):  # type: ignore[misc]  # who checks types need not have Airflow
    """Fires when a RayJob has ended, has gone, or should have ended long ago.

    `patience` is how long Kubernetes may not answer, in seconds.
    """

    patience = SLACK_SECONDS

    def __init__(
        self, *, name: str, namespace: str | None, context: str | None, look_seconds: float
    ) -> None:
        super().__init__()
        self.name = name
        self.namespace = namespace
        self.context = context
        self.look_seconds = look_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Airflow's: the class, and what it is made with again."""
        told = {
            "name": self.name,
            "namespace": self.namespace,
            "context": self.context,
            "look_seconds": self.look_seconds,
        }
        return f"{__name__}.{type(self).__name__}", told

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Airflow's: the one event. Raises NotNow when Kubernetes does not answer for too long."""
        quieten()
        last: Seen | None = None
        answered = time.monotonic()
        while True:
            try:
                seen = await asyncio.to_thread(glance, self.context, self.name, self.namespace)
            except NotNow as error:
                if time.monotonic() - answered > self.patience:
                    raise
                self.log.warning("%s Asking again in %.0f s.", error, self.look_seconds)
            else:
                answered = time.monotonic()
                if seen != last:
                    self.log.info("RayJob %s: %s", self.name, seen.told)
                    if seen.uneasy:
                        self.log.warning("%s", seen.uneasy)
                last = seen
                if seen.over:
                    yield TriggerEvent({"why": seen.over})
                    return
            await asyncio.sleep(self.look_seconds)
