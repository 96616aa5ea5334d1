"""Amazon DynamoDB: tables with keys, and items of any shape."""
