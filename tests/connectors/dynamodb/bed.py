"""The story in DynamoDB: books are found by their id and title, the rest is in the items."""

from contextlib import contextmanager

from rayingest.core.source import Grade

from ..aws import server_name, serving
from ..beds import Bed


def make(client, name, hash_key, range_key=None, **more):
    """A table with these keys, as `name:type`."""
    keys = [each.split(":") for each in (hash_key, range_key) if each]
    kinds = dict(zip([each[0] for each in keys], ("HASH", "RANGE"), strict=False))
    definitions = [{"AttributeName": name, "AttributeType": kind} for name, kind in keys]
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": each, "KeyType": kind} for each, kind in kinds.items()],
        AttributeDefinitions=definitions + more.pop("definitions", []),
        **more,
    )


def tell(client):
    make(client, "author", "id:N")
    client.put_item(TableName="author", Item={"id": {"N": "1"}, "name": {"S": "Ada"}})
    make(client, "book", "id:N", "title:S")
    item = {"id": {"N": "1"}, "title": {"S": "Notes"}, "author_id": {"N": "1"}}
    client.put_item(TableName="book", Item={**item, "isbn": {"S": "978"}, "price": {"N": "9.5"}})


@contextmanager
def bed(folder):
    with serving() as aws:
        tell(aws.client("dynamodb"))
        yield Bed({"type": "DynamoDB", "awsConfig": aws.config()}, server_name(), Grade.EMULATED)
