"""The generic tier: what SQLAlchemy reflects, in one statement where the dialect can, else one by one."""

import pickle
import re
import sqlite3
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from pydantic import Field, SecretStr

from rayingest.config.connection import SqlCommon
from rayingest.errors import (
    ConfigError,
    Denied,
    Gone,
    MissingDriver,
    Permanent,
    Retryable,
    SessionLost,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.sql.reflected import lookups
from rayingest.kit.sql.reflected.facts import Reflected, reflected
from rayingest.kit.sql.reflected.session import Connect, ReflectedSession, classify
from rayingest.kit.sql.reflected.shapes import shape, split, text_of
from rayingest.kit.sql.spec import RELATIONS, Sql
from rayingest.model import EntityType
from rayingest.testing import mariadb, postgres
from rayingest.testing.probe import Probe, of, sort

TABLE, SCHEMA = EntityType.TABLE, EntityType.DATABASE_SCHEMA
CANARY = "canary-5e"


class AnyConnection(SqlCommon):
    type: str = "CustomDatabase"
    url: SecretStr = Field(description="URL")
    databaseSchema: str | None = None  # noqa: N815


def connect(settings):
    return Connect(
        sa.make_url(settings.connection.url.get_secret_value()),
        settings.connection.connectionArguments,
    )


def connector(**changes):
    how = Reflected(extra="some", connect=connect, **changes)
    return Sql(
        service_type="CustomDatabase",
        connection=AnyConnection,
        facts=reflected(how),
        types=RELATIONS,
    )


@pytest.fixture
def probe(tmp_path):
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as file:
        file.executescript(
            "create table p (id integer primary key, n varchar(9) not null, d decimal(8,2), unique (n));"
            "create table c (a int, b int, p int references p(id), primary key (b, a), unique (a, p));"
            "create view v as select id, n from p;"
            "create view broken as select * from gone;"
        )
    file.close()
    return Probe(connector(), {"url": f"sqlite:///{path}"})


def test_a_dialect_that_reads_one_by_one(probe):
    found, failed = probe.answers(TABLE)
    assert sorted(found) == [f"svc.default.main.{each}" for each in ("c", "p", "v")]
    (error,) = failed.values()
    assert "gone" in str(error)
    p, c = found["svc.default.main.p"], found["svc.default.main.c"]
    assert [(x.name, x.data_type, x.data_type_display, x.constraint) for x in p.columns] == [
        ("id", "INT", "INTEGER", "PRIMARY_KEY"),
        ("n", "VARCHAR", "VARCHAR(9)", "UNIQUE"),
        ("d", "DECIMAL", "DECIMAL(8, 2)", "NULL"),
    ]
    assert [(k.constraint_type, k.columns, k.referred_columns) for k in c.constraints] == [
        ("PRIMARY_KEY", ("b", "a"), ()),
        ("UNIQUE", ("a", "p"), ()),
        ("FOREIGN_KEY", ("p",), ("svc.default.main.p.id",)),
    ]
    assert found["svc.default.main.v"].schema_definition.startswith("CREATE VIEW v")
    probe.agree(TABLE)


def test_one_connection_and_its_statements_are_counted(probe):
    with probe.open() as source:
        descriptors = of(source.discover_entities(TABLE, "svc.default.main"))
        before = source.calls
        list(source.process_entities(descriptors))
        assert source.calls > before
        assert len(source._idle) == 1
        engine = source._idle[0].engine
        assert isinstance(engine.pool, sa.NullPool)
    other = sa.create_engine("sqlite://")
    assert not other.dispatch.before_cursor_execute


def test_what_was_dropped_is_gone_though_it_was_reflected_before(probe):
    with probe.open() as source:
        descriptors = of(source.discover_entities(TABLE, "svc.default.main"))
        list(source.process_entities(descriptors))
        path = probe.config["url"].removeprefix("sqlite:///")
        with sqlite3.connect(path) as file:
            file.execute("drop table c")
        file.close()
        _, failed = sort(source.process_entities(descriptors))
    assert isinstance(failed["svc.default.main.c"], Gone)


def test_a_dialect_that_reads_many_at_once():
    with postgres.server() as server:
        server.create("shop")
        with server.connect("shop") as connection:
            connection.execute("create schema far; create table far.t (id int primary key)")
            for i in range(120):
                connection.execute(
                    f"create table t{i} (id int primary key, f int references far.t (id), x text[]);"
                    f"comment on table t{i} is 'c{i}'"
                )
        url = sa.URL.create(
            "postgresql+psycopg", server.user, server.password, server.host, server.port, "shop"
        )
        many = Probe(connector(), {"url": url.render_as_string(hide_password=False)})
        tables = many.entities(TABLE)
        assert len(tables) == 121
        table = tables["svc.default.public.t7"]
        assert (table.description, table.columns[2].data_type) == ("c7", "ARRAY")
        assert table.columns[2].array_data_type == "TEXT"
        assert table.constraints[0].referred_table == "svc.default.far.t"
        with many.open() as source:
            descriptors = of(source.discover_entities(TABLE, "svc.default.public"))
            before = source.calls
            list(source.process_entities(descriptors))
            assert (source.calls - before) / 120 < 0.5
        wrong = url.set(password=CANARY).render_as_string(hide_password=False)
        with pytest.raises(Unauthorised) as raised:
            many.open(url=wrong).__enter__()
        assert CANARY not in repr(raised.value) + str(many.settings(url=wrong))


INFORMATION_SCHEMA_KEYS = lookups.QueriedKeys(
    "select table_name, case when constraint_name = 'PRIMARY' then 'PRIMARY KEY'"
    " when referenced_table_name is null then 'UNIQUE' else 'FOREIGN KEY' end, constraint_name,"
    " column_name, referenced_table_schema, referenced_table_name, referenced_column_name"
    " from information_schema.key_column_usage"
    " where table_schema = :schema and table_name in :names order by 1, 3, ordinal_position"
)


def test_a_lookup_is_replaced_by_a_query():
    if why := mariadb.available():
        pytest.skip(why)
    with mariadb.server() as server:
        server.run(
            "create database s",
            "create table s.p (a int, b int unique, primary key (a, b))",
            "create table s.c (x int, y int, foreign key (x, y) references s.p (a, b))",
        )
        url = sa.URL.create(
            "mysql+pymysql", server.user, server.password, server.host, server.port
        ).render_as_string(hide_password=False)
        config = {"url": url, "databaseSchema": "s"}
        found = [
            Probe(connector(**each), config).entities(TABLE)
            for each in (
                {},
                {"keys": INFORMATION_SCHEMA_KEYS},
                {"keys": INFORMATION_SCHEMA_KEYS, "chunk": 50},
            )
        ]
        told = [
            {name: sorted(map(str, table.constraints)) for name, table in each.items()}
            for each in found
        ]
        assert told[0] == told[1] == told[2]
        assert len(told[0]["svc.default.s.c"]) == 1


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("nosuchdialect://x", MissingDriver),
        ("mssql+pymssql://u@h/d", MissingDriver),
        ("sqlite:////no/such/folder/x.db", Unreachable),
        (f"postgresql+psycopg://u:{CANARY}@127.0.0.1:1/d", Unreachable),
    ],
)
def test_a_source_that_cannot_be_opened(url, kind):
    broken = Probe(connector(), {"url": url})
    with pytest.raises(kind) as raised:
        broken.open().__enter__()
    assert CANARY not in repr(raised.value) + str(raised.value) + str(raised.value.__cause__)


