"""What kind of table an engine makes: https://clickhouse.com/docs/engines/table-engines."""

from rayingest.model import TableType

VIEWS = ("View", "MaterializedView", "LiveView", "WindowView")
_KEPT = {"MaterializedView", "WindowView"}
# Tables of another database; what `Distributed` shows lies in this one's own cluster.
FOREIGN = {
    *("MySQL", "MaterializedMySQL", "PostgreSQL", "MaterializedPostgreSQL", "SQLite", "MongoDB"),
    *("Redis", "ODBC", "JDBC", "YTsaurus", "BigQuery", "ExternalDistributed", "Hive"),
    *("Remote", "RemoteSecure"),
}
# Files, queues and programs: rows that lie, or come from, outside of any database.
EXTERNAL = {
    *("S3", "S3Queue", "GCS", "OSS", "COSN", "HDFS", "AzureBlobStorage", "AzureQueue"),
    *("URL", "File", "FileLog", "Kafka", "RabbitMQ", "NATS", "Executable", "ExecutablePool"),
    *("Hudi", "DeltaLake", "DeltaLakeS3", "DeltaLakeAzure", "DeltaLakeLocal", "ArrowStream"),
    *("Paimon", "PaimonS3", "PaimonAzure", "PaimonHDFS", "PaimonLocal"),
    "Dictionary",
}


def table_type(engine: str, *, partitioned: bool = False) -> TableType:
    """OpenMetadata's word for a table of this engine."""
    if engine in VIEWS:
        return TableType.MATERIALIZED_VIEW if engine in _KEPT else TableType.VIEW
    if engine.startswith("Iceberg"):
        return TableType.ICEBERG
    if engine in FOREIGN:
        return TableType.FOREIGN
    if engine in EXTERNAL:
        return TableType.EXTERNAL
    return TableType.PARTITIONED if partitioned else TableType.REGULAR
