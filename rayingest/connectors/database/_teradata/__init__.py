"""Teradata's types."""
