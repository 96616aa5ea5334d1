"""MongoDB as a source: collections of all kinds, names, filters, and how often it is asked."""

import pickle

import pytest

from rayingest.connectors.database._mongodb.connect import connect
from rayingest.connectors.database._mongodb.values import tell
from rayingest.connectors.database.mongodb import CONNECTOR
from rayingest.core import fqn
from rayingest.core.source import Described, ScopeListed
from rayingest.errors import Gone
from rayingest.model import EntityType, TableType
from rayingest.testing.hostile import HOSTILE
from rayingest.testing.probe import Probe, of, sort, walk

DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE
FORBIDDEN = set(' ."$/\\\0*<>:|?')  # in names of databases
HIDDEN = "system.js"


def insert(name, *documents):
    return {"insert": name, "documents": list(documents)}


def test_collections_of_every_kind(make):
    probe = make(
        "kinds",
        insert("plain", {"_id": 1, "a": "x"}),
        {"create": "capped", "capped": True, "size": 4096},
        {"create": "clustered", "clusteredIndex": {"key": {"_id": 1}, "unique": True}},
        {"create": "series", "timeseries": {"timeField": "at", "metaField": "who"}},
        {"create": "v", "viewOn": "plain", "pipeline": [{"$set": {"b": 1}}]},
        {"create": "vv", "viewOn": "v", "pipeline": []},
        {"create": "empty"},
        insert(HIDDEN, {"_id": 1}),
    )
    found = probe.entities(TABLE)
    names = {each.removeprefix("svc.default.kinds."): each for each in found}
    assert set(names) == {"plain", "capped", "clustered", "series", "v", "vv", "empty"}
    views = {each for each, name in names.items() if found[name].table_type is TableType.VIEW}
    assert views == {"v", "vv"}
    assert [each.name for each in found[names["vv"]].columns] == ["_id", "a", "b"]
    assert [(each.name, each.constraint) for each in found[names["series"]].columns] == [
        ("at", "NOT_NULL")
    ]
    assert [(each.name, each.constraint) for each in found[names["empty"]].columns] == [
        ("_id", "PRIMARY_KEY")
    ]
    probe.agree(TABLE)


def test_databases_are_schemas_and_the_systems_are_hidden(server, make):
    make("one", insert("a", {"_id": 1}))
    make("two", insert("a", {"_id": 1}))
    server.tell("config", insert("settings", {"_id": 1}))
    everything = Probe(CONNECTOR, server.config())
    listed = {each.id for each in everything.descriptors(SCHEMA)}
    assert {"svc.default.one", "svc.default.two"} <= listed
    assert not {f"svc.default.{each}" for each in ("admin", "config", "local")} & listed
    assert everything.descriptors(SCHEMA, databaseSchema="config")[0].id == "svc.default.config"
    assert everything.descriptors(SCHEMA, databaseSchema="two", databaseName="house")[0].id == (
        "svc.house.two"
    )
    for kind in (DATABASE, SCHEMA):
        everything.agree(kind)


def test_filters_and_options_choose(make):
    probe = make(
        "chosen",
        insert("a", {"_id": 1}),
        insert("b", {"_id": 1}),
        {"create": "v", "viewOn": "a", "pipeline": []},
    )

    def names(**changes):
        return [each.metadata["name"] for each in probe.descriptors(TABLE, **changes)]

    assert sorted(names()) == ["a", "b", "v"]
    assert names(options={"includeTables": False}) == ["v"]
    assert sorted(names(options={"includeViews": False})) == ["a", "b"]
    assert sorted(names(filters={"tableFilterPattern": {"excludes": ["b"]}})) == ["a", "v"]
    assert names(filters={"schemaFilterPattern": {"excludes": ["chosen"]}}) == []


