"""Hive's tables, wherever they are described: by HiveServer2, its metastore's database, Impala, Spark or Glue."""
