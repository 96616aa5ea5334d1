"""What is wrong in a config: where, which key, why, and what to do about it; all at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from rayingest.errors import ConfigError

KeyPath = tuple[str | int, ...]
SERVICE_CONNECTION: KeyPath = ("source", "serviceConnection")
CONNECTION: KeyPath = (*SERVICE_CONNECTION, "config")
OPTIONS_PATH: KeyPath = ("source", "sourceConfig", "config")
SINK: KeyPath = ("sink",)
SINK_CONFIG: KeyPath = ("sink", "config")
SERVER: KeyPath = ("workflowConfig", "openMetadataServerConfig")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Where something was written; line and column count from 1, line 0 is no file at all."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that the user must change. Never holds a secret."""

    mark: Mark
    path: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        where = f"{self.mark}: {self.path}: " if self.path else f"{self.mark}: "
        return where + self.message + (f"\n    {self.hint}" if self.hint else "")


class ConfigErrors(ConfigError):
    """Everything that is wrong in one config."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems), key=lambda each: each.mark))
        super().__init__("\n".join(map(str, self.problems)))


def dotted(path: KeyPath) -> str:
    """Spell a path as users read it, `source.sourceConfig.config.threads`."""
    return ".".join(map(str, path))


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A sentence with the nearest known word, or nothing."""
    near = nearest(word, known)
    return f" Did you mean {near!r}?" if near else ""


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that is most like this one, if any is."""
    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[near[0]] if near else None