def test_names_that_try_to_break_things(server, make):
    names = [each for each in HOSTILE if not each.startswith("$") and "$" not in each]
    make("hostile", *(insert(f"t {each}", {"_id": 1, each: {each: 1}}) for each in names))
    probe = Probe(CONNECTOR, server.config(databaseSchema="hostile"))
    found = probe.entities(TABLE)
    assert set(found) == {fqn.join("svc", "default", "hostile", f"t {each}") for each in names}
    for each in names:
        _, column = found[fqn.join("svc", "default", "hostile", f"t {each}")].columns
        assert (column.name, column.children[0].name) == (each, each)
    probe.agree(TABLE)


def test_databases_with_odd_names(server, make):
    names = [each for each in HOSTILE if not FORBIDDEN & set(each) and "\n" not in each]
    names = [each for each in names if each.lower() != "case"] + [
        "Case"
    ]  # unlike by case is refused
    for each in names:
        make(each, insert("t", {"_id": 1}))
    schemas = Probe(CONNECTOR, server.config()).descriptors(SCHEMA)
    assert {fqn.join("svc", "default", each) for each in names} <= {each.id for each in schemas}


@pytest.mark.parametrize(("size", "seen"), [(100, 200), (10, 10), (3, 3), (1, 1), (0, 0)])
def test_the_oldest_and_the_newest_documents_are_looked_at(make, size, seen):
    documents = [{"_id": place, f"f{place:03}": 1} for place in range(200)]
    probe = make("sampled", insert("t", *documents), connectionOptions={"sampleSize": size})
    ((found,), _) = [probe.entities(TABLE).values(), None]
    names = [each.name for each in found.columns][1:]
    oldest, newest = (size + 1) // 2, size // 2
    expected = [*range(oldest), *(199 - place for place in range(newest))]
    assert names == [f"f{place:03}" for place in expected]
    assert len(names) == min(seen, size)


def test_a_batch_takes_one_call_and_each_collection_three_at_most(make):
    few, many = [{"_id": 1, "a": 1}], [{"_id": place, "a": 1} for place in range(60)]
    probe = make(
        "counted",
        *(insert(f"few{place}", *few) for place in range(20)),
        *(insert(f"many{place}", *many) for place in range(20)),
        *({"create": f"v{place}", "viewOn": "few0", "pipeline": []} for place in range(20)),
    )
    with probe.open() as source:
        listing = list(walk(source))
        # ping, is the database there, which databases, which collections
        assert source.calls == 4
        before = source.calls
        tables = [each for each in of(listing) if each.type is TABLE]
        found, failed = sort(source.process_entities(tables))
        assert (len(found), failed) == (60, {})
        assert source.calls - before == 1 + 20 * 2 + 20 * 3 + 20 * 1
    ends = {each.scope: each.count for each in listing if isinstance(each, ScopeListed)}
    assert ends == {"svc": 1, "svc.default": 1, "svc.default.counted": 60}
    assert len([each for each in listing if isinstance(each, Described)]) == 2


def test_what_was_dropped_since_is_gone_alone(server, make):
    probe = make("dropped", insert("a", {"_id": 1}), insert("b", {"_id": 1}))
    descriptors = probe.descriptors(TABLE)
    server.client["dropped"].drop_collection("a")
    with probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert list(found) == ["svc.default.dropped.b"]
    assert [type(each) for each in failed.values()] == [Gone]


def test_what_python_cannot_read_costs_nobody_a_collection(make):
    """SecantusDB takes no such document; the driver reads it as it is told to."""
    bson = pytest.importorskip("bson")
    raw = bson.encode({"t": "12345678", "d": bson.DatetimeMS(2**60)})
    session = connect(make("odd", insert("t", {"_id": 1})).settings(), None)
    try:
        read = bson.decode(raw.replace(b"1234", b"\xff\xfe34"), session._client.codec_options)
    finally:
        session.close()
    assert [tell(each) for each in read.values()] == [("string", None), ("date", None)]


def test_the_connector_pickles():
    again = pickle.loads(pickle.dumps(CONNECTOR))
    assert again.service_type == "MongoDB"
    assert again.variants.keys() == {"lineage"}
