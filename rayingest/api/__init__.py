"""The Python face of rayingest: `load(...)` a config, `run()` it, look at what became of it."""

from rayingest.api.job import Job, load
from rayingest.api.run import EntityRecord, Failure, Run

__all__ = ["EntityRecord", "Failure", "Job", "Run", "load"]
