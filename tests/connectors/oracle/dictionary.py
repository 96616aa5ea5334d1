"""A data dictionary that is filled as Oracle fills it, and asked as the driver is: DuckDB answers, by sqlglot.

Nothing of Oracle's can be had here, so the statements are the connector's own and the session too; what
stands in is the driver's connection.
"""

import threading
from itertools import count, islice

import sqlglot
from sqlglot import exp

from .documented import MACROS, NAMED, NOT_IN_DBA, NUMBERS, VIEWS, judge, part, translated, typed


class Dictionary:
    """The dictionary of one pluggable database, and what one account sees of it.

    `granted` are the (owner, name) that it has a right to; `catalogue_role` opens the DBA_ views.
    """

    def __init__(self, duckdb, *, catalogue_role=True):
        self.engine = duckdb.connect(config={"threads": 1})
        self.catalogue_role = catalogue_role
        self.said = []
        self.container = "FREEPDB1"
        self.ddl_denied = set()
        self.interrupt = None  # an error instead of the next answers
        self.cancelled = threading.Event()
        self._ids = count(1)
        made = ["create table granted (owner varchar, name varchar)"]
        for view, columns in VIEWS.items():
            names = columns.split()
            typed = ", ".join(f'"{e}" {"bigint" if e in NUMBERS else "varchar"}' for e in names)
            made.append(f"create table of_{view} ({typed})")
            dba = ", ".join(f'"{e}"' for e in names if e not in NOT_IN_DBA.get(view, ()))
            made.append(f"create view dba_{view} as select {dba} from of_{view}")  # noqa: S608
            named = next((each for each in NAMED if each in names), None)
            where = f" where (owner, {named}) in (from granted)" if named else ""
            made.append(f"create view all_{view} as select * from of_{view}{where}")  # noqa: S608
        made += [f"create macro {each}" for each in MACROS]
        made += ["create table dual (dummy varchar)", "insert into dual values ('X')"]
        self.engine.execute(";\n".join(made))

    # --- filled as Oracle fills it ---

    def add(self, view, **values):
        names = ", ".join(f'"{each}"' for each in values)
        marks = ", ".join("?" for _ in values)
        text = f"insert into of_{view} ({names}) values ({marks})"  # noqa: S608 - our own names
        self.engine.execute(text, list(values.values()))

    def user(self, name, *, oracles=False):
        self.add("users", username=name, oracle_maintained="Y" if oracles else "N")

    def grant(self, owner, *names):
        for each in names:
            self.engine.execute("insert into granted values (?, ?)", [owner, each])

    def table(self, owner, name, *columns, comment=None, **more):
        """A table; each column is what `column` takes, after owner and table."""
        said = {"partitioned": "NO", "temporary": "N", "secondary": "N", "nested": "NO", **more}
        self.add("all_tables", owner=owner, table_name=name, **said)
        self._object(owner, name, "TABLE")
        self.add("tab_comments", owner=owner, table_name=name, table_type="TABLE", comments=comment)
        self.columns(owner, name, *columns)

    def view(self, owner, name, query, *columns, comment=None):
        self.add("views", owner=owner, view_name=name, text=query, text_vc=query[:4000])
        self._object(owner, name, "VIEW")
        self.add("tab_comments", owner=owner, table_name=name, table_type="VIEW", comments=comment)
        self.columns(owner, name, *columns)

    def snapshot(self, owner, name, query, *columns, comment=None, **more):
        """A materialized view has a table, with a comment of Oracle's own."""
        self.table(
            owner, name, *columns, comment=f"snapshot table for snapshot {owner}.{name}", **more
        )
        self.add("mviews", owner=owner, mview_name=name, container_name=name, query=query)
        self._object(owner, name, "MATERIALIZED VIEW")
        self.add("mview_comments", owner=owner, mview_name=name, comments=comment)

    def columns(self, owner, table, *columns):
        for place, (name, kind, *rest) in enumerate(columns, 1):
            self.column(owner, table, name, kind, place, **(rest[0] if rest else {}))

    def column(self, owner, table, name, kind, place, *, comment=None, **more):
        said = {
            "nullable": "Y",
            "column_id": place,
            "internal_column_id": place,
            "hidden_column": "NO",
            "virtual_column": "NO",
            "user_generated": "YES",
            **typed(kind),
            **more,
        }
        self.add("tab_cols", owner=owner, table_name=table, column_name=name, **said)
        if said["hidden_column"] == "NO":
            self.add(
                "col_comments", owner=owner, table_name=table, column_name=name, comments=comment
            )

    def key(self, owner, table, kind, *columns, name=None, refers=None):
        """A constraint; `refers` is the (owner, name) of the key of another table."""
        name = name or f"SYS_C00{next(self._ids)}"
        r_owner, r_name = refers or (None, None)
        self.add(
            "constraints",
            owner=owner,
            constraint_name=name,
            constraint_type=kind,
            table_name=table,
            r_owner=r_owner,
            r_constraint_name=r_name,
            status="ENABLED",
        )
        for place, each in enumerate(columns, 1):
            self.add(
                "cons_columns",
                owner=owner,
                constraint_name=name,
                table_name=table,
                column_name=each,
                position=place,
            )
        return owner, name

    def partition(self, owner, table, method, *columns, interval=None, sub=("NONE",)):
        self.add(
            "part_tables",
            owner=owner,
            table_name=table,
            partitioning_type=method,
            subpartitioning_type=sub[0],
            interval=interval,
        )
        for view, names in (("part", columns), ("subpart", sub[1:])):
            for place, each in enumerate(names, 1):
                self.add(
                    f"{view}_key_columns",
                    owner=owner,
                    name=table,
                    object_type="TABLE",
                    column_name=each,
                    column_position=place,
                )

    def routine(self, owner, name, kind, text):
        self._object(owner, name, kind)
        for line, each in enumerate(text.splitlines(keepends=True), 1):
            self.add("source", owner=owner, name=name, type=kind, line=line, text=each)

    def object_type(self, owner, name, *attributes):
        for place, (attribute, kind) in enumerate(attributes, 1):
            self.add(
                "type_attrs",
                owner=owner,
                type_name=name,
                attr_no=place,
                attr_name=attribute,
                **part("attr", kind),
            )

    def collection(self, owner, name, kind):
        self.add("coll_types", owner=owner, type_name=name, **part("elem", kind))

    def _object(self, owner, name, kind):
        self.add("objects", owner=owner, object_name=name, object_type=kind)

    # --- asked as the driver is ---

    def cursor(self):
        return Cursor(self)

    def cancel(self):
        import oracledb

        self.interrupt = oracledb.DatabaseError("ORA-01013: user requested cancel")
        self.cancelled.set()

    def close(self):
        pass

    def answer(self, text, parameters):
        if self.interrupt:
            raise self.interrupt
        self.said.append((text, dict(parameters)))
        if text.startswith("alter session"):
            return self.engine.execute("select 1 where false")
        tree = sqlglot.parse_one(text, dialect="oracle")
        self._refuse(tree)
        self.engine.execute("set variable container = ?", [self.container])
        used = {each.name for each in tree.find_all(exp.Placeholder)}
        assert used == set(parameters)
        return self.engine.execute(translated(tree), parameters or None)

    def _refuse(self, tree):
        """What Oracle would say of a statement for want of a right."""
        import oracledb

        for table in tree.find_all(exp.Table):
            if table.name.lower().startswith("dba_") and not self.catalogue_role:
                raise oracledb.DatabaseError("ORA-00942: table or view does not exist")
        for each in self.ddl_denied:
            if "get_ddl" in tree.sql().lower() and any(
                each in p.values() for _, p in self.said[-1:]
            ):
                raise oracledb.DatabaseError(f"ORA-31603: object {each} of type TABLE not found")
        judge(tree)


class Cursor:
    """As much of a cursor as the session uses."""

    def __init__(self, dictionary):
        self._dictionary = dictionary
        self.arraysize = self.prefetchrows = 0

    def execute(self, text, parameters=()):
        self._rows = iter(self._dictionary.answer(text, dict(parameters)).fetchall())

    def fetchmany(self):
        if self._dictionary.interrupt:
            raise self._dictionary.interrupt
        return list(islice(self._rows, self.arraysize))

    def close(self):
        pass
