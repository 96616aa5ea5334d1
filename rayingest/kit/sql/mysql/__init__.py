"""MySQL and MariaDB: information_schema, read in batches over PyMySQL."""
