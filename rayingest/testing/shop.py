# ruff: noqa: S608 - statements for a database of our own
"""A made-up shop as a PostgreSQL catalogue: any number of tables, every facet, and the exact counts.

The same arguments give the same catalogue.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rayingest.testing.vocabulary import COLUMNS, NOUNS, SCHEMAS, TYPES, WORDS

OWN_TYPES = ("state", "email", "money_amount")
ROLES = ("shop_owner", "shop_analyst")
PARTITIONS = 4
# What a long-lived server would have done by itself: without it the planner knows nothing.
CATALOGUES = tuple(
    f"pg_catalog.pg_{name}"
    for name in [
        "class",
        "attribute",
        "attrdef",
        "constraint",
        "depend",
        "description",
        "index",
        "inherits",
        "type",
    ]
)
BLOCK = 50


@dataclass(frozen=True)
class Shop:
    """Statements that build a catalogue in an empty database, and what there is afterwards.

    `blocks` are texts of several statements each. `counts` says how many there are of: schemas,
    tables (of all kinds), regular, partitioned, partitions, views, materialized, foreign, columns,
    routines (names), overloads, enums, domains, policies, comments on tables and on columns, keys.
    """

    blocks: tuple[str, ...]
    counts: dict[str, int]

    def fill(self, connection: Any) -> None:
        """Run the statements on a psycopg connection in autocommit mode."""
        for block in self.blocks:
            connection.execute(block)
        connection.execute(f"vacuum (analyze) {', '.join(CATALOGUES)}")


@dataclass
class _Builder:
    random: random.Random
    schemas: list[str]
    blocks: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    simple: list[tuple[str, list[str]]] = field(default_factory=list)
    composite: list[tuple[str, list[str]]] = field(default_factory=list)

    def say(self, *statements: str) -> None:
        self.lines += statements

    def flush(self) -> None:
        if self.lines:
            self.blocks.append(";\n".join(self.lines) + ";\n")
            self.lines = []

    def sentence(self, words: int) -> str:
        return " ".join(self.random.choice(WORDS) for _ in range(words))

    def columns(self, schema: str, number: int) -> list[tuple[str, str]]:
        """Names and types, a tenth of them the shop's own."""
        names = self.random.sample(COLUMNS, number)
        return [(name, self._type(schema)) for name in names]

    def _type(self, schema: str) -> str:
        if self.random.random() < 0.1:
            own = self.random.choice(OWN_TYPES)
            self.counts[{"state": "enum_columns"}.get(own, "domain_columns")] += 1
            return f"{schema}.{own}"
        kind = self.random.choice(TYPES)
        self.counts["array_columns"] += kind.endswith("[]")
        return kind

    def comment(self, name: str, columns: list[str], kind: str = "table") -> None:
        self.say(f"comment on {kind} {name} is '{self.sentence(10)}'")
        self.counts["table_comments"] += 1
        for column in columns:
            if self.random.random() < 1 / 3:
                self.say(f"comment on column {name}.{column} is '{self.sentence(7)}'")
                self.counts["column_comments"] += 1

    def tally(self, kind: str, columns: int) -> None:
        self.counts[kind] += 1
        self.counts["tables"] += 1
        self.counts["columns"] += columns


