"""Spark's SHOW TABLE EXTENDED: all of many tables but their columns, as text, in one statement.

https://spark.apache.org/docs/latest/sql-ref-syntax-aux-show-table.html. Lines come in a fixed order, which
is what tells a line of somebody's comment from the next fact.
"""

from collections.abc import Sequence

from rayingest.kit.sql.hive.fields import Description, Field
from rayingest.kit.sql.hive.formatted import names

# In the order of CatalogTable: https://github.com/apache/spark, interface.scala
ORDER = (
    *("Catalog", "Database", "Table", "Owner", "Created Time", "Last Access", "Created By", "Type"),
    *("Provider", "Num Buckets", "Bucket Columns", "Sort Columns", "Comment", "Collation"),
    *("View Text", "View Original Text", "View Schema Mode", "View Catalog and Namespace"),
    *("View Query Output Columns", "Table Properties", "Statistics", "Location", "Serde Library"),
    *("InputFormat", "OutputFormat", "Storage Properties", "Partition Provider"),
    *("Partition Columns", "Schema"),
)
RANK = {word: place for place, word in enumerate(ORDER)}
LONG = {"Comment", "View Text", "View Original Text"}


def described(name: str, information: str, columns: Sequence[Field]) -> Description:
    """Read the text about one table; `columns` are known from elsewhere."""
    facts = read(information)
    parted = set(names(facts.get("Partition Columns")))
    return Description(
        name=name,
        kind=facts.get("Type", ""),
        columns=[each for each in columns if each.name not in parted],
        partitions=[each for each in columns if each.name in parted],
        # What the parameters would say in Hive's metastore.
        parameters={"spark.sql.sources.provider": facts.get("Provider", "")},
        comment=facts.get("Comment"),
        owner=facts.get("Owner"),
        location=facts.get("Location"),
        texts=(facts.get("View Text"), facts.get("View Original Text")),
        buckets=names(facts.get("Bucket Columns")),
        sorted_by=names(facts.get("Sort Columns")),
    )


def read(information: str) -> dict[str, str]:
    """Facts by their names; none comes twice, and none before its turn."""
    facts: dict[str, str] = {}
    last = ""
    for line in information.split("\n"):
        word, colon, value = line.partition(": ")
        if colon and RANK.get(word, -1) > RANK.get(last, -1):
            facts[last := word] = value
        elif last in LONG:
            facts[last] += f"\n{line}"
    return {key: value.strip() for key, value in facts.items()}
