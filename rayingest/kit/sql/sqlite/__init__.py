"""SQLite: the schema table and pragma functions, hundreds of tables in one statement, stdlib only."""
