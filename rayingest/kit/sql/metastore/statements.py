"""What is asked of the metastore: the same tables since Hive 0.14, but for catalogues (3.0) and keys (2.1).

https://github.com/apache/hive, standalone-metastore/metastore-server/src/main/sql
"""

LISTING = """
select d."NAME", t."TBL_ID", t."TBL_NAME", t."TBL_TYPE"
  from {s}."DBS" d left join {s}."TBLS" t on t."DB_ID" = d."DB_ID" and {kinds}
 where {hive} and {schema}
 order by d."NAME", t."TBL_NAME" """
VIEWS = """t."TBL_TYPE" in ('VIRTUAL_VIEW', 'MATERIALIZED_VIEW')"""
TABLES_ALONE = """coalesce(t."TBL_TYPE", '') not in ('VIRTUAL_VIEW', 'MATERIALIZED_VIEW')"""

SCHEMAS = """
select d."NAME", d."DESC" from {s}."DBS" d where {hive} and d."NAME" in ({marks})"""

TABLES = """
select t."TBL_ID", t."TBL_TYPE", t."OWNER", t."VIEW_EXPANDED_TEXT", t."VIEW_ORIGINAL_TEXT", s."LOCATION"
  from {s}."TBLS" t left join {s}."SDS" s on s."SD_ID" = t."SD_ID"
 where t."TBL_ID" in ({marks})"""

COLUMNS = """
select t."TBL_ID", c."COLUMN_NAME", c."TYPE_NAME", c."COMMENT"
  from {s}."TBLS" t
  join {s}."SDS" s on s."SD_ID" = t."SD_ID"
  join {s}."COLUMNS_V2" c on c."CD_ID" = s."CD_ID"
 where t."TBL_ID" in ({marks})
 order by t."TBL_ID", c."INTEGER_IDX" """

PARTITIONS = """
select p."TBL_ID", p."PKEY_NAME", p."PKEY_TYPE", p."PKEY_COMMENT"
  from {s}."PARTITION_KEYS" p
 where p."TBL_ID" in ({marks})
 order by p."TBL_ID", p."INTEGER_IDX" """

PARAMETERS = """
select p."TBL_ID", p."PARAM_KEY", p."PARAM_VALUE"
  from {s}."TABLE_PARAMS" p
 where p."TBL_ID" in ({marks})
   and (p."PARAM_KEY" in ('comment', 'table_type', 'classification', 'spark.sql.sources.provider')
        or substring(p."PARAM_KEY", 1, 24) = 'spark.sql.sources.schema')"""

LAYOUT = """
select t."TBL_ID", 0, b."BUCKET_COL_NAME", b."INTEGER_IDX"
  from {s}."TBLS" t join {s}."BUCKETING_COLS" b on b."SD_ID" = t."SD_ID"
 where t."TBL_ID" in ({marks})
union all
select t."TBL_ID", 1, o."COLUMN_NAME", o."INTEGER_IDX"
  from {s}."TBLS" t join {s}."SORT_COLS" o on o."SD_ID" = t."SD_ID"
 where t."TBL_ID" in ({marks})
 order by 1, 2, 4"""

# A foreign key belongs to its child; of all others the table is the parent. A column without a CD_ID is one
# that the table is partitioned by.
KEYS = """
select k."CONSTRAINT_TYPE", k."CONSTRAINT_NAME", k."CHILD_TBL_ID", k."PARENT_TBL_ID",
       coalesce(cc."COLUMN_NAME", cp."PKEY_NAME"),
       d."NAME", t."TBL_NAME", coalesce(pc."COLUMN_NAME", pp."PKEY_NAME")
  from {s}."KEY_CONSTRAINTS" k
  join {s}."TBLS" t on t."TBL_ID" = k."PARENT_TBL_ID"
  join {s}."DBS" d on d."DB_ID" = t."DB_ID"
  left join {s}."COLUMNS_V2" cc
    on cc."CD_ID" = k."CHILD_CD_ID" and cc."INTEGER_IDX" = k."CHILD_INTEGER_IDX"
  left join {s}."PARTITION_KEYS" cp
    on cp."TBL_ID" = k."CHILD_TBL_ID" and cp."INTEGER_IDX" = k."CHILD_INTEGER_IDX"
  left join {s}."COLUMNS_V2" pc
    on pc."CD_ID" = k."PARENT_CD_ID" and pc."INTEGER_IDX" = k."PARENT_INTEGER_IDX"
  left join {s}."PARTITION_KEYS" pp
    on pp."TBL_ID" = k."PARENT_TBL_ID" and pp."INTEGER_IDX" = k."PARENT_INTEGER_IDX"
 where (k."CONSTRAINT_TYPE" = 1 and k."CHILD_TBL_ID" in ({marks}))
    or (k."CONSTRAINT_TYPE" in (0, 2, 3) and k."PARENT_TBL_ID" in ({marks}))
 order by k."CONSTRAINT_NAME", k."POSITION" """
ALL = (LISTING, SCHEMAS, TABLES, COLUMNS, PARTITIONS, PARAMETERS, LAYOUT, KEYS)
