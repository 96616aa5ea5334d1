# ruff: noqa: INP001 - a program's oracle
"""Did everything arrive? A PostgreSQL, read by statements of its own, against a catalogue's entities.

`facets(connection, entities, service)` compares field by field and returns the differences as
sentences; an empty list means that every facet of every object is there, and nothing else is.
Nothing of the connector, the kit or the sinks is imported: what is expected is worked out here,
from `format_type`, `pg_get_constraintdef` and their like, in other words than theirs.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]
Entities = Callable[[str], Mapping[str, Json]]

SHOWN = 50
RESERVED = {
    "::": "__reserved__colon__",
    ">": "__reserved__arrow__",
    '"': "__reserved__quote__",
    "\n": "__reserved__newline__",
    "\r": "__reserved__carriage_return__",
    "\t": "__reserved__tab__",
}
TABLE_TYPES = {
    "r": "Regular",
    "p": "Partitioned",
    "v": "View",
    "m": "MaterializedView",
    "f": "Foreign",
}
# SQL's names of types, as format_type writes them, in OpenMetadata's words.
DATA_TYPES = {
    "smallint": "SMALLINT",
    "integer": "INT",
    "bigint": "BIGINT",
    "numeric": "NUMERIC",
    "real": "FLOAT",
    "double precision": "DOUBLE",
    "boolean": "BOOLEAN",
    "text": "TEXT",
    "character varying": "VARCHAR",
    "character": "CHAR",
    "bytea": "BYTEA",
    "uuid": "UUID",
    "json": "JSON",
    "jsonb": "JSON",
    "xml": "XML",
    "inet": "INET",
    "cidr": "CIDR",
    "date": "DATE",
    "interval": "INTERVAL",
    "time without time zone": "TIME",
    "time with time zone": "TIME",
    "timestamp without time zone": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMPZ",
}
DATED = {
    "date",
    "timestamp without time zone",
    "timestamp with time zone",
    "time without time zone",
}
WHOLE = {"smallint", "integer", "bigint"}
LANGUAGES = {"sql": "SQL", "plpgsql": "SQL"}

DATABASE = """
select d.datname, shobj_description(d.oid, 'pg_database'), r.rolname
  from pg_database d join pg_roles r on r.oid = d.datdba where d.datname = current_database()
"""
SCHEMAS = """
select s.schema_name, s.schema_owner, obj_description(to_regnamespace(quote_ident(s.schema_name)), 'pg_namespace')
  from information_schema.schemata s
 where s.schema_name not like 'pg\\_%' and s.schema_name <> 'information_schema'
"""
RELATIONS = """
select c.oid::int8, n.nspname, c.relname, c.relkind::text, r.rolname,
       obj_description(c.oid, 'pg_class'), quote_ident(n.nspname) || '.' || quote_ident(c.relname),
       coalesce(v.definition, m.definition),
       case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end,
       pg_get_expr(c.relpartbound, c.oid), fs.srvname
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_roles r on r.oid = c.relowner
  left join pg_views v on v.schemaname = n.nspname and v.viewname = c.relname
  left join pg_matviews m on m.schemaname = n.nspname and m.matviewname = c.relname
  left join pg_foreign_table ft on ft.ftrelid = c.oid
  left join pg_foreign_server fs on fs.oid = ft.ftserver
 where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not like 'pg\\_%'
   and n.nspname <> 'information_schema'
"""
COLUMNS = """
select a.attrelid::int8, a.attnum, a.attname, a.attnotnull,
       format_type(a.atttypid, a.atttypmod),
       format_type(coalesce(nullif(t.typbasetype, 0), t.oid),
                   case when t.typtype = 'd' then t.typtypmod else a.atttypmod end),
       t.typtype::text, col_description(a.attrelid, a.attnum), quote_ident(a.attname),
       pg_get_expr(d.adbin, d.adrelid)
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p', 'v', 'm', 'f')
  join pg_namespace n on n.oid = c.relnamespace and n.nspname not like 'pg\\_%'
                     and n.nspname <> 'information_schema'
  join pg_type t on t.oid = a.atttypid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where a.attnum > 0 and not a.attisdropped
"""
# The standard's own words, which know nothing of materialized views: a second opinion.
STANDARD = """
select table_schema, table_name, column_name, is_nullable, character_maximum_length,
       case when data_type = 'numeric' then numeric_precision end,
       case when data_type = 'numeric' then numeric_scale end
  from information_schema.columns
 where table_schema not like 'pg\\_%' and table_schema <> 'information_schema'
