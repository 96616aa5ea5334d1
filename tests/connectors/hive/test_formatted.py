"""DESCRIBE FORMATTED in Hive's words of 2, 3 and 4, and in Impala's, as their documentation and sources show it.

https://github.com/apache/hive, TextDescTableFormatter, and its ql/src/test/results ·
https://impala.apache.org/docs/build/html/topics/impala_describe.html
"""

import pytest

from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.hive import described
from rayingest.kit.sql.hive.ddl import statement
from rayingest.kit.sql.hive.formatted import among, names, sort_columns, unescaped

SCOPE = "svc.default.library"
BLANK = ("", None, None)
HEAD = [("# col_name            ", "data_type           ", "comment             "), BLANK]
STORAGE = [
    BLANK,
    ("# Storage Information", None, None),
    ("SerDe Library:      ", "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", None),
    ("InputFormat:        ", "org.apache.hadoop.mapred.TextInputFormat", None),
    ("OutputFormat:       ", "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat", None),
    ("Compressed:         ", "No                  ", None),
    ("Num Buckets:        ", "4                   ", None),
    ("Bucket Columns:     ", "[id, author_id]     ", None),
    ("Sort Columns:       ", "[Order(col:id, order:1), Order(col:price, order:0, nullOrder:1)]", None),
    ("Storage Desc Params:", None, None),
    ("", "serialization.format", "1                   "),
]  # fmt: skip
BOOK = [
    *HEAD,
    ("id                  ", "int                 ", "from deserializer   "),
    ("title               ", "string              ", "As printed          "),
    ("                    ", "                    ", "in the book         "),
    ("and outside", None, None),
    ("author_id           ", "int                 ", ""),
    ("price               ", "decimal(8,2)        ", ""),
    BLANK,
    ("# Partition Information", None, None),
    *HEAD,
    ("day                 ", "date                ", "Of return           "),
    BLANK,
    ("# Detailed Table Information", None, None),
    ("Database:           ", "library             ", None),
    ("OwnerType:          ", "USER                ", None),
    ("Owner:              ", "hive                ", None),
    ("CreateTime:         ", "Fri Mar 18 15:58:00 PDT 2016", None),
    ("LastAccessTime:     ", "UNKNOWN             ", None),
    ("Retention:          ", "0                   ", None),
    ("Location:           ", "hdfs://nn:8020/warehouse/library.db/book", None),
    ("Table Type:         ", "EXTERNAL_TABLE      ", None),
    ("Table Parameters:", None, None),
    ("", "COLUMN_STATS_ACCURATE", '{\\"BASIC_STATS\\":\\"true\\"}'),
    ("", "EXTERNAL            ", "TRUE                "),
    ("", "comment             ", 'All \\"books\\"\\nof \\u00fcs'),
    ("", "transient_lastDdlTime", "1458341880          "),
    *STORAGE,
]
KEYS = [
    BLANK,
    ("# Constraints", None, None),
    BLANK,
    ("# Primary Key", None, None),
    ("Table:              ", "library.book        ", None),
    ("Constraint Name:    ", "pk                  ", None),
]
KEYS_4 = [
    *KEYS,
    ("Column Name:        ", "id                  ", None),
    BLANK,
    ("# Foreign Keys", None, None),
    ("Table:              ", "library.book        ", None),
    ("Constraint Name:    ", "fk1                 ", None),
    ("Parent Column Name:people.author.id", "Column Name:author_id", "Key Sequence:1      "),
    ("Parent Column Name:people.author.b.c", "Column Name:id", "Key Sequence:2      "),
    BLANK,
    ("Constraint Name:    ", "fk2                 ", None),
    ("Parent Column Name:people.author.id", "Column Name:author_id", "Key Sequence:1      "),
    BLANK,
    ("# Unique Constraints", None, None),
    ("Table:              ", "library.book        ", None),
    ("Constraint Name:    ", "u1                  ", None),
    ("Column Name:title   ", "Key Sequence:1      ", None),
    BLANK,
    ("Constraint Name:    ", "u2                  ", None),
    ("Column Name:title   ", "Key Sequence:1      ", None),
    ("Column Name:price   ", "Key Sequence:2      ", None),
    BLANK,
    ("# Not Null Constraints", None, None),
    ("Table:              ", "library.book        ", None),
    ("Constraint Name:    ", "n1                  ", None),
    ("Column Name:        ", "author_id           ", None),
    BLANK,
    ("# Default Constraints", None, None),
    ("Table:              ", "library.book        ", None),
    ("Constraint Name:    ", "d1                  ", None),
    ("Column Name:price   ", "Default Value:0     ", None),
]


def table(rows, name="book", ddl=None):
    from rayingest.kit.sql.hive import formatted

    told = formatted.described(name, rows, among(SCOPE))
    return described.table(told, Wants(owners=True), f"{SCOPE}.{name}", SCOPE, ddl)


