"""Every statement is T-SQL to somebody who did not write it: sqlglot parses it, whatever it is about."""

import pytest
import sqlglot
from sqlglot import exp

from rayingest.kit.sql.mssql import (
    check,
    comments,
    containers,
    ddl,
    keys,
    listing,
    routines,
    session,
    shapes,
    tables,
)
from rayingest.kit.sql.mssql.connect import PREPARED

IDS = "1, 2, 3"
STATEMENTS = {
    "what": session.WHAT,
    "prepared": PREPARED,
    "types": shapes.TYPES,
    "databases": listing.DATABASES,
    "databases in Azure": listing.IN_AZURE,
    "listing": listing.LISTING.format(kinds="'U', 'V'"),
    "relations": tables.RELATIONS.format(external=tables.OUTSIDE, joined=tables.JOINED, ids=IDS),
    "relations of old": tables.RELATIONS.format(external="null, null, null", joined="", ids=IDS),
    "columns": tables.COLUMNS.format(ids=IDS, plain=tables.PLAIN),
    "indexes": keys.INDEXES.format(ids=IDS),
    "foreign keys": keys.FOREIGN.format(ids=IDS),
    "distribution": keys.DISTRIBUTION.format(ids=IDS),
    "words of columns": ddl.WORDS.format(always="c.generated_always_type", ids=IDS),
    "words of old": ddl.WORDS.format(always="0", ids=IDS),
    "checks": ddl.CHECKS.format(ids=IDS),
    "stored": ddl.STORED.format(
        temporal=ddl.TEMPORAL, graph=ddl.NODES, joined=ddl.HISTORY, ids=IDS
    ),
    "comments": comments.COMMENTS.format(kind=comments.OBJECT, ids=IDS),
    "owner": containers.OWNER.replace("%s", "@p"),
    "schemas": containers.SCHEMAS.format(ids=IDS),
    "routines": routines.ROUTINES.format(ids=IDS),
    "who": check.WHO,
    "rights": check.MAY_SEE,
    "closed": listing.CLOSED,
    "hidden texts": check.HIDDEN,
}


@pytest.mark.parametrize("text", STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_is_tsql(text):
    assert all(each is not None for each in sqlglot.parse(text, dialect="tsql"))


@pytest.mark.parametrize("text", STATEMENTS.values(), ids=STATEMENTS)
def test_nothing_but_the_catalogues_own_views_is_read(text):
    """So no error about a missing object is ever about a table of the user's."""
    for statement in sqlglot.parse(text, dialect="tsql"):
        for each in statement.find_all(exp.Table) if statement else ():
            assert each.db == "sys" or each.name == "found"


def test_a_batch_writes_out_numbers_and_nothing_else():
    assert session.among(["1", "23"]) == "1, 23"
    assert session.among([]) == "0"
    with pytest.raises(ValueError, match="invalid literal"):
        session.among(["1); drop table x --"])


@pytest.mark.parametrize(
    ("names", "text"), [(("a",), "[a]"), (("a b", "c]d"), "[a b].[c]]d]"), (("[", "é"), "[[].[é]")]
)
def test_names_between_brackets(names, text):
    assert session.quoted(*names) == text
