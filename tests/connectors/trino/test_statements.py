"""How often a cluster is asked, and that no statement is about more than it looks up singly."""

import re
import time

from rayingest.core.source import Described
from rayingest.model import EntityType
from rayingest.testing.probe import of, sort, walk
from rayingest.testing.trino import Cluster, Field

TABLE = EntityType.TABLE
PLAIN = [Field("id", "bigint", True), *(Field(f"c{at}", "varchar(40)") for at in range(9))]


def asked(cluster, piece):
    return [each for each in cluster.statements if piece in each]


def prefixes(statement):
    """How many tables a condition is about; Trino reads a whole catalog for more than a hundred."""
    return sum(
        len(re.findall(r"'", names)) // 2
        for names in re.findall(r"table_name in \(([^)]*)\)", statement)
    )


def test_statements_are_few_and_never_about_more_than_trino_looks_up_singly(start):
    cluster = Cluster(page=1000)
    for schema in ("one", "two", "three"):
        cluster.fill("lake", schema, 100, PLAIN)
    world = start(cluster)
    with world.probe.open() as source:
        chunk = [each for each in of(walk(source)) if each.type is TABLE]
        before, started = source.calls, time.process_time()
        found, failed = sort(source.process_entities(chunk))
        spent = time.process_time() - started
        assert (len(found), failed) == (300, {})
        assert (source.calls - before) / 300 <= 0.05
        assert spent / 300 < 0.005  # the cluster is in this process, too
    assert [prefixes(each) for each in asked(cluster, "information_schema.columns")] == [100] * 3


def test_comments_of_a_schema_are_asked_for_once(start):
    cluster = Cluster(page=1000)
    cluster.fill("lake", "one", 250, PLAIN)
    world = start(cluster)
    descriptors = world.probe.descriptors(TABLE)
    cluster.statements.clear()
    with world.probe.open() as source:
        for at in range(0, 250, 50):
            list(source.process_entities(descriptors[at : at + 50]))
    (statement,) = asked(cluster, "table_comments")
    assert "table_name =" not in statement


def test_one_table_alone_is_asked_for_alone(shop):
    (orders,) = [e for e in shop.probe.descriptors(TABLE) if e.metadata["name"] == "orders"]
    shop.cluster.statements.clear()
    with shop.probe.open() as source:
        (answer,) = source.process_entities([orders])
    assert isinstance(answer, Described)
    (statement,) = asked(shop.cluster, "table_comments")
    assert "table_name = 'orders'" in statement
