"""The story in DynamoDB: books are found by their id and title, the rest is in the items."""

from contextlib import contextmanager

from rayingest.core.source import Grade

from ..aws import server_name, serving
from ..beds import Bed
from .story import tell


@contextmanager
def bed(folder):
    with serving() as aws:
        tell(aws.client("dynamodb"))
        yield Bed({"type": "DynamoDB", "awsConfig": aws.config()}, server_name(), Grade.EMULATED)
