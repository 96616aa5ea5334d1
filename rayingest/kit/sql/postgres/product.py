"""Who speaks PostgreSQL's protocol: what differs until a session is open."""

from typing import NamedTuple


class Product(NamedTuple):
    """One of them; `refused` is what to look at when it does not accept a user."""

    name: str
    extra: str
    port: int
    refused: str


POSTGRES = Product(
    "PostgreSQL",
    "postgres",
    5432,
    "Check username, authType and pg_hba.conf on the server.",
)
