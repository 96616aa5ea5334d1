"""A cluster of ours: its catalogs, its system tables, its protocol; `rayingest.testing.trino` serves it."""
