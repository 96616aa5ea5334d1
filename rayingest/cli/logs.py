"""Logs on standard error: lines for people, or JSON for programs; other libraries' warnings too."""

import json
import logging
import os
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

NAME = "rayingest"
COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m", "debug": "\x1b[2m"}
PLAIN = "\x1b[0m"
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_NAMES = {number: name for name, number in LEVELS.items()}


class Formatted(logging.Handler):
    """Gives each record to `write`, as the line that it is."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a reader who has left is no reason to fail."""
        ours = record.name == NAME
        fields = dict(getattr(record, "fields", {})) if ours else {"logger": record.name}
        level = _NAMES.get(min(record.levelno, LEVELS["error"]), "info")
        try:
            self._write(line(level, record.getMessage(), **fields))
        except (OSError, ValueError):
            return


def _to_stderr(text: str) -> None:
    """Standard error as it is now: a live display may have replaced it."""
    sys.stderr.write(text)
    sys.stderr.flush()


_LOGGER = logging.getLogger(NAME)
_HANDLER = Formatted(_to_stderr)
_FORM = {"json": False}


def configure(form: str = "text", *, verbose: bool = False, quiet: bool = False) -> None:
    """Write events in this form from now on, and warnings of other libraries with them."""
    set_level("DEBUG" if verbose else "WARNING" if quiet else "INFO")
    _FORM["json"] = form == "json"
    logging.captureWarnings(capture=True)
    if not verbose:
        warnings.simplefilter("ignore")
    # What psycopg's pipelines complain of the connector has turned into an answer already, and of a
    # call that is tried again nobody needs to know who is not looking for it.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    logging.getLogger("clickhouse_driver").setLevel(logging.ERROR)  # its errors reach us, too
    logging.getLogger("stamina").setLevel(logging.WARNING if verbose else logging.ERROR)
    # It warns of every proxy that it uses, and what it logs as an error it also raises.
    logging.getLogger("snowflake.connector").setLevel(
        logging.WARNING if verbose else logging.CRITICAL
    )
    logging.getLogger().addHandler(_HANDLER)


def reset() -> None:
    """Write nothing of other libraries any more."""
    logging.captureWarnings(capture=False)
    logging.getLogger().removeHandler(_HANDLER)
    _FORM["json"] = False


def set_level(name: str) -> None:
    """Leave out what is less than this level."""
    _LOGGER.setLevel(LEVELS.get(name.lower(), LEVELS["info"]))


def say(level: str, text: str, **fields: Any) -> None:
    """One event; `level` is debug, info, warning or error."""
    if _HANDLER not in logging.getLogger().handlers:
        configure()
    _LOGGER.log(LEVELS.get(level, LEVELS["info"]), text, extra={"fields": fields})


def info(text: str, **fields: Any) -> None:
    """One event of interest."""
    say("info", text, **fields)


def warning(text: str, **fields: Any) -> None:
    """One event that somebody should look at."""
    say("warning", text, **fields)


def error(text: str, hint: str | None = None) -> None:
    """What went wrong, and the next move."""
    say("error", text, **({"hint": hint} if hint else {}))


def is_json() -> bool:
    """Whether events are written as JSON."""
    return _FORM["json"]


def coloured() -> bool:
    """Whether standard error shows colours: a terminal, and NO_COLOR is not set."""
    return (
        sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def line(level: str, text: str, **fields: Any) -> str:
    """One event as `say` writes it; a signal handler writes it by itself."""
    return (_json if is_json() else _text)(level, text, fields) + "\n"


def _text(level: str, text: str, fields: dict[str, Any]) -> str:
    hint = fields.pop("hint", None)
    more = "".join(f"  {key}={value}" for key, value in fields.items())
    if level == "error":
        written = f"error: {text}{more}" + (f"\n  → {hint}" if hint else "")
    else:
        word = "" if level == "info" else f"{level}: "
        written = f"{datetime.now().astimezone():%H:%M:%S} {word}{text}{more}"
        written += f" → {hint}" if hint else ""
    return f"{COLOURS[level]}{written}{PLAIN}" if level in COLOURS and coloured() else written


def _json(level: str, text: str, fields: dict[str, Any]) -> str:
    head = {"timestamp": datetime.now(UTC).isoformat(timespec="milliseconds")}
    whole = head | {"level": level, "event": text} | fields
    return json.dumps(whole, default=str, ensure_ascii=False, separators=(",", ":"))
