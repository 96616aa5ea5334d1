"""Engines: the scheduler, its drivers and workers; the only layer that may import ray."""
