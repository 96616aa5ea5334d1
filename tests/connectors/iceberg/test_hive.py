"""Hive's metastore over Thrift: the generated server side of its protocol, with a dictionary behind it."""

import contextlib
import socket
import threading
from importlib import import_module

import pytest

from rayingest.connectors.database.iceberg import CONNECTOR
from rayingest.errors import Gone, SessionLost, Unreachable
from rayingest.model import EntityType
from rayingest.testing.probe import Probe, sort

from ..aws import needed
from .story import tell

SCHEMA, TABLE = EntityType.DATABASE_SCHEMA, EntityType.TABLE


class Metastore:
    """What pyiceberg asks of one, by the names of the protocol."""

    def __init__(self):
        self.databases = {}
        self.tables = {}

    def create_database(self, database):
        self.databases[database.name] = database

    def get_all_databases(self):
        return [*self.databases]

    def get_database(self, name):
        return self.found(self.databases, name)

    def create_table(self, tbl):
        self.tables[tbl.dbName, tbl.tableName] = tbl

    def get_table(self, dbname, tbl_name):
        return self.found(self.tables, (dbname, tbl_name))

    def get_all_tables(self, db_name):
        return [name for database, name in self.tables if database == db_name]

    def get_table_objects_by_name(self, dbname, tbl_names):
        return [self.tables[dbname, each] for each in tbl_names]

    def found(self, things, name):
        if name not in things:
            raise import_module("hive_metastore.ttypes").NoSuchObjectException(str(name))
        return things[name]


@contextlib.contextmanager
def serving(metastore):
    protocol = import_module("thrift.protocol.TBinaryProtocol").TBinaryProtocol
    transports = import_module("thrift.transport.TTransport")
    sockets = import_module("thrift.transport.TSocket")
    processor = import_module("hive_metastore.ThriftHiveMetastore").Processor(metastore)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk(client):
            wire = sockets.TSocket()
            wire.setHandle(client)
            spoken = protocol(transports.TBufferedTransport(wire))
            with contextlib.suppress(transports.TTransportException, OSError), client:
                while True:
                    processor.process(spoken, spoken)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    client, _ = server.accept()
                    threading.Thread(target=talk, args=(client,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"thrift://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture
def hive(tmp_path):
    needed("thrift")
    metastore = Metastore()
    files = {"py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO", "warehouse": f"file://{tmp_path}"}
    with serving(metastore) as uri:
        tell(needed("pyiceberg.catalog.hive").HiveCatalog("story", uri=uri, **files))
        yield metastore, uri


def asked(uri):
    connection = {"uri": uri, "fileSystem": {"type": None}}
    return Probe(CONNECTOR, {"catalog": {"name": "story", "connection": connection}})


def test_a_metastore_tells_the_story(hive):
    _, uri = hive
    found = asked(uri).entities(TABLE, options={"includeOwners": True})
    assert [each.name for each in found.values()] == ["author", "book", "loan"]
    book = found["svc.default.library.book"]
    assert (book.description, book.owners[0].name) == ("All books", "ada")
    (library,) = asked(uri).entities(SCHEMA).values()
    assert library.description == "All of it"
    asked(uri).agree(TABLE)


def test_a_table_that_is_dropped_is_gone(hive):
    metastore, uri = hive
    descriptors = asked(uri).descriptors(TABLE)
    del metastore.tables["library", "loan"]
    with asked(uri).open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert len(found) == 2
    assert [type(each) for each in failed.values()] == [Gone]


def test_nobody_at_the_address():
    needed("thrift")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        uri = f"thrift://127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises((Unreachable, SessionLost)) as caught,
            asked(uri).open() as source,
        ):
            list(source.discover_entities(SCHEMA, "svc.default"))
    assert "catalog.connection" in caught.value.hint
