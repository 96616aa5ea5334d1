"""Superset's own: its entities, its pages, and its metadata database."""
