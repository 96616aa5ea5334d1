"""When a server wants to be asked again."""

import math
import time
from email.utils import parsedate_to_datetime


def retry_after(text: str | None) -> float | None:
    """Seconds of a Retry-After header: a number, or a date (RFC 9110); None for what cannot be read."""
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
