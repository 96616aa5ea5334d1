"""Redshift's catalogue, read in sets on the leader node; what lies outside is asked of SVV_EXTERNAL_….

What is reused of PostgreSQL: the driver, the session, errors by SQLSTATE. Its statements are not: they
speak of PostgreSQL 12, and Redshift's leader node is one of PostgreSQL 8 (no arrays as parameters, no
lateral, no `pg_get_functiondef`), with columns of its own in pg_class and pg_attribute.
https://docs.aws.amazon.com/redshift/latest/dg/c_unsupported-postgresql-features.html

A statement asks either for catalogue tables (PG_…), and may then use functions of the leader node, or for
system views (SVV_…), and may not: never for both.
https://docs.aws.amazon.com/redshift/latest/dg/c_sql-functions-leader-node.html
"""
