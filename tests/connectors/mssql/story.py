"""The library as pysqlbridge can tell it: tables out of CSV, whose types it makes out of the values.

And what of SQL Server it cannot show, and why; test_story.py shows it out of rows that we wrote.
"""

from rayingest.core.source import Capability

EDITION = "cast(serverproperty('EngineEdition') as int)"  # as the connector asks for it
TABLES = {
    "author": "id,name\n1,Ada Lovelace\n",
    "book": "id,title,author_id,isbn,price\n1,Notes,1,978-3-16-148410-0,9.5\n2,More notes,1,,\n",
    "loan": "book_id,day\n1,2026-01-31\n",
}
COMPILED = {
    Capability.COLUMNS: "every column of pysqlbridge may be empty, whatever it holds",
    Capability.KEYS: "its tables have none",
    Capability.COMMENTS: "it has no extended properties",
    Capability.VIEWS: "it has no views",
    Capability.PARTITIONS: "its tables have none",
    Capability.PROCEDURES: "it has none",
}
