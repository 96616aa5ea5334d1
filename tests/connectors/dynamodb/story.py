"""Tables of DynamoDB, and the story in them."""


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
