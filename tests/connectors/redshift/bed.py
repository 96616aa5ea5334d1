"""The story on PostgreSQL behind Redshift's names, judged by AWS's own client (test_judge.py)."""

from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest

from rayingest.core.source import Capability, Grade
from rayingest.testing import postgres

from ..beds import Bed, story

COMPILED = {
    Capability.PARTITIONS: "only external tables have any, and no client of AWS's tells them: "
    "the statement is held against documented columns (test_redshift.py)",
}
JUDGE, LENT = "judge", "IAM:reader"
HERE = Path(__file__).parent
SHIM = (HERE / "shim.sql").read_text("utf-8")
MORE = [each for each in (HERE / "more.sql").read_text("utf-8").split(";\n") if each.strip()]


@contextmanager
def serving():
    """A PostgreSQL whose catalogue may be changed, and where some need not sign in.

    redshift_connector takes the end of PostgreSQL's list of mechanisms for one more of them; and the
    passwords that moto lends are its own affair.
    """
    with postgres.server(allow_system_table_mods="on") as server:
        rules = server.directory / "data" / "pg_hba.conf"
        trusted = f'host all {JUDGE},"{LENT}" 127.0.0.1/32 trust\n'
        rules.write_text(trusted + rules.read_text())
        with server.connect() as connection:
            connection.execute(f'create role {JUDGE} superuser login; create role "{LENT}" login')
            connection.execute("select pg_reload_conf()")
        assert any(_admitted(server) for _ in range(1000))
        yield server


def _admitted(server):
    from psycopg import OperationalError

    try:
        server.connect(user=JUDGE).close()
    except OperationalError:  # the file was not read yet
        return False
    return True


def create(server, database, *statements):
    """A database with Redshift's names in its catalogue."""
    server.create(database)
    with server.connect(database) as connection:
        connection.execute(SHIM)
        for each in statements:
            connection.execute(each)


def config(server, database, **changes):
    more = {"type": "Redshift", "sslMode": "disable"}
    return server.config(database, **{**more, **changes})


@contextmanager
def bed(folder):
    pytest.importorskip("redshift_connector")
    with serving() as server:
        create(server, "story", *story("redshift"))
        with server.connect("story") as connection:
            number = connection.execute("show server_version").fetchone()[0]
        named = f"PostgreSQL {number} behind Redshift's names, judged by redshift_connector"
        yield Bed(
            config(server, "story"),
            f"{named} {version('redshift_connector')}",
            Grade.CONTRACT,
            COMPILED,
        )
