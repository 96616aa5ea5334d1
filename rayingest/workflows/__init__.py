"""Workflows: what is discovered and processed, as plain descriptions."""
