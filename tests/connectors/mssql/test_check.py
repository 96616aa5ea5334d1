"""`check` tells of each capability, with the grant that is missing."""

import pytest

from rayingest.connectors.database import mssql
from rayingest.kit.sql.mssql.check import encryption

from .written import Database


def checked(probe, **changes):
    return list(probe.connector.check(probe.settings(**changes)))


def test_check_tells_of_each_capability(plain):
    lines = checked(plain, ingestAllDatabases=True)
    connect, *rest = lines
    assert "SQL Server 17" in connect.why
    assert {each.capability for each in rest} == {
        each.value for each in mssql.CONNECTOR.capabilities
    }
    # pysqlbridge lets nobody see all definitions.
    (warned,) = [each for each in rest if each.status != "ok"]
    assert (warned.capability, warned.grant) == ("tables", "GRANT VIEW DEFINITION TO [dbo];")


def test_check_tells_of_closed_databases_hidden_texts_and_what_is_denied(server, database, probe):
    database.thing("p", kind="P")
    database.table("v", {"id": "int"}, kind="V")
    made = probe(database, ingestAllDatabases=True)
    state = "case when name = 'pysqlbridge' then 6 else 0 end"
    server.behave(
        where="sys.extended_properties",
        number=229,
        message="The SELECT permission was denied",
        instead={
            "select name, state\n": f"select name, {state}\n",
            "(state <> 0 or has_dbaccess(name) = 0)": "1 = 1",
        },
    )
    lines = checked(made)
    told = [(each.capability, each.status, each.why) for each in lines if each.status != "ok"]
    assert ("comments", "denied", "The SELECT permission was denied (error 229)") in told
    assert ("views", "warning", "the text of 1 is hidden or encrypted") in told
    assert ("procedures", "warning", "the text of 1 is hidden or encrypted") in told
    assert ("databases", "warning", "pysqlbridge is not online: it is left out") in told
    no_access = f"no access to database {made.config['database']}: it is left out"
    assert ("databases", "warning", no_access) in told


def test_a_grant_can_be_run_whatever_the_names_are(server, plain):
    made = Database(server, "a]b").write()
    server.behave(instead={"select name, state\n": f"select '{made.name}', 0\n",
                           "(state <> 0 or has_dbaccess(name) = 0)": "name = 'pysqlbridge'",
                           "user_name()": "'c]d'"})  # fmt: skip
    lines = checked(plain, ingestAllDatabases=True)
    grants = {each.grant for each in lines if each.status != "ok"}
    assert grants == {
        "USE [a]]b]; CREATE USER … FOR LOGIN …;",
        "GRANT VIEW DEFINITION TO [c]]d];",
    }


def test_check_says_when_nobody_verified_the_server(plain):
    def warned(**changes):
        config = {"sslConfig": None, **changes}
        settings = plain.settings(**config)
        return [each.why for each in encryption(settings)]

    assert warned() == []  # this machine
    (why,) = warned(hostPort="sql.example.com")
    assert why == (
        "of the connection to sql.example.com the sign-in alone is encrypted, and nobody "
        "verified who sql.example.com is"
    )
    assert warned(hostPort="sql.example.com", encrypt=True) == []
    (why,) = warned(hostPort="sql.example.com", encrypt=True, trustServerCertificate=True)
    assert why == "nobody verified who sql.example.com is"


@pytest.mark.parametrize(
    ("where", "capability"),
    [("has_perms_by_name", "tables"), ("sys.databases", "databases"), ("group by o.type", "views")],
)
def test_check_goes_on_behind_what_is_refused(plain, server, where, capability):
    server.behave(where=where, number=229, message="denied")
    lines = checked(plain, ingestAllDatabases=True)
    assert [(each.capability, each.status) for each in lines if each.status == "denied"] == [
        (capability, "denied")
    ]
    assert len(lines) > 9
