"""PostgreSQL's catalogue, read in sets: what `postgres` and the databases derived from it share."""
