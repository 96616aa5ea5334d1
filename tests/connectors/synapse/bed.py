"""The story in pysqlbridge, asked as Synapse: there is no emulator of its own."""

from functools import partial

from ..mssql.bed import on_pysqlbridge

bed = partial(on_pysqlbridge, "Synapse")