def test_an_unknown_argument_is_the_configs_fault(probe):
    with pytest.raises(ConfigError, match="colour"):
        probe.open(connectionArguments={"colour": "red"}).__enter__()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (sa.exc.NoSuchTableError("t"), Gone),
        (sa.exc.OperationalError("s", {}, Exception("database is locked")), Retryable),
        (sa.exc.OperationalError("s", {}, Exception("server closed the connection")), SessionLost),
        (sa.exc.OperationalError("s", {}, Exception("no such table: t")), Permanent),
        (
            sa.exc.OperationalError("s", {}, Exception("gone"), connection_invalidated=True),
            SessionLost,
        ),
        (sa.exc.InterfaceError("s", {}, Exception("closed")), SessionLost),
        (sa.exc.ProgrammingError("s", {}, Exception("permission denied for table t")), Denied),
        (sa.exc.ProgrammingError("s", {}, Exception("syntax")), Permanent),
        (NotImplementedError(), Permanent),
    ],
)
def test_errors_are_told_by_their_kind(error, kind):
    known = classify(error)
    assert type(known) is kind
    assert "[SQL" not in str(known)


def test_an_error_that_is_not_sqlalchemys_stays_unknown():
    assert classify(ZeroDivisionError()) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INTEGER", ("INT", None, None, None, None)),
        ("varchar(20)", ("VARCHAR", None, 20, None, None)),
        ("character varying(20)", ("VARCHAR", None, 20, None, None)),
        ("VARCHAR", ("VARCHAR", None, 1, None, None)),
        ("DECIMAL(10, 2)", ("DECIMAL", None, None, 10, 2)),
        ("NUMBER(5)", ("NUMBER", None, None, 5, 0)),
        ("timestamp(6) with time zone", ("TIMESTAMPZ", None, None, None, None)),
        ("DOUBLE PRECISION", ("DOUBLE", None, None, None, None)),
        ("INTEGER[][]", ("ARRAY", "ARRAY", None, None, None)),
        ("array<string>", ("ARRAY", "STRING", None, None, None)),
        ("ENUM('a,b', 'c')", ("ENUM", None, None, None, None)),
        ("frobnicate(3)", ("UNKNOWN", None, None, None, None)),
        ("", ("UNKNOWN", None, None, None, None)),
        ("((", ("UNKNOWN", None, None, None, None)),
    ],
)
def test_types_by_their_text(text, expected):
    found = shape(text)
    assert (found.data_type, found.element, found.length, found.precision, found.scale) == expected


