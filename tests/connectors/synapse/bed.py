"""The story in pysqlbridge, which says that it is a dedicated pool; that alone makes it none.

There is no emulator of Synapse: what is shown is that its statements are answered, so all is `compiled`.
"""

from functools import partial

from rayingest.core.source import Grade
from rayingest.kit.sql.mssql.session import SYNAPSE

from ..mssql.bed import on_pysqlbridge
from ..mssql.story import EDITION

bed = partial(on_pysqlbridge, "Synapse", grade=Grade.COMPILED, instead={EDITION: str(SYNAPSE)})
