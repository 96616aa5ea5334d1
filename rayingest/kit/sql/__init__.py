"""SQL databases: sessions, catalogue queries, type mapping."""
