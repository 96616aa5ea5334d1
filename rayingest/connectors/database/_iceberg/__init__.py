"""Apache Iceberg: its catalogues, and what the metadata of a table or view tells."""
