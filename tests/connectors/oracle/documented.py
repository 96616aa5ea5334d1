"""Oracle's data dictionary as its Database Reference documents it, 19c, and what Oracle says of a statement.

Each view has the documented columns and no others: ALL_TAB_COLS.html and its like are below
https://docs.oracle.com/en/database/oracle/oracle-database/19/refrn/. What Oracle forbids and DuckDB does
not is asked of each statement: where LONG may stand, how long lists may be.
"""

import re

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


def judge(tree):
    """Raise AssertionError for what Oracle would refuse."""
    assert not list(misplaced_longs(tree))
    for each in tree.find_all(exp.In):
        pairs = [e for e in each.expressions if isinstance(e, exp.Tuple)]
        assert len(each.expressions) <= AT_MOST or len(pairs) == len(each.expressions)


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


def part(prefix, kind):
    """What TYPE_ATTRS and COLL_TYPES say of a type."""
    said = typed(kind)
    return {
        f"{prefix}_type_name": said["data_type"],
        f"{prefix}_type_owner": said.get("data_type_owner"),
        "length": said.get("char_length"),
        "precision": said.get("data_precision"),
        "scale": said.get("data_scale"),
    }
