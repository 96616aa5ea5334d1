"""The views of information_schema as each vendor documents them, and what each refuses.

Doris: https://doris.apache.org/docs/admin-manual/system-tables/information_schema/ and its
SWITCH, SHOW CATALOGS; StarRocks: https://docs.starrocks.io/docs/sql-reference/information_schema/;
SingleStore: https://docs.singlestore.com/cloud/reference/information-schema-reference/; TiDB:
https://docs.pingcap.com/tidb/stable/information-schema. The last two say that they have MySQL's views
(https://dev.mysql.com/doc/refman/5.7/en/information-schema.html).
"""

from dataclasses import dataclass

NUMBERS = {"ordinal_position", "partition_ordinal_position", "subpartition_ordinal_position"}
MYSQL = {
    "schemata": "catalog_name schema_name default_character_set_name default_collation_name sql_path",
    "tables": "table_catalog table_schema table_name table_type engine version row_format table_rows"
    " avg_row_length data_length max_data_length index_length data_free auto_increment create_time"
    " update_time check_time table_collation checksum create_options table_comment",
    "columns": "table_catalog table_schema table_name column_name ordinal_position column_default"
    " is_nullable data_type character_maximum_length character_octet_length numeric_precision"
    " numeric_scale datetime_precision character_set_name collation_name column_type column_key extra"
    " privileges column_comment",
    "views": "table_catalog table_schema table_name view_definition check_option is_updatable definer"
    " security_type character_set_client collation_connection",
    "key_column_usage": "constraint_catalog constraint_schema constraint_name table_catalog table_schema"
    " table_name column_name ordinal_position position_in_unique_constraint referenced_table_schema"
    " referenced_table_name referenced_column_name",
    "partitions": "table_catalog table_schema table_name partition_name subpartition_name"
    " partition_ordinal_position subpartition_ordinal_position partition_method subpartition_method"
    " partition_expression subpartition_expression partition_description",
}
ROUTINES = {
    "routines": "specific_name routine_catalog routine_schema routine_name routine_type data_type"
    " dtd_identifier routine_body routine_definition external_name external_language parameter_style"
    " is_deterministic sql_data_access sql_path security_type created last_altered sql_mode"
    " routine_comment definer",
    "parameters": "specific_catalog specific_schema specific_name ordinal_position parameter_mode"
    " parameter_name data_type dtd_identifier routine_type",
}
STARROCKS = {
    "tables_config": "table_schema table_name table_engine table_model primary_key partition_key"
    " distribute_key distribute_type distribute_bucket sort_key properties table_id",
    "materialized_views": "materialized_view_id table_schema table_name refresh_type is_active"
    " inactive_reason partition_type task_id task_name table_rows materialized_view_definition",
}


@dataclass(frozen=True)
class Documented:
    """What one of them has: views, session variables, SHOW CATALOGS and how a catalog is entered."""

    version: str
    views: dict[str, str]
    variables: set[str]
    catalogs: tuple[tuple[str, ...], ...] = ()
    enters: str = ""
    by_bytes: bool = False
    hidden: tuple[str, ...] = ()


PRODUCTS = {
    "doris": Documented(
        "5.7.99",
        MYSQL,
        {"sql_mode", "net_write_timeout", "query_timeout"},
        (
            ("0", "internal", "internal", "yes"),
            ("1", "lake", "iceberg", ""),
            ("2", "hive", "hms", ""),
        ),
        "switch internal",
        by_bytes=True,
        hidden=("information_schema", "mysql", "__internal_schema"),
    ),
    "starrocks": Documented(
        "8.0.33",
        MYSQL | STARROCKS,
        {"sql_mode", "net_write_timeout", "query_timeout"},
        (("default_catalog", "Internal", "its own"),),
        "set catalog default_catalog",
        by_bytes=True,
        hidden=("information_schema", "_statistics_", "sys"),
    ),
    "singlestore": Documented(
        "5.7.32",
        MYSQL | ROUTINES,
        {"sql_mode"},
        hidden=("information_schema", "memsql", "cluster"),
    ),
    "tidb": Documented(
        "8.0.11-TiDB-v8.5.0",
        MYSQL | ROUTINES,
        {"sql_mode", "max_execution_time"},
        hidden=("INFORMATION_SCHEMA", "METRICS_SCHEMA", "PERFORMANCE_SCHEMA", "mysql", "sys"),
    ),
}
