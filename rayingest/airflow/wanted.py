"""What a DAG was made with. Airflow reads DAG files all the time, so that nothing is imported or opened here."""

from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

from rayingest.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Where the config is, what is changed of it, and on which cluster it runs."""

    config: str
    overlays: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    namespace: str | None = None
    context: str | None = None
    image: str | None = None
    state_url: str | None = None
    logs_pod: bool = False
    partial_ok: bool = False
    allow_untested: bool = False


def placed(path: str | PathLike[str]) -> str:
    """The path of a file that every worker has. Raises ConfigError: they start in any folder."""
    text = fspath(path)
    if not Path(text).is_absolute():
        raise shown(
            ConfigError(
                f"The config {text!r} is relative, and Airflow's workers start in any folder.",
                hint=f"Path(__file__).with_name({Path(text).name!r}) is the one beside the DAG file.",
            )
        )
    return text


def shown(error: ConfigError) -> ConfigError:
    """An error with its hint where Airflow shows it: of a DAG file it keeps the traceback alone."""
    error.add_note(f"→ {error.hint}")
    return error


def all_placed(paths: Iterable[str | PathLike[str]]) -> tuple[str, ...]:
    """Several of them."""
    return tuple(map(placed, paths))
