"""The story in pysqlbridge, asked as Azure SQL, which is the same engine: there is no other emulator."""

from functools import partial

from ..mssql.bed import on_pysqlbridge

bed = partial(on_pysqlbridge, "AzureSQL")
