"""ClickHouse: its system tables, read in batches over HTTP or the native protocol."""
