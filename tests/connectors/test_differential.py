"""The same databases through SQLAlchemy's own reflection: a second opinion on every table.

What SQLAlchemy cannot say (partitions, policies, owners) is not compared; what it says must agree.
Some it cannot read: it raises on PostgreSQL's foreign keys between columns of hostile names, misses
SQLite's `varchar(13) unique`, and takes all columns of MariaDB's views for nullable.
"""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from rayingest.connectors.database import mariadb as maria
from rayingest.connectors.database import postgres as pg
from rayingest.connectors.database import sqlite as lite
from rayingest.core import fqn
from rayingest.model import ColumnConstraint, EntityType, Table
from rayingest.testing import mariadb
from rayingest.testing.probe import Probe
from rayingest.testing.shop import shop

sa = pytest.importorskip("sqlalchemy")

KEYS = {"PRIMARY_KEY": "primary", "UNIQUE": "unique"}
SQLITE = """
create table author (id integer primary key, name varchar not null, born date default '1900-01-01');
create table book (id integer primary key, title text not null, author_id int references author (id),
  isbn text unique, price decimal(8, 2), unique (title, author_id));
create table loan (book_id int, day date, reader text, primary key (book_id, day),
  foreign key (book_id) references book (id));
create table page (book_id int, day date, no int, foreign key (book_id, day) references loan (book_id, day));
create table "or""der" ("se lect" int primary key, "a.b" text, "%s" int, 'Ünï' blob, ":x" int);
create table bare (a, b);
create table "Twin" (i int); create view cheap as select id, title from book where price < 10;
create view "v""x" as select "a.b" as "c.d" from "or""der";
create table implied (author int references author);
create table without (k text primary key, v int) without rowid;
"""
MARIADB = """
create table shop.author (id int primary key, name varchar(80) not null comment 'as printed') comment 'who writes';
create table shop.book (id int auto_increment primary key, title text not null, author_id int,
  isbn char(13) unique, unique key two (author_id, isbn), foreign key (author_id) references author (id));
create table shop.loan (book_id int, day date, reader enum('a', 'b'), primary key (day, book_id),
  foreign key (book_id) references book (id));
create table shop.`or``der` (`se lect` int primary key, `a.b` text, `%s` int, `Ünï` blob, `:x` int);
create table shop.j (j json, u int unsigned not null, b bit(3), y year);
create view shop.cheap as select id, title from shop.book;
create view shop.`v``x` as select `a.b` as `c.d` from shop.`or``der`
"""


def theirs(engine: Any, schemas: dict[str | None, str]) -> dict[str, Any]:
    """What SQLAlchemy makes of all tables and views, by FQN; `schemas` have the FQNs of theirs."""
    look = sa.inspect(engine)
    told = {}
    for schema, place in schemas.items():
        tables, views = look.get_table_names(schema=schema), look.get_view_names(schema=schema)
        more = [
            name
            for kind in ("get_materialized_view_names", "get_foreign_table_names")
            if hasattr(look, kind) and engine.dialect.name == "postgresql"
            for name in getattr(look, kind)(schema=schema)
        ]
        for name in (*tables, *views, *more):
            stored = name not in views
            foreign = look.get_foreign_keys(name, schema=schema) if stored else []
            primary = look.get_pk_constraint(name, schema=schema) if stored else {}
            unique = look.get_unique_constraints(name, schema=schema) if stored else []
            told[fqn.child(place, name)] = {
                "columns": [
                    (each["name"], each.get("comment"))
                    for each in look.get_columns(name, schema=schema)
                ],
                "required": {
                    each["name"]
                    for each in look.get_columns(name, schema=schema)
                    if not each["nullable"]
                }
                if stored
                else None,
                "primary": sorted(primary.get("constrained_columns") or ()),
                "unique": sorted(sorted(each["column_names"]) for each in unique),
                "foreign": sorted(
                    (
                        list(each["constrained_columns"]),
                        [
                            fqn.child(
                                schemas[each["referred_schema"]]
                                if each["referred_schema"]
                                else place,
                                each["referred_table"],
                                column,
                            )
                            for column in each["referred_columns"]
                        ],
                    )
                    for each in foreign
                ),
            }
    return told


def ours(table: Table) -> dict[str, Any]:
    """The same of one of our tables."""
    keys: dict[str, list[list[str]]] = {"primary": [], "unique": []}
    for column in table.columns:
        if str(column.constraint) in KEYS:
            keys[KEYS[str(column.constraint)]].append([column.name])
    for each in table.constraints:
        if each.constraint_type in KEYS:
            keys[KEYS[each.constraint_type]].append(sorted(each.columns))
    return {
        "columns": [(each.name, each.description) for each in table.columns],
        "required": {e.name for e in table.columns if e.constraint is ColumnConstraint.NOT_NULL},
        "primary": sorted(name for key in keys["primary"] for name in key),
        "unique": sorted(keys["unique"]),
        "foreign": sorted(
            (list(each.columns), list(each.referred_columns))
            for each in table.constraints
            if each.constraint_type == "FOREIGN_KEY"
        ),
    }


def agree(probe: Probe, engine: Any, schemas: dict[str | None, str]) -> int:
    """How many tables were compared; every one of either side must be the other's, too."""
    with closing(engine.connect()):
        told = theirs(engine, schemas)
    engine.dispose()
    tables = probe.entities(EntityType.TABLE)
    assert tables.keys() == told.keys()
    for name, table in tables.items():
        mine, other = ours(table), told[name]
        # A column that is a key may not be empty, whether or not somebody said so; we say the key.
        keyed = {*mine["primary"], *(key[0] for key in mine["unique"] if len(key) == 1)}
        if other["required"] is None:
            other["required"] = mine["required"]
        other["required"] -= keyed
        mine["required"] -= keyed
        assert mine == other, name
    return len(tables)


@pytest.mark.filterwarnings("ignore:Did not recognize type:sqlalchemy.exc.SAWarning")
def test_postgresql(postgres):
    made, name = shop(120), "differential"
    postgres.create(name)
    with postgres.connect(name) as connection:
        for block in made.blocks:
            connection.execute(block)
    probe = Probe(pg.CONNECTOR, postgres.config(name))
    schemas = {
        each.metadata["name"]: each.id for each in probe.descriptors(EntityType.DATABASE_SCHEMA)
    }
    url = sa.URL.create(
        "postgresql+psycopg",
        postgres.user,
        postgres.password,
        postgres.host,
        postgres.port,
        name,
    )
    assert agree(probe, sa.create_engine(url), schemas) == 120


def test_sqlite(tmp_path):
    path = tmp_path / "two.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SQLITE)
    probe = Probe(lite.CONNECTOR, {"databaseMode": str(path)})
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    assert agree(probe, engine, {None: "svc.default.main"}) == 11


def test_mariadb():
    if why := mariadb.available():
        pytest.skip(why)
    with mariadb.server() as server:
        server.run("create database shop", *(each for each in MARIADB.split(";") if each.strip()))
        probe = Probe(maria.CONNECTOR, server.config())
        url = sa.URL.create(
            "mariadb+pymysql", server.user, server.password, server.host, server.port
        )
        assert agree(probe, sa.create_engine(url), {"shop": "svc.default.shop"}) == 7
