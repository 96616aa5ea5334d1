"""The database of Hive's metastore, PostgreSQL or MySQL, read in sets."""
