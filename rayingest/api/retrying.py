"""What a retry tries again: all that has no good end in the run before it."""

from collections.abc import Callable

from rayingest.api import continuing
from rayingest.core.source import EntityDescriptor
from rayingest.execute.replay import found, unsuccessful
from rayingest.state.run_directory import RunDirectory

SHOWN = 5  # names in a sentence


class Again:
    """Which descriptors of a new listing are tried again.

    The source is listed anew, for what failed may have come back under another key, and what could
    not be listed has no descriptors to try. What came into being since is left to the next run.
    """

    def __init__(
        self, parent: RunDirectory, keeps: Callable[[EntityDescriptor], bool] | None
    ) -> None:
        """Read what became of the parent. Raises ConfigError, StateError."""
        self.failed, self._listed = unsuccessful(parent)
        self._only_failed = continuing.begun(parent).kind == "process"
        self._keeps = keeps

    def __call__(self, descriptor: EntityDescriptor) -> bool:
        """Whether this one is tried again."""
        if (descriptor.type, descriptor.id) in self.failed:
            return True
        if self._only_failed or (descriptor.type, descriptor.scope) in self._listed:
            return False
        return self._keeps is None or self._keeps(descriptor)

    def vanished(self, directory: RunDirectory) -> list[str]:
        """A sentence on what failed and is not there any more, now that all is listed. Raises StateError."""
        gone = self.failed - found(directory)
        if not gone:
            return []
        names = sorted(name for _, name in gone)
        more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
        return [f"No longer at the source, and not tried again: {', '.join(names[:SHOWN])}{more}."]