def test_a_table_of_hives():
    book = table(BOOK)
    assert str(book.table_type) == "External"
    assert [(each.name, each.data_type, each.description) for each in book.columns] == [
        ("id", "INT", None),
        ("title", "STRING", "As printed\nin the book\nand outside"),
        ("author_id", "INT", None),
        ("price", "DECIMAL", None),
        ("day", "DATE", "Of return"),
    ]
    assert [each.column_name for each in book.partition] == ["day"]
    assert book.description == 'All "books"\nof üs'
    assert book.location_path == "hdfs://nn:8020/warehouse/library.db/book"
    assert [each.name for each in book.owners] == ["hive"]
    assert [(each.constraint_type, each.columns) for each in book.constraints] == [
        ("DIST_KEY", ("id", "author_id")),
        ("SORT_KEY", ("id", "price")),
    ]


def test_keys_of_hive_4():
    book = table([*BOOK, *KEYS_4])
    constraints = {each.name: str(each.constraint) for each in book.columns}
    assert constraints == {
        "id": "PRIMARY_KEY",
        "title": "UNIQUE",
        "author_id": "NOT_NULL",
        "price": "NULL",
        "day": "NULL",
    }
    unique, *foreign = [
        each for each in book.constraints if not each.constraint_type.endswith("T_KEY")
    ]
    assert (unique.constraint_type, unique.columns) == ("UNIQUE", ("title", "price"))
    author = "svc.default.people.author"
    assert [(each.columns, each.referred_table, each.referred_columns) for each in foreign] == [
        (("author_id", "id"), author, (f"{author}.id", f'{author}."b.c"')),
        (("author_id",), author, (f"{author}.id",)),
    ]


@pytest.mark.parametrize(
    ("row", "primary"),
    [
        (("Column Names:       ", "id                  ", None), ["id"]),
        # There may have been a third one, which Hive cut off.
        (("Column Names:       ", "id                  ", "title               "), []),
    ],
)
def test_keys_of_hive_2_and_3_are_told_where_they_are_whole(row, primary):
    book = table([*BOOK, *KEYS, row])
    told = [each.name for each in book.columns if str(each.constraint) == "PRIMARY_KEY"]
    assert told == primary
    assert all(each.constraint_type.endswith("T_KEY") for each in book.constraints)


@pytest.mark.parametrize(
    ("original", "expanded", "heading", "kind"),
    [
        ("View Original Text:", "View Expanded Text:", "# View Information", "VIRTUAL_VIEW"),
        ("Original Query:", "Expanded Query:", "# View Information", "VIRTUAL_VIEW"),
        ("Original Query:", "Expanded Query:", "# Materialized View Information", "MATERIALIZED_VIEW"),
    ],
)  # fmt: skip
def test_a_views_text_is_the_one_with_whole_names_and_keeps_its_lines(
    original, expanded, heading, kind
):
    rows = [
        ("id", "int", ""),
        BLANK,
        ("# Detailed Table Information", None, None),
        ("Database:           ", "library             ", None),
        ("Owner:              ", "hive                ", None),
        ("Table Type:         ", kind, None),
        ("Table Parameters:", None, None),
        ("", "transient_lastDdlTime", "1458341880          "),
        *STORAGE,
        BLANK,
        (heading, None, None),
        (original, "select id", None),
        ("from book", None, None),
        (expanded, "select `book`.`id`", None),
        ("-- Location", None, None),
        ("Owner", None, None),
        ("from `library`.`book`", None, None),
        ("Rewrite Enabled:    ", "No                  ", None),
    ]
    view = table(rows, "v")
    assert str(view.table_type) == ("View" if kind == "VIRTUAL_VIEW" else "MaterializedView")
    assert view.schema_definition == "select `book`.`id`\n-- Location\nOwner\nfrom `library`.`book`"
    assert view.location_path is None


def test_a_view_of_trinos_in_hives_metastore():
    """Its text is JSON in Base64; the other text says nothing."""
    from ..glue_tables import presto

    rows = [
        ("id", "int", ""),
        BLANK,
        ("# Detailed Table Information", None, None),
        ("Database:", "library", None),
        ("Table Type:", "VIRTUAL_VIEW", None),
        ("Table Parameters:", None, None),
        ("", "comment", "Presto View"),
        ("", "presto_view", "true"),
        BLANK,
        ("# View Information", None, None),
        ("View Original Text:", presto("SELECT id FROM book", "id"), None),
        ("View Expanded Text:", "/* Presto View */", None),
    ]
    view = table(rows, "v")
    assert (view.schema_definition, view.description) == ("SELECT id FROM book", None)


