"""Snowflake: INFORMATION_SCHEMA and SHOW, read in batches over the vendor's own client."""
