"""Try what a run would ask, and say how it went: a line of `rayingest check`."""

from collections.abc import Callable

from rayingest.core.source import Capability, CheckResult
from rayingest.errors import Denied, RayingestError


def trial(
    capability: Capability,
    ask: Callable[[], object],
    classify: Callable[[Exception], RayingestError | None],
) -> CheckResult:
    """Ask; a refusal is told with what mends it. Raises what nobody knows."""
    try:
        ask()
    except Exception as error:
        known = classify(error)
        if known is None:
            raise
        return CheckResult(capability, "denied", str(known), known.hint)
    return CheckResult(capability, "ok")


def refusal(capability: str, error: RayingestError, where: str = "") -> CheckResult:
    """The line for what a trial of several calls raised."""
    denied = isinstance(error, Denied)
    return CheckResult(capability, "denied" if denied else "failed", f"{where}{error}", error.hint)
