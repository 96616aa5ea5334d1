"""What the connectors of Hive and Impala have in common: types, and how many tables are asked for at once."""

from rayingest.core.source import Batching
from rayingest.kit.sql import spec
from rayingest.model import EntityType

TYPES = tuple(each for each in spec.TYPES if each is not EntityType.STORED_PROCEDURE)
CHILDREN = {each: spec.PARENTS[each] for each in (EntityType.DATABASE_SCHEMA, EntityType.TABLE)}
# Where each table is a statement, a chunk of few is work enough; it grows where many are one.
BATCHING = dict.fromkeys(CHILDREN, Batching(min=10, max=500))