"""
CONSTRAINTS = """
select k.conrelid::int8, k.contype::text, k.conkey, k.confrelid::int8, k.confkey,
       pg_get_constraintdef(k.oid),
       p.conrelid is not null and p.conrelid = k.conrelid and k.contype = 'f'
  from pg_constraint k left join pg_constraint p on p.oid = k.conparentid
 where k.conrelid <> 0 and k.contype in ('p', 'u', 'f', 'c')
"""
POLICIES = """
select schemaname, tablename, policyname, cmd, qual, with_check from pg_policies
"""
ROUTINES = """
select n.nspname, p.proname, p.prokind::text, l.lanname, r.rolname,
       obj_description(p.oid, 'pg_proc'), quote_ident(n.nspname) || '.' || quote_ident(p.proname),
       case when p.prokind = 'a' then null else pg_get_functiondef(p.oid) end
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  join pg_language l on l.oid = p.prolang
  join pg_roles r on r.oid = p.proowner
 where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
   and not exists (select from pg_depend d where d.objid = p.oid and d.classid = 'pg_proc'::regclass
                      and d.deptype in ('e', 'i'))
"""


def facets(
    connection: Any,
    entities: Entities,
    service: str,
    *,
    owners: bool = True,
    ddl: bool = True,
    classification: str = "PostgresPolicyTags",
) -> list[str]:
    """Differences between a database (a psycopg connection to it) and what arrived of it.

    `entities(collection)` answers FQN -> body, as `/__entities` and `StrictCatalogue.entities` do.
    Every role that owns something must be a user there. At most a few dozen differences of one
    kind are told in full.
    """
    return list(_limited(_Comparison(connection, entities, service, owners, ddl, classification)))


def _limited(comparison: "_Comparison") -> Iterator[str]:
    seen: Counter[str] = Counter()
    for kind, text in comparison.run():
        seen[kind] += 1
        if seen[kind] <= SHOWN:
            yield f"{kind}: {text}"
    for kind, count in seen.items():
        if count > SHOWN:
            yield f"{kind}: {count - SHOWN} more"


Difference = tuple[str, str]


@dataclass
class _Comparison:
    connection: Any
    entities: Entities
    service: str
    owners: bool
    ddl: bool
    classification: str
    relations: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    columns: dict[int, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    keys: dict[int, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self.connection.execute(query).fetchall()
        return found

    def run(self) -> Iterator[Difference]:
        # Names are qualified, however the server is asked: like a session with no path.
        self.connection.execute("set search_path = ''")
        self.users = {each["id"]: each["name"] for each in self.entities("users").values()}
        yield from self._containers()
        for row in self.rows(RELATIONS):
            self.relations[row[0]] = row
        for row in self.rows(COLUMNS):
            self.columns[row[0]].append(row)
        for found in self.columns.values():
            found.sort(key=lambda row: row[1])
        for row in self.rows(CONSTRAINTS):
            self.keys[row[0]].append(row)
        yield from self._tables()
        yield from self._routines()
        yield from self._tags()

    # --- service, database, schemas ---

    def _containers(self) -> Iterator[Difference]:
        services = self.entities("services/databaseServices")
        yield from _same("service", "all", [*services], [fqn(self.service)])
        for name, body in services.items():
            yield from _same("service type", name, body.get("serviceType"), "Postgres")
        ((self.database, comment, owner),) = self.rows(DATABASE)
        databases = self.entities("databases")
        self.root = fqn(self.service, self.database)
        yield from _same("database", "all", [*databases], [self.root])
        if self.root in databases:
            yield from self._common("database", self.root, databases[self.root], comment, owner)
            yield from _same(
                "database's service", self.root, databases[self.root]["service"], fqn(self.service)
            )
        schemas = self.entities("databaseSchemas")
        expected = {fqn(self.service, self.database, row[0]): row for row in self.rows(SCHEMAS)}
        yield from _all_there("schema", schemas, expected)
        for name, (raw, owner, comment) in expected.items():
            if (body := schemas.get(name)) is not None:
                yield from self._common("schema", name, body, comment, owner)
                yield from self._named("schema", name, body, raw)
                yield from _same("schema's database", name, body["database"], self.root)

    def _common(
        self, kind: str, name: str, body: Json, comment: str | None, owner: str | Iterable[str]
    ) -> Iterator[Difference]:
        yield from _same(f"{kind} comment", name, body.get("description"), comment)
        if self.owners:
            told = [self.users.get(each["id"], each["id"]) for each in body.get("owners") or ()]
            wanted = [owner] if isinstance(owner, str) else sorted(owner)
            yield from _same(f"{kind} owner", name, sorted(told), wanted)

    def _named(self, kind: str, name: str, body: Json, raw: str) -> Iterator[Difference]:
        spelled = encode(raw)
        yield from _same(f"{kind} name", name, body.get("name"), spelled)
        shown = raw if spelled != raw else None
        yield from _same(f"{kind} display name", name, body.get("displayName"), shown)

    # --- tables ---

    def _tables(self) -> Iterator[Difference]:
        tables = self.entities("tables")
        expected = {self._fqn(row): row for row in self.relations.values()}
        yield from _all_there("table", tables, expected)
        for name, row in expected.items():
            if (body := tables.get(name)) is not None:
                yield from self._table(name, row, body)
        yield from self._standard(tables)

    def _fqn(self, relation: tuple[Any, ...]) -> str:
        return fqn(self.service, self.database, relation[1], relation[2])

    def _table(self, name: str, row: tuple[Any, ...], body: Json) -> Iterator[Difference]:
        oid, schema, raw, kind, owner, comment, *_ = row
        yield from self._named("table", name, body, raw)
        yield from self._common("table", name, body, comment, owner)
        above = fqn(self.service, self.database, schema)
        yield from _same("table's schema", name, body["databaseSchema"], above)
        yield from _same("table type", name, body.get("tableType"), TABLE_TYPES[kind])
        own = _OwnKeys.of(self.keys[oid])
        yield from self._columns(name, self.columns[oid], body.get("columns") or [], own)
        yield from self._constraints(name, oid, own, body)
        yield from self._partitions(name, row, body)
        yield from self._definition(name, row, body)

    def _columns(
        self, table: str, rows: list[tuple[Any, ...]], told: list[Json], own: "_OwnKeys"
    ) -> Iterator[Difference]:
        names = [encode(row[2]) for row in rows]
        yield from _same("column names and order", table, [each["name"] for each in told], names)
        if len(rows) != len(told):
            return
        for place, (row, body) in enumerate(zip(rows, told, strict=True), 1):
            _, number, raw, required, display, base, kind, comment, _, _ = row
            name = f"{table}.{raw}"
            yield from _same("column position", name, body.get("ordinalPosition"), place)
            yield from _same("column type as shown", name, body.get("dataTypeDisplay"), display)
            yield from _same("column comment", name, body.get("description"), comment)
            wanted = own.single.get(number) or ("NOT_NULL" if required else "NULL")
            yield from _same("column constraint", name, body.get("constraint"), wanted)
            yield from _type(name, body, base, kind)

    def _constraints(
        self, table: str, oid: int, own: "_OwnKeys", body: Json
    ) -> Iterator[Difference]:
        wanted = [
            ("PRIMARY_KEY" if kind == "p" else "UNIQUE", self._names(oid, numbers), (), None)
            for kind, numbers in own.composite
        ]
        for numbers, target, referred in own.foreign:
            relation = self.relations[target]
            columns = self._raw_names(target, referred)
            wanted.append(
                (
                    "FOREIGN_KEY",
                    self._names(oid, numbers),
                    tuple(f"{self._fqn(relation)}.{part(each)}" for each in columns),
                    "ONE_TO_ONE" if own.is_unique(numbers) else "MANY_TO_ONE",
                )
            )
        told = [
            (
                each["constraintType"],
                tuple(each["columns"]),
                tuple(each.get("referredColumns") or ()),
                each.get("relationshipType"),
            )
            for each in body.get("tableConstraints") or ()
        ]
        yield from _same("table constraints", table, sorted(told, key=str), sorted(wanted, key=str))

    def _raw_names(self, oid: int, numbers: Iterable[int]) -> list[str]:
        names = {row[1]: row[2] for row in self.columns[oid]}
        return [names[number] for number in numbers]

    def _names(self, oid: int, numbers: Iterable[int]) -> tuple[str, ...]:
        return tuple(encode(name) for name in self._raw_names(oid, numbers))

    def _partitions(self, name: str, row: tuple[Any, ...], body: Json) -> Iterator[Difference]:
        told = [
            (each["columnName"], each["intervalType"])
            for each in (body.get("tablePartition") or {}).get("columns") or ()
        ]
        if row[8] is None:
            yield from _same("partitions", name, told, [])
            return
        strategy, _, inside = row[8].partition(" ")
        types = {each[8]: (each[2], each[4]) for each in self.columns[row[0]]}
        wanted = []
        for key in inside.strip("()").split(", "):
            raw, kind = types.get(key, (key, ""))
            wanted.append((encode(raw), _interval(strategy, kind)))
        yield from _same("partitions", name, told, wanted)

    # --- definitions ---

    def _definition(self, name: str, row: tuple[Any, ...], body: Json) -> Iterator[Difference]:
        oid, _, _, kind, _, _, quoted, view, partition_key, bound, server = row
        text = body.get("schemaDefinition") or ""
        if kind in "vm":
            head = f"create {'materialized ' if kind == 'm' else ''}view {quoted} as "
            yield from _same("view definition", name, _flat(text), _flat(head + view))
            return
        if not self.ddl:
            return
        start = f"CREATE {'FOREIGN ' if kind == 'f' else ''}TABLE {quoted}"
        if not text.startswith(start):
            yield "DDL", f"{name}: does not start with {start!r}: {text[:80]!r}"
        wanted = [f"PARTITION BY {partition_key}"] if partition_key else []
        wanted += ["PARTITION OF ", bound] if bound else []
        wanted += [f"SERVER {server}"] if server else []
        wanted += [each[5] for each in self.keys[oid] if not bound and not each[6]]
        for column in self.columns[oid] if not bound else ():
            _, _, _, required, display, _, _, _, spelled, default = column
            wanted.append(f"    {spelled} {display}")
            wanted += ["NOT NULL"] if required else []
            wanted += [default] if default else []
        for each in wanted:
            if each not in text:
                yield "DDL", f"{name}: lacks {each!r}: {text[:200]!r}"

    def _standard(self, tables: Mapping[str, Json]) -> Iterator[Difference]:
        """What information_schema says of length, precision, scale and NULL."""
        bodies = {
            (name, column["name"]): column
            for name, body in tables.items()
            for column in body.get("columns") or ()
        }
        keys = {"PRIMARY_KEY", "NOT_NULL"}
        for schema, table, raw, nullable, length, precision, scale in self.rows(STANDARD):
            name = fqn(self.service, self.database, schema, table)
            body = bodies.get((name, encode(raw)))
            if body is None:
                continue  # told already
            here = f"{name}.{raw}"
            if length is not None:
                yield from _same("column length", here, body.get("dataLength"), length)
            if body["dataType"] == "NUMERIC":
                yield from _same("column precision", here, body.get("precision"), precision)
                yield from _same("column scale", here, body.get("scale"), scale)
            if body.get("constraint") != "UNIQUE":
                told = body.get("constraint") in keys
                yield from _same("column nullability", here, told, nullable == "NO")

    # --- routines and tags ---

    def _routines(self) -> Iterator[Difference]:
        found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for row in self.rows(ROUTINES):
            found[fqn(self.service, self.database, row[0], row[1])].append(row)
        told = self.entities("storedProcedures")
        yield from _all_there("routine", told, found)
        for name, rows in found.items():
            if (body := told.get(name)) is not None:
                yield from self._routine(name, rows, body)

    def _routine(self, name: str, rows: list[tuple[Any, ...]], body: Json) -> Iterator[Difference]:
        yield from self._named("routine", name, body, rows[0][1])
        comments = {row[5] for row in rows if row[5]}
        told = {*(body.get("description") or "").split("\n\n")} - {""}
        yield from _same("routine comment", name, told, comments)
        yield from self._common(
            "routine", name, body, body.get("description"), {row[4] for row in rows}
        )
        above = fqn(self.service, self.database, rows[0][0])
        yield from _same("routine's schema", name, body["databaseSchema"], above)
        kind = "StoredProcedure" if any(row[2] == "p" for row in rows) else "Function"
        yield from _same("routine type", name, body.get("storedProcedureType"), kind)
        code = body.get("storedProcedureCode") or {}
        languages = {LANGUAGES.get(row[3], "External") for row in rows}
        if code.get("language") not in languages:
            yield (
                "routine language",
                f"{name}: {code.get('language')!r}, expected one of {languages}",
            )
        text = _flat(code.get("code") or "")
        for row in rows:
            wanted = f"CREATE AGGREGATE {row[6]}(" if row[7] is None else row[7]
            if _flat(wanted) not in text:
                yield "routine code", f"{name}: lacks {wanted[:80]!r}"

    def _tags(self) -> Iterator[Difference]:
        rows = self.rows(POLICIES)
        wanted: dict[str, set[str]] = defaultdict(set)
        allows: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for schema, table, policy, *says in rows:
            tag = f"{fqn(self.classification)}.{part(policy)}"
            wanted[fqn(self.service, self.database, schema, table)].add(tag)
            allows[tag].append(tuple(filter(None, says)))
        for name, body in self.entities("tables").items():
            told = {each["tagFQN"] for each in body.get("tags") or ()}
            yield from _same("table tags", name, told, wanted.get(name, set()))
        made = self.entities("tags")
        yield from _all_there("tag", made, allows)
        for tag, policies in allows.items():
            # Policies of one name share a tag, which speaks of one of them.
            text = (made.get(tag) or {}).get("description") or ""
            if tag in made and not any(all(each in text for each in says) for says in policies):
                yield "tag description", f"{tag}: {text!r} tells none of {policies[:3]}"
        if rows and fqn(self.classification) not in self.entities("classifications"):
            yield "classification", f"{self.classification} is not there"


@dataclass
class _OwnKeys:
    """The keys of one relation: by column number, over several columns, and to other relations."""

    single: dict[int, str] = field(default_factory=dict)
    composite: list[tuple[str, list[int]]] = field(default_factory=list)
    foreign: list[tuple[list[int], int, list[int]]] = field(default_factory=list)
    unique: list[set[int]] = field(default_factory=list)

    @classmethod
    def of(cls, rows: list[tuple[Any, ...]]) -> "_OwnKeys":
        own = cls()
        for _, kind, numbers, target, referred, _, repeated in rows:
            if kind == "f" and not repeated:
                own.foreign.append((numbers, target, referred))
            if kind in "pu":
                own.unique.append(set(numbers))
                if len(numbers) > 1:
                    own.composite.append((kind, numbers))
                elif kind == "p" or numbers[0] not in own.single:
                    own.single[numbers[0]] = "PRIMARY_KEY" if kind == "p" else "UNIQUE"
        return own

    def is_unique(self, numbers: list[int]) -> bool:
        """Whether at most one row here refers to any row there."""
        return any(each <= set(numbers) for each in self.unique)


def _type(name: str, body: Json, base: str, kind: str) -> Iterator[Difference]:
    """Compare type, element, length, precision and scale; `base` is format_type, domains undone."""
    told = body.get("dataType")
    if told == "UNKNOWN":
        yield "column type", f"{name}: UNKNOWN for {base!r}"
    plain, numbers = _taken_apart(base.removesuffix("[]"))
    if base.endswith("[]"):
        yield from _same("column type", name, told, "ARRAY")
        if wanted := DATA_TYPES.get(plain):
            yield from _same("array's element", name, body.get("arrayDataType"), wanted)
        return
    if kind == "e":
        yield from _same("column type", name, told, "ENUM")
        return
    if (wanted := DATA_TYPES.get(plain)) is None:
        return  # only that it is known, above
    yield from _same("column type", name, told, wanted)
    if wanted in ("VARCHAR", "CHAR"):
        # OpenMetadata refuses these without a length.
        yield from _same("column length", name, body.get("dataLength"), (*numbers, 1)[0])
    elif wanted == "NUMERIC":
        found = [body.get("precision"), body.get("scale")]
        yield from _same("column precision and scale", name, found, numbers or [None, None])
    else:
        found = [body.get(each) for each in ("dataLength", "precision", "scale")]
        yield from _same("column length, precision, scale", name, found, [1, None, None])


def _taken_apart(text: str) -> tuple[str, list[int]]:
    """`timestamp(3) without time zone` -> `timestamp without time zone`, [3]."""
    found = re.search(r"\(([\d,-]+)\)", text)
    if found is None:
        return text, []
    plain = (text[: found.start()] + text[found.end() :]).strip()
    return plain, [int(each) for each in found[1].split(",")]


def _interval(strategy: str, kind: str) -> str:
    if strategy == "LIST":
        return "COLUMN-VALUE"
    if strategy == "RANGE" and kind in DATED:
        return "TIME-UNIT"
    if strategy == "RANGE" and kind in WHOLE:
        return "INTEGER-RANGE"
    return "OTHER"


def _all_there(
    kind: str, told: Mapping[str, object], expected: Mapping[str, object]
) -> Iterator[Difference]:
    for name in expected.keys() - told.keys():
        yield kind, f"{name} did not arrive"
    for name in told.keys() - expected.keys():
        yield kind, f"{name} arrived, and is not in the database"


def _same(kind: str, name: str, told: object, expected: object) -> Iterator[Difference]:
    if told != expected:
        yield kind, f"{name}: {told!r}, expected {expected!r}"


def _flat(text: str) -> str:
    return " ".join(text.split())


def encode(name: str) -> str:
    """A name as OpenMetadata takes it."""
    if not name:
        return " "
    for raw, code in RESERVED.items():
        name = name.replace(raw, code)
    return name


def part(name: str) -> str:
    """One part of an FQN."""
    spelled = encode(name)
    return f'"{spelled}"' if "." in spelled else spelled


def fqn(*names: str) -> str:
    """An FQN of raw names."""
    return ".".join(part(each) for each in names)
