"""A SecantusDB with users for these tests, and databases in it that each test makes for itself."""

import shutil

import pytest

from rayingest.connectors.database.mongodb import CONNECTOR
from rayingest.testing.probe import Probe
from rayingest.testing.servers import mongodb

SECRET = "canary: 9f/ÿ@é✓"  # noqa: S105 - what no URL takes as it is
# MongoDB's readAnyDatabase may list databases; SecantusDB's may not.
MONITOR = {"role": "clusterMonitor", "db": "admin"}
USERS = {
    "root": [{"role": "root", "db": "admin"}],
    "all": [{"role": "readAnyDatabase", "db": "admin"}, MONITOR],
    "reader": [{"role": "read", "db": "shop"}, MONITOR],
    "lister": [{"role": "lister", "db": "admin"}],
}
IN_SHOP = {"resource": {"db": "shop", "collection": ""}, "actions": ["listCollections"]}
BY_CERTIFICATE = {
    "createUser": "CN=server",
    "mechanisms": ["MONGODB-X509"],
    "roles": [{"role": "root", "db": "admin"}],
}
ONE = {"insert": "a", "documents": [{"_id": 1}]}


@pytest.fixture(scope="session")
def storage(tmp_path_factory):
    """What a server leaves that let everybody make users; it is copied, for each has one of its own."""
    pytest.importorskip("pymongo")
    if why := mongodb.ENVIRONMENT.available():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("mongodb") / "data"
    with mongodb.server(storage=folder) as server:
        server.tell("shop", ONE)
        server.tell("hr", ONE)
        server.tell("admin", {"createRole": "lister", "privileges": [IN_SHOP], "roles": []})
        for name, roles in USERS.items():
            server.tell("admin", {"createUser": name, "pwd": SECRET, "roles": roles})
        server.tell("$external", BY_CERTIFICATE)

    def copy(name):
        return shutil.copytree(folder, folder.with_name(name))

    return copy


@pytest.fixture(scope="session")
def server(storage):
    """It wants to know who asks."""
    root = {"username": "root", "password": SECRET}
    with mongodb.server("--auth", storage=storage("plain"), **root) as running:
        yield running


@pytest.fixture
def make(server):
    """Make a database out of commands, and read that alone; it is dropped at the end."""
    made = []

    def create(schema, *commands, **changes):
        made.append(schema)
        server.tell(schema, *commands)
        return Probe(CONNECTOR, server.config(databaseSchema=schema, **changes))

    yield create
    for schema in made:
        server.client.drop_database(schema)
