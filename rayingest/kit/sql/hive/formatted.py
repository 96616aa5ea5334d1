"""DESCRIBE FORMATTED as Hive, Impala and Spark answer it: rows for people, read into a description.

Columns come first, then sections that begin with `#`. Hive and Impala write `Owner:` where Spark writes
`Owner`; parameters stand one column further right; a text of several lines takes as many rows.
https://github.com/apache/hive, TextDescTableFormatter ·
https://impala.apache.org/docs/build/html/topics/impala_describe.html ·
https://spark.apache.org/docs/latest/sql-ref-syntax-aux-describe-table.html
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rayingest.core import fqn
from rayingest.kit.sql.hive.fields import Description, Field
from rayingest.kit.sql.keys import Foreign

Cells = tuple[str, str, str]
HEADER = "# col_name"
COLUMNS, PARTITIONS = "", "# Partition Information"
# The view's text, the one with whole names first; Hive 4 has other words than those before it.
TEXTS = (
    "Expanded Query",
    "View Expanded Text",
    "Original Query",
    "View Original Text",
    "View Text",
)
PARAMETERS = ("Table Parameters", "Table Properties")
KNOWN = frozenset(
    {
        *(*TEXTS, *PARAMETERS, "Database", "OwnerType", "Owner", "CreateTime", "LastAccessTime"),
        *("Retention", "Location", "Table Type", "SerDe Library", "InputFormat", "OutputFormat"),
        *("Compressed", "Num Buckets", "Bucket Columns", "Sort Columns", "Storage Desc Params"),
        *("Protect Mode", "Rewrite Enabled", "Outdated for Rewriting", "View Rewrite Enabled"),
        # Spark's.
        *("Catalog", "Table", "Created Time", "Last Access", "Created By", "Type", "Provider"),
        *("Comment", "View Catalog and Namespace", "View Query Output Columns", "Statistics"),
        *("Serde Library", "Storage Properties", "Partition Provider", "View Schema Mode"),
        *("Collation", "Partition Columns"),
    }
)
_SORTED = re.compile(r"Order\(col:(.*?), order:-?\d+(?:, nullOrder:\w+)?\)")
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def described(
    name: str, rows: Sequence[Sequence[Any]], referred: Callable[[str, str], str]
) -> Description:
    """Read the rows about a table; `referred` makes the FQN of a schema's table."""
    sections = _sections([_cells(each) for each in rows])
    facts, parameters = _facts(sections)
    return Description(
        name=name,
        kind=facts.get("Table Type") or facts.get("Type") or "",
        columns=list(_fields(sections[COLUMNS])),
        partitions=list(_fields(sections[PARTITIONS])),
        parameters=parameters,
        comment=facts.get("Comment"),
        owner=facts.get("Owner"),
        location=facts.get("Location"),
        texts=[facts.get(each) for each in TEXTS],
        buckets=names(facts.get("Bucket Columns")),
        sorted_by=sort_columns(facts.get("Sort Columns")),
        **_keys(sections, referred),
    )


def names(text: str | None) -> list[str]:
    """The names in `[a, b]`, as Hive writes them, or in "[`a`, `b`]", as Spark does."""
    inner = (text or "").strip()[1:-1]
    if inner.startswith("`"):
        return [each.replace("``", "`") for each in re.findall(r"`((?:[^`]|``)*)`", inner)]
    return [each.strip() for each in inner.split(",") if each.strip()]


def sort_columns(text: str | None) -> list[str]:
    """The names that rows are sorted by; Hive writes them as `[Order(col:a, order:1)]`."""
    return _SORTED.findall(text or "") or ([] if "Order(" in (text or "") else names(text))


def unescaped(text: str) -> str:
    """A parameter as it was before Hive escaped it as Java does."""
    if "\\" not in text:
        return text

    def one(found: re.Match[str]) -> str:
        said = found[1]
        return chr(int(said[1:], 16)) if len(said) == 5 else _ESCAPES.get(said, said)

    return _ESCAPED.sub(one, text)


def _cells(row: Sequence[Any]) -> Cells:
    padded = [*("" if each is None else str(each).strip() for each in row), "", "", ""]
    return padded[0], padded[1], padded[2]


