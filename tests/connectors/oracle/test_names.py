"""Names: as the user would type them, as they are stored, hostile ones, and twins."""

import pytest

from rayingest.core.source import ScopeListed
from rayingest.kit.sql.oracle.names import RESERVED, columns_told, told
from rayingest.model import EntityType

TABLE, SCHEMA = EntityType.TABLE, EntityType.DATABASE_SCHEMA
ID = ("ID", "NUMBER(10)")
NAMES = [
    *("EMPLOYEES", "employees", "Employees", "A1", "A_B", "A$B", "A#B", "_A", "$A", "1A", "A B"),
    *("ÄRGER", "SIZE", "COMMENT", "LEVEL", "NAME", "A.B", "日本", "", "A'B", "A::B", "%"),
]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_told_as_sqlalchemy_tells_them(name):
    oracle = pytest.importorskip("sqlalchemy.dialects.oracle")
    assert told(name, exact=False) == (name and str(oracle.dialect().normalize_name(name)))
    assert told(name, exact=True) == name


def test_the_reserved_words_are_sqlalchemys():
    base = pytest.importorskip("sqlalchemy.dialects.oracle.base")
    assert {each.lower() for each in RESERVED} == {each.lower() for each in base.RESERVED_WORDS}


def test_columns_that_would_be_spelled_alike_keep_their_case():
    spelled = columns_told(["ID", "id", "NAME", "Mixed"], exact=False)
    assert spelled == {"ID": "ID", "id": "id", "NAME": "name", "Mixed": "Mixed"}


HOSTILE = ["a.b", "A B", "quo'te", "%", "semi;drop", "SELECT", "ünï", "a::b", "日本", "x" * 128]


def test_hostile_names_go_there_and_back(dictionary, probe):
    for owner, other in zip(HOSTILE, reversed(HOSTILE), strict=True):
        dictionary.user(owner)
        for name in (owner, other):
            dictionary.table(owner, name, (name, "DATE"))
    found = probe.entities(TABLE)
    assert len(found) == 2 * len(HOSTILE)
    assert all(len(each.columns) == 1 for each in found.values())
    probe.agree(TABLE)


def test_two_that_are_spelled_alike_cost_the_quoted_one_and_are_told(dictionary, probe):
    dictionary.user("HR")
    dictionary.table("HR", "EMPLOYEES", ID, ("A", "DATE"))
    dictionary.table("HR", "employees", ID)
    dictionary.table("HR", "OTHER", ID)
    (end,) = [e for e in probe.listing() if isinstance(e, ScopeListed) and e.type is TABLE]
    assert (end.complete, end.count) == (False, 2)
    assert "'employees'" in end.why
    assert len(probe.entities(TABLE)["svc.default.hr.employees"].columns) == 2


def test_schemas_have_twins_too(dictionary, probe):
    for owner in ("HR", "hr"):
        dictionary.user(owner)
        dictionary.table(owner, f"T_OF_{owner}", ID)
    (end,) = [e for e in probe.listing() if isinstance(e, ScopeListed) and e.type is SCHEMA]
    assert not end.complete
    assert list(probe.entities(TABLE)) == ["svc.default.hr.t_of_hr"]


def test_alike_in_two_schemas_is_no_twin(dictionary, probe):
    for owner, name in (("A", "T"), ("B", "t")):
        dictionary.user(owner)
        dictionary.table(owner, name, ID)
    assert list(probe.entities(TABLE)) == ["svc.default.a.t", "svc.default.b.t"]
    assert all(each.complete for each in probe.listing() if isinstance(each, ScopeListed))


def test_with_exact_names_nobody_is_left_out(dictionary, probe):
    dictionary.user("HR")
    dictionary.table("HR", "EMPLOYEES", ID)
    dictionary.table("HR", "employees", ("ID", "DATE"), ("id", "DATE"))
    found = probe.entities(TABLE, preserveIdentifierCase=True)
    assert list(found) == ["svc.default.HR.EMPLOYEES", "svc.default.HR.employees"]
    assert [each.name for each in found["svc.default.HR.employees"].columns] == ["ID", "id"]


def test_a_reference_to_twins_is_told_the_same_in_a_batch_and_alone(dictionary, probe):
    dictionary.user("HR")
    dictionary.table("HR", "BOTH", ID, ("id", "DATE"))
    both = dictionary.key("HR", "BOTH", "P", "ID")
    dictionary.table("HR", "ONE", ID)
    dictionary.key("HR", "ONE", "R", "ID", refers=both)
    probe.agree(TABLE)
    found = probe.entities(TABLE)["svc.default.hr.both"]
    assert {each.name: str(each.constraint) for each in found.columns} == {
        "ID": "PRIMARY_KEY",
        "id": "NULL",
    }
