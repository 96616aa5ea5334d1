"""Db2's connection."""
