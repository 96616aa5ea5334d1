"""Rows of a listing become descriptors and ends of scopes."""

from rayingest.core.filters import Filters
from rayingest.core.source import EntityDescriptor, ScopeListed
from rayingest.kit.sql.facts import Found, Unlisted, Wants
from rayingest.kit.sql.listing import Tree
from rayingest.model import EntityType

SCHEMA, TABLE, PROCEDURE = (
    EntityType.DATABASE_SCHEMA,
    EntityType.TABLE,
    EntityType.STORED_PROCEDURE,
)
ROWS = [
    Found(SCHEMA, "a", "a", "", "1"),
    Found(TABLE, "a", "t.1", "r", "10"),
    Found(PROCEDURE, "a", "p"),
    Found(SCHEMA, "b", "b"),
]


def tree(rows=ROWS, types=(SCHEMA, TABLE, PROCEDURE), filters=None, wants=None, only=None):
    filters = Filters.from_options(filters or {})
    return list(Tree("svc.db", "db", filters, wants or Wants(), types, only).walk(rows))


def test_a_schema_comes_first_then_what_is_in_it_then_its_ends():
    assert tree() == [
        EntityDescriptor(
            SCHEMA, "svc.db.a", "svc.db", "db", {"name": "a", "schema": "a", "key": "1"}
        ),
        EntityDescriptor(
            TABLE,
            'svc.db.a."t.1"',
            "svc.db.a",
            "db",
            {"name": "t.1", "schema": "a", "kind": "r", "key": "10"},
        ),
        EntityDescriptor(PROCEDURE, "svc.db.a.p", "svc.db.a", "db", {"name": "p", "schema": "a"}),
        ScopeListed(TABLE, "svc.db.a", 1),
        ScopeListed(PROCEDURE, "svc.db.a", 1),
        EntityDescriptor(SCHEMA, "svc.db.b", "svc.db", "db", {"name": "b", "schema": "b"}),
        ScopeListed(TABLE, "svc.db.b", 0),
        ScopeListed(PROCEDURE, "svc.db.b", 0),
        ScopeListed(SCHEMA, "svc.db", 2),
    ]


def test_an_empty_database_still_ends():
    assert tree([]) == [ScopeListed(SCHEMA, "svc.db", 0)]


def test_one_type_of_one_schema():
    assert [type(each) for each in tree(types=(TABLE,), only="svc.db.a")] == [
        EntityDescriptor,
        ScopeListed,
    ]
    assert tree(types=(TABLE,), only="svc.db.nothing") == []


def test_a_filtered_schema_hides_what_is_in_it_and_is_counted():
    listed = tree(filters={"schemaFilterPattern": {"excludes": ["a"]}})
    assert [each.scope for each in listed if isinstance(each, ScopeListed)] == [
        "svc.db.b",
        "svc.db.b",
        "svc.db",
    ]
    assert (listed[-1].count, listed[-1].filtered) == (1, 1)


def test_a_listing_without_views_allows_no_deletion_by_absence():
    end = tree(wants=Wants(views=False))[3]
    assert (end.mode, end.why) == ("changes", "includeViews is false")


def test_names_that_are_spelled_alike_make_the_listing_incomplete():
    twins = [Found(TABLE, "a", "x::y"), Found(TABLE, "a", "x__reserved__colon__y")]
    listed = tree([ROWS[0], *twins], types=(TABLE,))
    assert [each.count for each in listed if isinstance(each, ScopeListed)] == [1]
    assert listed[-1].complete is False
    assert "x__reserved__colon__y" in listed[-1].why


def test_a_schema_that_could_not_be_listed_is_incomplete_and_its_neighbours_are_not():
    listed = tree([*ROWS, Unlisted("the lake does not answer")])
    ends = {(each.type, each.scope): each for each in listed if isinstance(each, ScopeListed)}
    assert {scope for (_, scope), each in ends.items() if not each.complete} == {"svc.db.b"}
    assert ends[TABLE, "svc.db.b"].why == "the lake does not answer"
    assert ends[SCHEMA, "svc.db"].complete


def test_rows_are_taken_as_they_come():
    def rows():
        yield ROWS[0]
        raise AssertionError("too early")

    walk = Tree("svc.db", "db", Filters(), Wants(), (SCHEMA,)).walk(rows())
    assert next(walk).id == "svc.db.a"


def test_what_is_spelled_like_another_is_not_told_and_its_listing_not_complete():
    rows = [
        Found(SCHEMA, "A", "a"),
        Found(TABLE, "A", "t", "TABLE", "T"),
        Found(TABLE, "A", "t", "TABLE", twin=True),
        Found(SCHEMA, "a", "a", twin=True),
        Found(TABLE, "a", "lost"),
    ]
    told = tree(rows, types=(SCHEMA, TABLE))
    assert [each.metadata["name"] for each in told if isinstance(each, EntityDescriptor)] == [
        "a",
        "t",
    ]
    why = "names that differ only in characters which the catalogue spells alike: {}"
    assert [each for each in told if isinstance(each, ScopeListed)] == [
        ScopeListed(TABLE, "svc.db.a", 1, complete=False, why=why.format("'t'")),
        ScopeListed(SCHEMA, "svc.db", 1, complete=False, why=why.format("'a'")),
    ]
