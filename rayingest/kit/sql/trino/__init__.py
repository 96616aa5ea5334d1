"""Trino and Presto: their information schemas and system tables, read in batches over HTTP."""
