"""Connectors, found by listing this folder."""
