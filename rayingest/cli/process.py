"""Stub."""

def process() -> None:
    """Stub."""
