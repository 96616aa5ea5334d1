"""Logs on standard error: lines for people, or JSON for programs; other libraries' warnings too."""

import logging
import os
import sys
import warnings
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

Event = MutableMapping[str, Any]
COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m", "debug": "\x1b[2m"}
PLAIN = "\x1b[0m"
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Stderr:
    """Standard error as it is when something is written: a live display may have replaced it."""

    def write(self, text: str) -> int:
        """Write; a reader who has left is no reason to fail."""
        try:
            return sys.stderr.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        """Flush."""
        try:
            sys.stderr.flush()
        except (OSError, ValueError):
            return


class FromLogging(logging.Handler):
    """Records of other libraries as our events."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hand on one record."""
        level = "error" if record.levelno >= logging.ERROR else "warning"
        say(level, record.getMessage(), logger=record.name)


def configure(form: str = "text", *, verbose: bool = False, quiet: bool = False) -> None:
    """Write events in this form from now on."""
    set_level("DEBUG" if verbose else "WARNING" if quiet else "INFO")
    structlog.configure(
        processors=[structlog.processors.add_log_level, _json if form == "json" else _text],
        logger_factory=structlog.PrintLoggerFactory(Stderr()),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    logging.captureWarnings(capture=True)
    if not verbose:
        warnings.simplefilter("ignore")
    # Its pipelines complain of what the connector has already turned into an answer.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if not isinstance(each, FromLogging)]
    root.addHandler(FromLogging(logging.WARNING))


def set_level(name: str) -> None:
    """Leave out what is less than this level."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS.get(name.lower(), 20))
    )


def say(level: str, text: str, **fields: Any) -> None:
    """One event; `level` is debug, info, warning or error."""
    if not structlog.is_configured():
        configure()
    getattr(structlog.get_logger(), level if level in LEVELS else "info")(text, **fields)


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
    return structlog.is_configured() and structlog.get_config()["processors"][-1] is _json


def coloured() -> bool:
    """Whether standard error shows colours: a terminal, and NO_COLOR is not set."""
    return (
        sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def line(level: str, text: str) -> str:
    """One event as `say` would write it, for a signal handler that must write by itself."""
    return (_json if is_json() else _text)(None, level, {"level": level, "event": text}) + "\n"


def _text(_logger: Any, _name: str, event: Event) -> str:
    level, text, hint = event.pop("level"), str(event.pop("event")), event.pop("hint", None)
    fields = "".join(f"  {key}={value}" for key, value in event.items())
    if level == "error":
        written = f"error: {text}{fields}" + (f"\n  → {hint}" if hint else "")
    else:
        word = "" if level == "info" else f"{level}: "
        written = f"{datetime.now().astimezone():%H:%M:%S} {word}{text}{fields}"
        written += f" → {hint}" if hint else ""
    return f"{COLOURS[level]}{written}{PLAIN}" if level in COLOURS and coloured() else written


def _json(_logger: Any, _name: str, event: Event) -> str:
    import msgspec

    head = {"timestamp": datetime.now(UTC).isoformat(timespec="milliseconds")}
    head |= {"level": event.pop("level"), "event": event.pop("event")}
    return msgspec.json.encode(head | dict(event), enc_hook=str).decode()
