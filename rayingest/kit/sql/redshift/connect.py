"""From the config to an open connection: psycopg over the simple protocol, a password or IAM.

Redshift calls its encoding UNICODE, which psycopg 3 does not know; asked for UTF8 it answers so
(https://github.com/psycopg/psycopg/issues/122). There are no prepared statements, no pipelines and no
parameters on the server's side here: what goes over the line is what psycopg2 would send.
"""

from contextlib import suppress

from rayingest.core.source import Settings
from rayingest.kit.sql.postgres.connect import dial
from rayingest.kit.sql.postgres.product import Product
from rayingest.kit.sql.redshift.credentials import credentials
from rayingest.kit.sql.redshift.errors import classify
from rayingest.kit.sql.redshift.session import RedshiftSession

REDSHIFT = Product(
    "Redshift",
    "redshift",
    5439,
    "Check username and authType; the user must exist in Redshift, for IAM too.",
)


def connect(settings: Settings, database: str | None) -> RedshiftSession:
    """Open a session that writes names of tables with their schemas."""
    name = database or settings.connection.database
    user, password = credentials(settings, name)
    # libpq would ask for GSS encryption first, where this machine has a ticket.
    connection = dial(settings, REDSHIFT, name, user=user, password=password, gssencmode="disable")
    session = RedshiftSession(connection)
    try:
        # Whatever the user's own path is: view texts must not depend on it, and only pg_catalog is sure
        # to exist. https://docs.aws.amazon.com/redshift/latest/dg/r_search_path.html
        connection.execute("set search_path to pg_catalog")
        # https://docs.aws.amazon.com/redshift/latest/dg/r_statement_timeout.html
        connection.execute(f"set statement_timeout to {max(1, int(settings.call_timeout * 1000))}")
    except Exception as error:
        with suppress(Exception):
            session.close()
        raise classify(error) or error from error
    session.calls = 2
    return session
