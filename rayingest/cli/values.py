"""How durations, numbers and words are read from people and written for them."""

import re

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def duration(text: str) -> float:
    """Seconds out of `90`, `90s`, `15m`, `1h30m`, `4h`. Raises ValueError."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip().lower())
    if not parts or "".join(map("".join, parts)) != text.strip().lower():
        raise ValueError(f"{text!r} is no duration: write 90s, 15m, 4h or a number of seconds.")
    if len(parts) > 1 and any(not unit for _, unit in parts):
        raise ValueError(f"{text!r} is no duration: every part needs a unit, such as 1h30m.")
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if seconds <= 0:
        raise ValueError("A duration must be longer than nothing.")
    return seconds


def spell(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def clock(seconds: float) -> str:
    """`0:07`, `12:40`, `1:02:03`."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def per_second(rate: float) -> str:
    """`1,240/s`, `3.4/s`; slower than one in ten seconds is told by the minute."""
    if rate >= 10:
        return f"{rate:,.0f}/s"
    return f"{rate:.1f}/s" if rate >= 0.1 else f"{rate * 60:.1f}/min"


def allowed(rate: float, of: str = "") -> str:
    """A limit's rate, `50/s`; less than one in a second is told by the hour, `480 calls/h`."""
    number, unit = (rate, "s") if rate >= 1 else (rate * 3600, "h")
    return f"{f'{number:,.2f}'.rstrip('0').rstrip('.')}{of}/{unit}"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 problem`, `2 problems`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def size(amount: float) -> str:
    """`312 MB`."""
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:,.0f} MB"


def unspoken(line: str) -> str:
    """A line of somebody else's log, without what a terminal would obey: names of a source are in it."""
    return re.sub(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", "", line)
