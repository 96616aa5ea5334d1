"""A cluster of ours for these tests: catalogs in DuckDB behind the protocol, asked through the connector."""

from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import stamina

from rayingest.connectors.database.trino import CONNECTOR
from rayingest.model import EntityType
from rayingest.testing.conformance import batches
from rayingest.testing.probe import Probe, sort
from rayingest.testing.trino import Cluster, serving

from ..beds import story


@dataclass
class World:
    """A cluster, its address, and how the connector asks it."""

    cluster: Cluster
    address: str
    probe: Probe

    def tables(self, **changes):
        """All tables of all catalogs by FQN, each catalog in a batch of its own; none may fail."""
        found = {}
        with self.probe.open(**changes) as source:
            for batch in batches(self.probe.descriptors(EntityType.TABLE, **changes)):
                described, failed = sort(source.process_entities(batch))
                assert not failed
                found |= described
        return found


@pytest.fixture
def start():
    """Serve a cluster; keyword arguments change the connection to it."""
    pytest.importorskip("duckdb")
    with ExitStack() as stack:

        def served(cluster, certificate=None, **connection):
            address = stack.enter_context(serving(cluster, certificate))
            config = {"type": "Trino", "username": "ada", "hostPort": address, **connection}
            return World(cluster, address, Probe(CONNECTOR, config))

        yield served


@pytest.fixture
def library(start):
    """The library of the story."""
    cluster = Cluster()
    cluster.run(*story("trino"))
    return start(cluster)


@pytest.fixture
def hurry():
    """No waiting between tries."""
    stamina.set_testing(True, attempts=4)
    yield
    stamina.set_testing(False)


@pytest.fixture
def shop(start):
    """Two catalogs: one with all kinds of things, one that its views read."""
    cluster = Cluster()
    cluster.run(
        "create schema lake.sales",
        "create schema lake.empty",
        "create schema crm.people",
        "create table crm.people.customer (id bigint not null, name varchar comment 'Full name')",
        "create table lake.sales.orders (id bigint, customer bigint, placed timestamp(6),"
        ' lines array(row(sku varchar, "how many" integer)), tags map(varchar, varchar))'
        " comment 'What''s ordered' with (partitioning = ARRAY['month(placed)', 'bucket(id, 16)'])",
        "create table lake.sales.visits (url varchar, ds varchar)"
        " with (format = 'ORC', partitioned_by = ARRAY['ds'])",
        "create view lake.sales.named as select o.id, c.name from lake.sales.orders o"
        " join crm.people.customer c on c.id = o.customer",
        "create materialized view lake.sales.daily as select count(id) as n from lake.sales.orders",
        "comment on view lake.sales.named is 'Who ordered'",
    )
    return start(cluster)
