"""A database as SQL Server's catalogue describes it: rows for its views, out of a few words.

The columns are those of the views' documentation; what stands in them follows what it says of each.
https://learn.microsoft.com/en-us/sql/relational-databases/system-catalog-views/object-catalog-views-transact-sql
"""

import re
from collections import defaultdict
from itertools import count

OWNER, GUEST, SALES = 1, 2, 5
DBO = 1
# Types that pysqlbridge does not serve: name, system_type_id, user_type_id.
TYPES = [
    *(("char", 175, 175), ("varchar", 167, 167), ("nchar", 239, 239), ("sysname", 231, 256)),
    *(("decimal", 106, 106), ("numeric", 108, 108), ("money", 60, 60), ("smallmoney", 122, 122)),
    *(("date", 40, 40), ("time", 41, 41), ("datetime2", 42, 42), ("datetimeoffset", 43, 43)),
    *(("smalldatetime", 58, 58), ("real", 59, 59), ("xml", 241, 241), ("text", 35, 35)),
    *(("ntext", 99, 99), ("image", 34, 34), ("binary", 173, 173), ("timestamp", 189, 189)),
    *(("sql_variant", 98, 98), ("hierarchyid", 240, 128), ("geometry", 240, 129)),
    *(("geography", 240, 130), ("json", 244, 244)),
]
KNOWN = {name: (system, user) for name, system, user in TYPES} | {
    name: (number, number)
    for name, number in {
        "int": 56,
        "bigint": 127,
        "smallint": 52,
        "tinyint": 48,
        "bit": 104,
        "float": 62,
        "datetime": 61,
        "uniqueidentifier": 36,
        "nvarchar": 231,
        "varbinary": 165,
    }.items()
}
DECLARED = re.compile(r"(?P<name>\w+)(?:\((?P<size>max|\d+)(?:, ?(?P<scale>\d+))?\))?(?P<rest>.*)")
WIDE = {"nchar", "nvarchar"}
FRACTIONS = {"time", "datetime2", "datetimeoffset"}


