"""Where entities are written: OpenMetadata, files, SQLite, memory; `build` makes one from a config."""

from difflib import get_close_matches
from typing import Any

from rayingest.core.sink import Sink
from rayingest.errors import ConfigError

__all__ = ["NAMES", "build"]

NAMES = ("metadata-rest", "file", "sql", "memory")


def build(config: Any) -> Sink:
    """The sink that `sink.type` names, importing that one only. Raises ConfigError."""
    name = str(config.sink.type)
    options = dict(config.sink.config or {})
    match name:
        case "metadata-rest":
            from rayingest.sinks import openmetadata

            return openmetadata.from_config(config)
        case "file":
            from rayingest.sinks import file

            return file.from_options(options)
        case "sql":
            from rayingest.sinks import sql

            return sql.from_options(options)
        case "memory":
            from rayingest.sinks import memory

            return memory.from_options(options)
        case _:
            near = get_close_matches(name, NAMES, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigError(
                f"There is no sink {name!r}.{meant}",
                hint=f"sink.type is one of {', '.join(NAMES)}.",
            )
