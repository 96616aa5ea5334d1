"""What a developer needs to test against rayingest: fakes that are stricter than the real thing."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rayingest.testing.catalogue import Faults, StrictCatalogue

__all__ = ["Faults", "StrictCatalogue"]


def __getattr__(name: str) -> Any:
    # Lazy, so that `python -m rayingest.testing.catalogue` imports its module once.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rayingest.testing import catalogue

    return getattr(catalogue, name)