def shop(tables: int, *, seed: int = 1, schemas: int | None = None) -> Shop:
    """A shop of `tables` relations: of twenty, two are views, one is partitioned or a partition.

    Foreign tables and policies are one in fifty each. Needs the extension `file_fdw`.
    """
    number = schemas or min(len(SCHEMAS), max(2, tables // 20))
    build = _Builder(random.Random(seed), [_schema(i) for i in range(number)])  # noqa: S311
    _foundations(build)
    views, parents, foreign = tables // 10, max(1, tables // 100), max(1, tables // 50)
    regular = tables - views - parents * (1 + PARTITIONS) - foreign
    if regular < 3:
        raise ValueError("a shop has at least 12 tables")
    steps = [
        *[_regular] * regular,
        *[_partitioned] * parents,
        *[_foreign] * foreign,
        *[_view] * views,
    ]
    for place, step in enumerate(steps):
        step(build, place, build.schemas[place % number])
        if place % BLOCK == BLOCK - 1:
            build.flush()
    build.flush()
    return Shop(tuple(build.blocks), dict(build.counts))


def _schema(place: int) -> str:
    return SCHEMAS[place] if place < len(SCHEMAS) else f"shop_{place:03d}"


def _foundations(build: _Builder) -> None:
    for role in ROLES:
        build.say(
            f"do $$ begin create role {role}; exception when duplicate_object or unique_violation "
            "then null; end $$"
        )
    build.say("drop schema if exists public", "create extension file_fdw with schema pg_catalog")
    build.say("create server archive foreign data wrapper file_fdw")
    for schema in build.schemas:
        build.say(
            f"create schema {schema} authorization shop_owner",
            f"comment on schema {schema} is 'schema {schema}: {build.sentence(6)}'",
            f"create type {schema}.state as enum ('new', 'open', 'closed', 'void')",
            f"create domain {schema}.email as varchar(120) check (value like '%@%')",
            f"create domain {schema}.money_amount as numeric(14,2)",
            f"create function {schema}.gross(net numeric, rate numeric default 0.19) "
            "returns numeric language sql as $$ select net * (1 + rate) $$",
            f"create function {schema}.gross(net integer) "
            "returns integer language sql as $$ select net * 2 $$",
            f"create procedure {schema}.close_month(month date) language plpgsql "
            "as $$ begin raise notice '%', month; end $$",
            f"create aggregate {schema}.total(numeric) (sfunc = numeric_add, stype = numeric, "
            "initcond = '0')",
            f"comment on function {schema}.gross(numeric, numeric) is 'net plus tax'",
            f"alter procedure {schema}.close_month(date) owner to shop_analyst",
        )
        build.counts["schemas"] += 1
        build.counts["enums"] += 1
        build.counts["domains"] += 2
        build.counts["routines"] += 3
        build.counts["overloads"] += 4
    build.flush()


def _regular(build: _Builder, place: int, schema: str) -> None:
    dice = build.random
    name = f"{schema}.{dice.choice(NOUNS)}_{place:05d}"
    columns = build.columns(schema, dice.randint(6, 24))
    keys = ["id"] if place % 10 else ["country_code", "id"]
    body = [f"{key} {'char(2)' if key == 'country_code' else 'bigint'} not null" for key in keys]
    body += [
        f"{column} {kind}{' not null' if dice.random() < 0.35 else ''}" for column, kind in columns
    ]
    body.append(f"primary key ({', '.join(keys)})")
    build.counts["primary_keys" if len(keys) == 1 else "composite_primary_keys"] += 1
    body += _references(build) + _unique(build, columns)
    build.say(f"create table {name} (\n  " + ",\n  ".join(body) + "\n)")
    names = [
        line.split()[0] for line in body if not line.startswith(("primary", "unique", "foreign"))
    ]
    build.tally("regular", len(names))
    build.comment(name, names)
    if place % 50 == 1:
        build.say(
            f"alter table {name} enable row level security",
            f"create policy own_rows on {name} for select to shop_analyst using (id > {place})",
        )
        build.counts["policies"] += 1
    if place % 3 == 0:
        build.say(f"alter table {name} owner to shop_owner")
        build.counts["owned_tables"] += 1
    (build.simple if len(keys) == 1 else build.composite).append((name, names))


def _references(build: _Builder) -> list[str]:
    """Foreign keys: to one column, to one column and unique, or to two."""
    draw = build.random.random()
    if draw < 0.3 and build.simple:
        target = build.random.choice(build.simple)[0]
        build.counts["foreign_keys"] += 1
        only = " unique" if draw < 0.05 else ""
        build.counts["one_to_one"] += bool(only)
        build.counts["unique_keys"] += bool(only)
        return [
            f"parent_id bigint{only}",
            f"foreign key (parent_id) references {target} (id)",
        ]
    if draw < 0.4 and build.composite:
        target = build.random.choice(build.composite)[0]
        build.counts["composite_foreign_keys"] += 1
        return [
            "parent_country char(2)",
            "parent_id bigint",
            f"foreign key (parent_country, parent_id) references {target} (country_code, id)",
        ]
    return []


def _unique(build: _Builder, columns: list[tuple[str, str]]) -> list[str]:
    comparable = [name for name, kind in columns if kind not in ("xml", "jsonb")]
    draw = build.random.random()
    if draw < 0.2 and comparable:
        build.counts["unique_keys"] += 1
        return [f"unique ({comparable[0]})"]
    if draw < 0.4 and len(comparable) > 1:
        build.counts["composite_unique_keys"] += 1
        return [f"unique ({comparable[0]}, {comparable[1]})"]
    return []


def _partitioned(build: _Builder, place: int, schema: str) -> None:
    name = f"{schema}.history_{place:05d}"
    columns = build.columns(schema, build.random.randint(6, 16))
    names = ["id", "day", *(column for column, _ in columns)]
    body = ["id bigint not null", "day date not null"]
    body += [f"{column} {kind}" for column, kind in columns]
    body.append("primary key (id, day)")
    build.say(f"create table {name} (\n  {', '.join(body)}\n) partition by range (day)")
    build.tally("partitioned", len(names))
    build.counts["composite_primary_keys"] += 1 + PARTITIONS
    for year in range(2020, 2020 + PARTITIONS):
        build.say(
            f"create table {name}_{year} partition of {name} "
            f"for values from ('{year}-01-01') to ('{year + 1}-01-01')"
        )
        build.tally("partitions", len(names))
    for kind, own in (("enum_columns", ".state"), ("array_columns", "[]")):
        build.counts[kind] += PARTITIONS * sum(column[1].endswith(own) for column in columns)
    domains = sum(column[1].endswith((".email", ".money_amount")) for column in columns)
    build.counts["domain_columns"] += PARTITIONS * domains
    build.comment(name, names)


def _foreign(build: _Builder, place: int, schema: str) -> None:
    name = f"{schema}.archive_{place:05d}"
    build.say(
        f"create foreign table {name} (id bigint not null, line text, at timestamptz) "
        "server archive options (filename '/dev/null', format 'csv')"
    )
    build.tally("foreign", 3)
    build.comment(name, ["id", "line", "at"], "foreign table")


def _view(build: _Builder, place: int, schema: str) -> None:
    (left, left_columns), (right, _) = build.random.choices(build.simple, k=2)
    picked = build.random.sample(left_columns, min(6, len(left_columns)))
    stored = place % 5 == 0
    kind = "materialized view" if stored else "view"
    name = f"{schema}.v_{build.random.choice(NOUNS)}_{place:05d}"
    selected = [f"a.{column} as a_{column}" for column in picked] + ["b.id as b_id"]
    build.say(
        f"create {kind} {name} as select {', '.join(selected)} from {left} a "
        f"left join {right} b on b.id = a.id where a.id > {place}"
    )
    build.tally("materialized" if stored else "views", len(selected))
    build.comment(name, [f"a_{column}" for column in picked], kind)


def quote(name: str) -> str:
    """Spell an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Spell a string."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
