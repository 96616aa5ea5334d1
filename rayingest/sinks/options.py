"""Read `sink.config` of the local sinks."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from rayingest.errors import ConfigError


def known(given: Mapping[str, Any], keys: tuple[str, ...]) -> None:
    """Refuse keys that nothing reads, with the nearest one. Raises ConfigError."""
    for key in given:
        if key not in keys:
            near = get_close_matches(str(key), keys, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigError(
                f"sink.config: unknown key {key!r}.{meant}", hint=f"Known: {', '.join(keys)}"
            )