def _sections(rows: Sequence[Cells]) -> Mapping[str, list[Cells]]:
    """Rows by the headings that they stand below; the columns have none, or only `# col_name`."""
    found: dict[str, list[Cells]] = defaultdict(list)
    heading = COLUMNS
    for row in rows:
        if row[0] == HEADER:
            continue
        if row[0].startswith("# ") and not (row[1] or row[2]):
            heading = row[0]
        else:
            found[heading].append(row)
    return found


def _fields(rows: Sequence[Cells]) -> Iterator[Field]:
    """Columns; lines of a comment stand below it, wherever, and Impala breaks the types of nested columns."""
    held: list[str] = []
    for name, kind, comment in rows:
        if name and kind:
            if held:
                yield Field.of(*held)
            held = [name, kind, comment]
        elif held:
            held[1] += kind
            line = name or comment
            held[2] += f"\n{line}" if line else ""
    if held:
        yield Field.of(*held)


def _facts(sections: Mapping[str, list[Cells]]) -> tuple[dict[str, str], dict[str, str]]:
    """What stands by a name, and the table's parameters."""
    facts: dict[str, str] = {}
    parameters: dict[str, str] = {}
    rows = [row for heading, part in sections.items() if _plain(heading) for row in part]
    colon = ":" if any(row[0] == "Database:" for row in rows) else ""
    last = ""
    for name, value, more in rows:
        word = name.removesuffix(":")
        if word in KNOWN and word not in facts and name == word + colon:
            facts[last := word] = value
        elif not name and last in PARAMETERS and value:
            parameters[unescaped(value)] = unescaped(more)
        elif last in TEXTS:
            line = "\t".join(each for each in (name, value, more) if each)
            facts[last] += f"\n{line}"
    return {key: value.strip() for key, value in facts.items()}, parameters


def _plain(heading: str) -> bool:
    """Whether rows below this heading are names with values."""
    return heading.endswith(" Information") and "Partition" not in heading


def _keys(
    sections: Mapping[str, list[Cells]], referred: Callable[[str, str], str]
) -> dict[str, Any]:
    primary = _primary(sections.get("# Primary Key", ()))
    return {
        "primary": primary,
        "unique": _unique(sections.get("# Unique Constraints", ())),
        "foreign": _foreign(sections.get("# Foreign Keys", ()), referred),
        "required": [
            b for a, b, _ in sections.get("# Not Null Constraints", ()) if a == "Column Name:"
        ],
    }


def _primary(rows: Sequence[Cells]) -> list[str]:
    """Hive 4 has a row for each column. Those before have one for all, cut after two of them."""
    one_by_one = [second for first, second, _ in rows if first == "Column Name:"]
    together = next((row for row in rows if row[0] == "Column Names:"), None)
    if one_by_one or together is None:
        return one_by_one
    return [] if together[2] else [together[1]]


def _unique(rows: Sequence[Cells]) -> list[list[str]]:
    found: list[list[str]] = []
    for first, second, _ in rows:
        if first == "Constraint Name:":
            found.append([])
        elif first.startswith("Column Name:") and found:
            found[-1].append(first.partition(":")[2].strip() or second)
    return [each for each in found if each]


def _foreign(rows: Sequence[Cells], referred: Callable[[str, str], str]) -> list[Foreign]:
    """`Parent Column Name:schema.table.column`, `Column Name:column`, below the constraint's name."""
    found: list[tuple[str, list[str], list[str]]] = []
    fresh = False
    for first, second, _ in rows:
        if first == "Constraint Name:":
            fresh = True
        elif first.startswith("Parent Column Name:"):
            place = first.partition(":")[2].strip().split(".", 2)
            if len(place) < 3:
                continue
            if fresh:
                found.append((referred(place[0], place[1]), [], []))
                fresh = False
            found[-1][1].append(second.partition(":")[2].strip())
            found[-1][2].append(place[2])
    return [Foreign(ours, table, theirs) for table, ours, theirs in found]


def among(scope: str) -> Callable[[str, str], str]:
    """FQNs of tables in schemas beside this one."""
    database = fqn.join(*fqn.split(scope)[:2])
    return lambda schema, table: fqn.child(database, schema, table)
