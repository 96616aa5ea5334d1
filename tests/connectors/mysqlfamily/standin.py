"""PyMySQL with DuckDB in the place of the server: it writes statements as always, documented views answer.

The vendor's grammar is sqlglot's: a statement that it does not understand, or that asks for a view, column
or variable which the vendor does not document, is refused as the server would.
"""

import re
import threading
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pymysql
import pymysql.connections
import sqlglot
from sqlglot import exp

from rayingest.core import registry
from rayingest.kit.sql.mysql.connect import DATABASE, prepare
from rayingest.kit.sql.mysql.session import MySqlSession

from .documented import NUMBERS, PRODUCTS

DIALECTS = {"tidb": "mysql"}
TYPES = {"doris": "Doris", "starrocks": "StarRocks", "singlestore": "SingleStore", "tidb": "Mysql"}


class Server:
    """The documented views of one product, and all that was said to it."""

    def __init__(self, name, duckdb):
        self.name, self.has = name, PRODUCTS[name]
        self.engine = duckdb.connect(config={"threads": 1})
        self.lock = threading.Lock()
        self.said = []
        self.broken = None  # an error instead of the next answers
        made = ["create schema i_s"]
        for view, columns in self.has.views.items():
            typed = (f'"{e}" {"bigint" if e in NUMBERS else "varchar"}' for e in columns.split())
            made.append(f"create table i_s.{view} ({', '.join(typed)})")
        self.engine.execute(";".join(made))
        for each in self.has.hidden:
            self.add("schemata", schema_name=each)
            self.add("tables", table_schema=each, table_name="secret", table_type="BASE TABLE")

    def add(self, view, **values):
        names = ", ".join(f'"{each}"' for each in values)
        marks = ", ".join("?" for _ in values)
        text = f"insert into i_s.{view} ({names}) values ({marks})"  # noqa: S608 - our own names
        self.engine.execute(text, list(values.values()))

    def answer(self, text):
        if self.broken:
            raise self.broken
        self.said.append(text)
        words = " ".join(text.split()).lower()
        if words in {"show catalogs", self.has.enters}:
            return [*self.has.catalogs] if words == "show catalogs" else []
        if words.startswith("set session "):
            return self._assign(words.removeprefix("set session "))
        if words.startswith("show create table "):
            return [(words, f"CREATE TABLE {text.split('`')[3]} (…) PASSWORD = 'hunter2'")]
        if words == "select current_user(), version()":
            return [("'rayingest'@'%'", self.has.version)]
        return self._asked(text)

    def _assign(self, words):
        named = re.findall(r"(\w+) = ", words)
        if unknown := {*named} - self.has.variables:
            raise pymysql.OperationalError(1193, f"Unknown system variable '{unknown}'")
        return []

    def _asked(self, text):
        tree = sqlglot.parse_one(text, dialect=DIALECTS.get(self.name, self.name))
        assert isinstance(tree, exp.Query), text
        if self.has.by_bytes:
            assert not list(tree.find_all(exp.Cast))
            assert not [each for each in tree.find_all(exp.In) if isinstance(each.this, exp.Tuple)]
        try:
            with self.lock:
                return self.engine.execute(tree.transform(_moved).sql("duckdb")).fetchall()
        except Exception as error:
            raise pymysql.ProgrammingError(1054, f"{error}: {text}") from error


def _moved(node):
    if isinstance(node, exp.Table) and node.db == "information_schema":
        node.set("db", exp.to_identifier("i_s"))
    if isinstance(node, exp.Cast):  # by its bytes, as DuckDB compares anyway
        return node.this
    return node


class Connection(pymysql.connections.Connection):
    """PyMySQL's own, but for the wire; for what it does not encrypt it need not read all authorities."""

    def __init__(self, server, **parameters):
        super().__init__(defer_connect=True, ssl_disabled=True, **parameters)
        self.server = server
        self.server_status = 0
        self.server_version = server.has.version

    def query(self, sql, unbuffered=False):
        rows = self.server.answer(sql)
        following = iter(rows)
        self._result = SimpleNamespace(
            rows=tuple(rows),
            affected_rows=len(rows),
            warning_count=0,
            description=None,
            insert_id=0,
            has_next=False,
            unbuffered_active=False,
            _read_rowdata_packet_unbuffered=lambda: next(following, None),
            _finish_unbuffered_query=lambda: None,
        )

    def close(self):
        pass


def connector_of(server):
    """All but its `connect`: what is asked first in a session is asked here, too."""
    connector = registry.load(server.name)
    product = connector.facts.connect.keywords["product"]

    def connect(settings, database):
        session = MySqlSession(
            Connection(server),
            database=settings.connection.databaseName or DATABASE,
            schema=settings.connection.databaseSchema,
            beside=partial(Connection, server),
            product=product,
        )
        prepare(session, settings.call_timeout)
        return session

    return replace(connector, facts=replace(connector.facts, connect=connect))


def config_of(name, **more):
    return {
        "type": TYPES[name],
        "username": "rayingest",
        "password": "canary-heron",
        "hostPort": "localhost",
        **more,
    }
