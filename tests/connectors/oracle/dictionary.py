"""Oracle's data dictionary as its Database Reference documents it, 19c: DuckDB answers, by sqlglot.

Nothing of Oracle's can be had here, so the statements are the connector's own and the session too; what
stands in is the driver's connection. Each view has the documented columns and no others, so that a column
that is not there is an error (…/refrn/ALL_TAB_COLS.html and its like below
https://docs.oracle.com/en/database/oracle/oracle-database/19/refrn/). What Oracle forbids and DuckDB
does not is asked of each statement: where LONG may stand, how long lists and names may be.
"""

import re
import threading
from itertools import count

import sqlglot
from sqlglot import exp

# Views that DBA_ and ALL_ have alike, and with which columns.
VIEWS = {
    "all_tables": "owner table_name tablespace_name cluster_name iot_name status num_rows partitioned"
    " iot_type object_id_type table_type_owner table_type temporary secondary nested duration",
    "views": "owner view_name text_length text text_vc type_text oid_text view_type_owner view_type"
    " superview_name editioning_view read_only container_data bequeath origin_con_id",
    "mviews": "owner mview_name container_name query query_len updatable master_link rewrite_enabled"
    " refresh_mode refresh_method build_mode compile_state default_collation",
    "objects": "owner object_name subobject_name object_id data_object_id object_type created"
    " last_ddl_time timestamp status temporary generated secondary namespace edition_name sharing"
    " editionable oracle_maintained application default_collation",
    "source": "owner name type line text origin_con_id",
    "tab_cols": "owner table_name column_name data_type data_type_mod data_type_owner data_length"
    " data_precision data_scale nullable column_id default_length data_default num_distinct low_value"
    " high_value density num_nulls num_buckets last_analyzed sample_size character_set_name"
    " char_col_decl_length global_stats user_stats avg_col_len char_length char_used v80_fmt_image"
    " data_upgraded hidden_column virtual_column segment_column_id internal_column_id histogram"
    " qualified_col_name user_generated default_on_null identity_column evaluation_edition"
    " unusable_before unusable_beginning collation collated_column_id",
    "tab_comments": "owner table_name table_type comments origin_con_id",
    "col_comments": "owner table_name column_name comments origin_con_id",
    "mview_comments": "owner mview_name comments",
    "constraints": "owner constraint_name constraint_type table_name search_condition"
    " search_condition_vc r_owner r_constraint_name delete_rule status deferrable deferred validated"
    " generated bad rely last_change index_owner index_name invalid view_related origin_con_id",
    "cons_columns": "owner constraint_name table_name column_name position",
    "external_tables": "owner table_name type_owner type_name default_directory_owner"
    " default_directory_name reject_limit access_type access_parameters property",
    "part_tables": "owner table_name partitioning_type subpartitioning_type partition_count"
    " def_subpartition_count partitioning_key_count subpartitioning_key_count status"
    " ref_ptn_constraint_name interval autolist interval_subpartition is_nested",
    "part_key_columns": "owner name object_type column_name column_position collated_column_id",
    "subpart_key_columns": "owner name object_type column_name column_position collated_column_id",
    "type_attrs": "owner type_name attr_name attr_type_mod attr_type_owner attr_type_name length"
    " precision scale character_set_name attr_no inherited char_used",
    "coll_types": "owner type_name coll_type upper_bound elem_type_mod elem_type_owner elem_type_name"
    " length precision scale character_set_name elem_storage nulls_stored char_used",
    "users": "username user_id created common oracle_maintained inherited default_collation implicit",
}
# What DBA_ leaves out, says its documentation.
NOT_IN_DBA = {"type_attrs": {"char_used"}, "coll_types": {"char_used"}}
LONG = {"text", "query", "data_default", "search_condition"}
NUMBERS = {
    *(
        "data_length",
        "data_precision",
        "data_scale",
        "column_id",
        "char_length",
        "position",
        "line",
    ),
    *("internal_column_id", "column_position", "attr_no", "length", "precision", "scale"),
}
# The column that says what a right is to; a type or an owner is known to everybody.
NAMED = ("table_name", "view_name", "mview_name", "object_name", "name")
AT_MOST = 1000  # ORA-01795
USERENV = """case b when 'SESSION_USER' then 'RAYINGEST' when 'CON_NAME' then getvariable('container')
 else 'tcp' end"""