class Database:
    """A database that is written into the server; `numbers` are those of its objects."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        self.numbers, self.columns = {}, {}
        self._next = count(1001)
        self._rows = defaultdict(list)
        self._schemas = {}
        self.put("types", *({"name": n, "system_type_id": s, "user_type_id": u, "schema_id": 4,
                             "is_user_defined": False} for n, s, u in TYPES))  # fmt: skip
        people = {OWNER: "dbo", GUEST: "guest", SALES: "sales team"}
        self.put(
            "database_principals", *({"principal_id": k, "name": v} for k, v in people.items())
        )
        self.schema("dbo", DBO)

    def put(self, view, *rows):
        self._rows[view] += rows
        return self

    def write(self):
        """Send all that was said so far."""
        self.server.put(self.name, self._rows)
        self._rows.clear()
        return self

    def schema(self, name, number=None, owner=OWNER, comment=None):
        self._schemas[name] = number or next(self._next)
        self.put("schemas", {"schema_id": self._schemas[name], "name": name, "principal_id": owner})
        self.comment(3, self._schemas[name], 0, comment)
        return self

    def comment(self, kind, major, minor, text):
        if text is not None:
            said = {"class": kind, "major_id": major, "minor_id": minor, "value": text}
            self.put("extended_properties", {**said, "name": "MS_Description"})

    def thing(self, name, *, kind="U", schema="dbo", owner=None, text=None, comment=None, **more):
        """An object of any kind; answers its number."""
        number = self.numbers[schema, name] = next(self._next)
        said = {"object_id": number, "name": name, "schema_id": self._schemas[schema]}
        told = {"type": kind.ljust(2), "principal_id": owner, "is_ms_shipped": False}
        self.put("objects", {**said, **told, **more})
        if text is not None:
            self.put("sql_modules", {"object_id": number, "definition": text})
        self.comment(1, number, 0, comment)
        return number

    def table(self, name, columns, **more):
        """A table or a view: `columns` are names with their types, `not null` and `-- a comment`."""
        number = self.thing(name, **more)
        self.columns[number] = {}
        for place, (column, declared) in enumerate(columns.items(), 1):
            self.column(number, place, column, declared)
        return number

    def column(self, table, place, name, declared, **more):
        declared, _, comment = declared.partition(" -- ")
        found = DECLARED.match(declared)
        system, user = KNOWN[found["name"]]
        self.columns[table][name] = place
        said = {"object_id": table, "column_id": place, "name": name}
        measures = dict(zip(("max_length", "precision", "scale"), _measures(found), strict=True))
        types = {"system_type_id": system, "user_type_id": user}
        null = {"is_nullable": "not null" not in found["rest"]}
        self.put("columns", {**said, **types, **measures, **null, **more})
        self.comment(1, table, place, comment or None)

    def index(self, table, number, *columns, primary=False, unique=False, partition=None, **more):
        keys = {"is_primary_key": primary, "is_unique_constraint": unique, **more}
        self.put("indexes", {"object_id": table, "index_id": number, **keys})
        ids = self.columns[table]
        every = [*columns, *({partition} - {None, *columns})]
        for place, column in enumerate(every, 1):
            said = {"object_id": table, "index_id": number, "index_column_id": place}
            ordinals = {
                "key_ordinal": place if column in columns else 0,
                "partition_ordinal": int(column == partition),
            }
            self.put("index_columns", {**said, "column_id": ids[column], **ordinals})

    def refer(self, table, columns, other, to):
        number = next(self._next)
        self.put("foreign_keys", {"object_id": number, "parent_object_id": table,
                                  "referenced_object_id": other})  # fmt: skip
        for place, (ours, theirs) in enumerate(zip(columns, to, strict=True), 1):
            self.put(
                "foreign_key_columns",
                {
                    "constraint_object_id": number,
                    "constraint_column_id": place,
                    "parent_object_id": table,
                    "parent_column_id": self.columns[table][ours],
                    "referenced_object_id": other,
                    "referenced_column_id": self.columns[other][theirs],
                },
            )


def _measures(found):
    """max_length in bytes, precision and scale, as sys.columns has them."""
    name, size, scale = found["name"], found["size"], found["scale"]
    if name in {"decimal", "numeric"}:
        return 9, int(size or 18), int(scale or 0)
    if name in FRACTIONS:
        return 8, 0, int(size or 7)
    if size == "max":
        return -1, 0, 0
    length = int(size or 8)
    return (length * 2 if name in WIDE else length), 0, 0


def library(server, name="library"):
    """The story that every database tells."""
    made = Database(server, name)
    author = made.table("author", {"id": "int not null", "name": "nvarchar(100) not null"})
    made.index(author, 1, "id", primary=True)
    book = made.table(
        "book",
        {
            "id": "int not null",
            "title": "nvarchar(200) not null -- As printed",
            "author_id": "int not null",
            "isbn": "varchar(20)",
            "price": "decimal(8, 2)",
        },
        comment="All books",
    )
    made.index(book, 1, "id", primary=True)
    made.index(book, 2, "isbn", unique=True)
    made.refer(book, ["author_id"], author, ["id"])
    for place, number in enumerate((author, book)):
        said = {"object_id": number, "name": ("author", "book")[place], "schema_id": DBO}
        made.put("tables", said)
    loan = made.table("loan", {"book_id": "int not null", "day": "date not null"})
    made.index(loan, 0, partition="day")
    text = "CREATE VIEW dbo.cheap_book AS SELECT id, title FROM dbo.book WHERE price < 10"
    made.table("cheap_book", {"id": "int", "title": "nvarchar(200)"}, kind="V", text=text)
    code = "CREATE FUNCTION dbo.twice (@n int) RETURNS int AS BEGIN RETURN 2 * @n END"
    made.thing("twice", kind="FN", text=code)
    return made.write()
