"""The story in MongoDB: what SQL declares, validators do; a view is a pipeline."""

AUTHORS = [{"_id": 1, "name": "Ada"}]
BOOKS = [{"_id": 1, "title": "Notes", "author_id": 1, "isbn": "978", "price": 9.5}]
ALL_BOOKS = {
    "bsonType": "object",
    "description": "All books",
    "required": ["title", "author_id"],
    "properties": {
        "_id": {"bsonType": "int"},
        "title": {"bsonType": "string", "description": "As printed"},
        "author_id": {"bsonType": "int"},
        "isbn": {"bsonType": "string"},
        "price": {"bsonType": ["double", "null"]},
    },
}
CHEAP = [{"$match": {"price": {"$lt": 10}}}, {"$project": {"title": 1}}]
ISBN = {"key": {"isbn": 1}, "name": "isbn", "unique": True}


def tell(server):
    server.tell(
        "library",
        {"insert": "author", "documents": AUTHORS},
        {"create": "book", "validator": {"$jsonSchema": ALL_BOOKS}},
        {"insert": "book", "documents": BOOKS},
        {"createIndexes": "book", "indexes": [ISBN]},
        {"create": "cheap_book", "viewOn": "book", "pipeline": CHEAP},
    )