def test_structs_of_several_dialects():
    for text in (
        'STRUCT(a INTEGER, "b c" VARCHAR)',
        "struct<a:int,`b c`:varchar(3)>",
        'row(a integer, "b c" varchar)',
    ):
        assert [(c.name, c.data_type) for c in shape(text).children] == [
            ("a", "INT"),
            ("b c", "VARCHAR"),
        ]
    assert split("a int, b struct(x int, y int), 'c,d'") == [
        "a int",
        "b struct(x int, y int)",
        "'c,d'",
    ]
    deep = "STRUCT(a " * 20 + "int" + ")" * 20
    assert shape(deep).data_type == "STRUCT"


def test_types_of_sqlalchemy_have_a_text():
    dialect = sa.create_engine("sqlite://").dialect
    assert text_of(sa.String(5), dialect) == "VARCHAR(5)"
    assert text_of(sa.Enum("a", "b"), dialect) == "ENUM('a', 'b')"
    assert text_of(sa.ARRAY(sa.Integer, dimensions=2), dialect) == "INTEGER[][]"
    assert text_of(sa.types.NullType(), dialect) == ""


def test_a_connector_of_the_generic_tier_pickles_and_hides_its_secrets():
    settings = SimpleNamespace(connection=AnyConnection(url=SecretStr(f"sqlite://u:{CANARY}@/x")))
    assert CANARY not in repr(connect(settings)) + repr(settings)
    assert re.search("Reflected", repr(pickle.loads(pickle.dumps(connector()))))


def test_a_drivers_stack_is_no_part_of_its_words():
    words = "[Error 3523] no rights\n at gosqldriver/teradatasql.formatError ErrorUtil.go:84\n at x.y z.go:1"
    known = classify(sa.exc.ProgrammingError("select", {}, Exception(words)))
    assert str(known) == "[Error 3523] no rights"


def test_pieces_of_a_text_are_put_together_in_their_order(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'texts.db'}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("create table texts (name text, line int, piece text)"))
        connection.execute(
            sa.text("insert into texts values ('v', 2, 'two'), ('v', 1, 'one '), ('w', 1, null)")
        )
    session = ReflectedSession(engine, "main")
    query = (
        "select name, piece, line from texts where :schema = 's' and name in :names order by 1, 3"
    )
    try:
        assert lookups.QueriedTexts(query)(session, "s", ["v", "w"]) == {"v": "one two"}
    finally:
        session.close()
