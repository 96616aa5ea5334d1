"""How one call of a check goes."""

from collections.abc import Callable

from rayingest.core.source import CheckResult
from rayingest.errors import SourceError


def tried(name: str, attempt: Callable[[], object], grant: str = "") -> CheckResult:
    """Whether an attempt is allowed; if not, `grant` says what is needed, or else the error does."""
    try:
        attempt()
    except SourceError as error:
        return CheckResult(name, "denied", str(error), grant or error.hint or "")
    return CheckResult(name, "ok")
