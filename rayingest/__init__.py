"""Read the metadata of many systems, in parallel, into a catalogue, and prove that nothing was lost."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rayingest.api import Job, Run, load

__all__ = ["Job", "Run", "__version__", "load"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the working parts only when they are asked for: `import rayingest` stays cheap."""
    if name in {"Job", "Run", "load"}:
        from rayingest import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
