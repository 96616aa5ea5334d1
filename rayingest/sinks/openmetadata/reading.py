"""Read what a failed call tells: its cause, and when to come back."""

import math
import time
from email.utils import parsedate_to_datetime


def cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """The first exception of a kind in a chain."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def retry_after(text: str | None) -> float | None:
    """Seconds, or a date (RFC 9110); None for what cannot be read."""
    if not text:
        return None
    try:
        wait = float(text)
    except ValueError:
        try:
            wait = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return max(wait, 0.0) if math.isfinite(wait) else None