def test_a_table_of_impalas():
    rows = [
        ("# col_name", "data_type", "comment"),
        ("", None, None),
        ("x", "int", None),
        ("m", "array<struct<", "nested"),
        ("", "  f1:string,", ""),
        ("", "  f2:bigint", ""),
        ("", ">>", ""),
        ("", None, None),
        ("# Detailed Table Information", None, None),
        ("Database:", "my_database", None),
        ("Owner:", "jrussell", None),
        ("CreateTime:", "Fri Mar 18 15:58:00 PDT 2016", None),
        ("LastAccessTime:", "UNKNOWN", None),
        ("Protect Mode:", "None", None),
        ("Retention:", "0", None),
        ("Location:", "/user/hive/warehouse/my_database.db/my_table", None),
        ("Table Type:", "MANAGED_TABLE", None),
        ("Table Parameters:", None, None),
        ("", "transient_lastDdlTime", "1458341880"),
        ("", None, None),
        ("# Storage Information", None, None),
        ("SerDe Library:", "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", None),
        ("Compressed:", "No", None),
        ("Num Buckets:", "0", None),
        ("Bucket Columns:", "[]", None),
        ("Sort Columns:", "[]", None),
    ]
    found = table(rows, "my_table")
    assert (str(found.table_type), found.constraints) == ("Regular", ())
    assert [each.name for each in found.columns] == ["x", "m"]
    nested = found.columns[1]
    assert (nested.data_type, nested.array_data_type, nested.description) == (
        "ARRAY",
        "STRUCT",
        "nested",
    )
    assert [(each.name, each.data_type) for each in nested.children] == [
        ("f1", "STRING"),
        ("f2", "BIGINT"),
    ]
    assert found.owners[0].name == "jrussell"


def test_an_iceberg_table_of_hive_4():
    rows = [
        ("id", "int", ""),
        ("day", "date", ""),
        BLANK,
        ("# Partition Transform Information", None, None),
        ("# col_name", "transform_type", None),
        ("day", "YEAR", None),
        BLANK,
        ("# Detailed Table Information", None, None),
        ("Database:", "library", None),
        ("Table Type:", "EXTERNAL_TABLE", None),
        ("Table Parameters:", None, None),
        ("", "table_type", "ICEBERG"),
    ]
    found = table(rows, "ice")
    assert str(found.table_type) == "Iceberg"
    assert [each.name for each in found.columns] == ["id", "day"]


def test_spark_tells_partitions_among_the_columns_too_and_they_are_no_facts():
    rows = [
        ("id", "int", ""),
        ("Owner", "string", "Who has it"),
        ("# Partition Information", "", ""),
        ("# col_name", "data_type", "comment"),
        ("Owner", "string", "Who has it"),
        ("", "", ""),
        ("# Detailed Table Information", "", ""),
        ("Database", "library", ""),
        ("Owner", "hive", ""),
        ("Type", "VIEW", ""),
        ("View Text", "select 1", ""),
        ("Owner", "of a line", ""),
    ]
    found = table(rows, "loan")
    assert [(each.name, each.description) for each in found.columns] == [
        ("id", None),
        ("Owner", "Who has it"),
    ]
    assert [each.column_name for each in found.partition] == ["Owner"]
    assert [each.name for each in found.owners] == ["hive"]
    assert found.schema_definition == "select 1\nOwner\tof a line"


def test_a_key_whose_parent_cannot_be_read_is_none():
    keys = [
        ("# Foreign Keys", None, None),
        ("Constraint Name:    ", "fk", None),
        ("Parent Column Name:author.id", "Column Name:author_id", "Key Sequence:1      "),
    ]
    assert all(each.constraint_type.endswith("T_KEY") for each in table(BOOK + keys).constraints)


def test_lists_of_names():
    assert names("[a, b]") == ["a", "b"]
    assert names("[`a`, `b``c`, `d, e`]") == ["a", "b`c", "d, e"]
    assert names("[]") == names(None) == names("") == []
    assert sort_columns("[Order(col:a, order:1), Order(col:b c, order:-1)]") == ["a", "b c"]
    assert sort_columns("[`a`]") == ["a"]
    assert unescaped(r"a\tb\\n\"\u00fc\/") == 'a\tb\\n"ü/'


def test_a_statement_without_what_changes():
    rows = [
        "CREATE EXTERNAL TABLE `book`(", "  `id` int COMMENT 'it\\'s TBLPROPERTIES (')", "LOCATION", "  'hdfs://x'",
        "TBLPROPERTIES (", "  'bucketing_version'='2', ", "  'numRows'='7', ", "  'note'='a\\'b, (c)', ",
        "  'transient_lastDdlTime'='1458341880')",
    ]  # fmt: skip
    assert statement(rows) == (
        "CREATE EXTERNAL TABLE `book`(\n  `id` int COMMENT 'it\\'s TBLPROPERTIES (')\nLOCATION\n  'hdfs://x'\n"
        "TBLPROPERTIES (\n  'bucketing_version'='2',\n  'note'='a\\'b, (c)')"
    )
    assert (
        statement(["CREATE TABLE t (a int)\nTBLPROPERTIES (\n  'numRows'='7')"])
        == "CREATE TABLE t (a int)"
    )