MACROS = (
    "nvl(a, b) as coalesce(a, b)",
    f"sys_context(a, b) as {USERENV}",
    """get_ddl(kind, name, owner) as 'CREATE TABLE "' || owner || '"."' || name || '" (…)'""",
)


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
                **_part("attr", kind),
            )

    def collection(self, owner, name, kind):
        self.add("coll_types", owner=owner, type_name=name, **_part("elem", kind))

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
        self._judge(tree)
        self.engine.execute("set variable container = ?", [self.container])
        used = {each.name for each in tree.find_all(exp.Placeholder)}
        assert used == set(parameters)
        return self.engine.execute(translated(tree), parameters or None)

    def _judge(self, tree):
        """What Oracle would say of a statement, and DuckDB does not."""
        import oracledb

        for table in tree.find_all(exp.Table):
            if table.name.lower().startswith("dba_") and not self.catalogue_role:
                raise oracledb.DatabaseError("ORA-00942: table or view does not exist")
        for each in self.ddl_denied:
            if "get_ddl" in tree.sql().lower() and any(
                each in p.values() for _, p in self.said[-1:]
            ):
                raise oracledb.DatabaseError(f"ORA-31603: object {each} of type TABLE not found")
        assert not list(misplaced_longs(tree))
        for each in tree.find_all(exp.In):
            pairs = [e for e in each.expressions if isinstance(e, exp.Tuple)]
            assert len(each.expressions) <= AT_MOST or len(pairs) == len(each.expressions)


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
        return [row for _, row in zip(range(self.arraysize), self._rows)]  # noqa: B905

    def close(self):
        pass


def translated(tree):
    """A statement of Oracle's as DuckDB has it."""

    def changed(node):
        if isinstance(node, exp.Column) and node.name.lower() == "rownum":
            return exp.Literal.number(
                1
            )  # `rownum = 1` is asked of views alone, where one row is enough
        return node

    text = tree.transform(changed).sql("duckdb")
    text = re.sub(r"dbms_metadata\.get_ddl", "get_ddl", text, flags=re.IGNORECASE)
    return re.sub(r":(\w+)", r"$\1", text)


def misplaced_longs(tree):
    """LONG columns in a union, a condition, an order, a join or below another select."""
    for column in tree.find_all(exp.Column):
        table = next((t for t in tree.find_all(exp.Table) if t.alias == column.table), None)
        view = table.name.lower().partition("_")[2] if table else ""
        is_long = column.name.lower() in LONG and (view, column.name.lower()) != ("source", "text")
        if is_long and (not isinstance(column.parent, exp.Select) or column.parent is not tree):
            yield column


def typed(kind):
    """What TAB_COLS says of a column of a type: `VARCHAR2(80 CHAR)`, `NUMBER(8,2)`, `("HR", "ADDRESS")`."""
    if isinstance(kind, tuple):
        return {"data_type_owner": kind[0], "data_type": kind[1], "data_length": 1}
    name, _, inside = kind.partition("(")
    inside = inside.rstrip(")")
    if name in {"VARCHAR2", "CHAR", "NVARCHAR2", "NCHAR"}:
        size, _, unit = inside.partition(" ")
        national = name.startswith("N")
        wide = 4 if unit == "CHAR" else 2 if national else 1
        return {
            "data_type": name,
            "data_length": int(size) * wide,
            "char_length": int(size),
            "char_used": "C" if unit == "CHAR" or national else "B",
        }
    if name == "INTEGER":
        return {"data_type": "NUMBER", "data_length": 22, "data_scale": 0}
    if name in {"NUMBER", "FLOAT"}:
        digits, _, after = inside.partition(",")
        scale = int(after or 0) if digits and name == "NUMBER" else None
        precision = int(digits) if digits else 126 if name == "FLOAT" else None
        return {
            "data_type": name,
            "data_length": 22,
            "data_precision": precision,
            "data_scale": scale,
        }
    if name == "RAW":
        return {"data_type": "RAW", "data_length": int(inside)}
    return {"data_type": kind, "data_length": 7}


def _part(prefix, kind):
    """What TYPE_ATTRS and COLL_TYPES say of a type."""
    said = typed(kind)
    return {
        f"{prefix}_type_name": said["data_type"],
        f"{prefix}_type_owner": said.get("data_type_owner"),
        "length": said.get("char_length"),
        "precision": said.get("data_precision"),
        "scale": said.get("data_scale"),
    }
