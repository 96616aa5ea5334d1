"""Who signs in, by what, and what is said when that fails."""

import pytest

from rayingest.connectors.database import azuresql, mssql, synapse
from rayingest.errors import ConfigError, Unauthorised, Unreachable
from rayingest.kit.sql.mssql.sign_in import credentials
from rayingest.testing.servers.pysqlbridge import DOMAIN, USER

WRONG = "canary-bad"


def opened(probe, **changes):
    with probe.open(**changes) as source:
        return source.calls


def test_a_wrong_password(plain):
    with pytest.raises(Unauthorised, match=r"does not accept user 'ada'.*18456") as caught:
        opened(plain, password=WRONG)
    assert WRONG not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


def test_a_database_that_is_missing(plain):
    """The server says so, and then that the sign-in failed: the password was right."""
    with pytest.raises(Unreachable, match=r"has no database 'nope'.*4060") as caught:
        opened(plain, database="nope")
    assert "CREATE USER" in caught.value.hint


@pytest.mark.parametrize("changes", [{}, {"sslConfig": None}])
def test_accounts_of_windows(plain, changes):
    """By NTLM within Negotiate, which the server's side of pyspnego answers."""
    assert opened(plain, username=f"{DOMAIN}\\{USER}", **changes) == 2


def test_an_account_of_windows_with_a_wrong_password(plain):
    with pytest.raises((Unauthorised, Unreachable)) as caught:
        opened(plain, username=f"{DOMAIN}\\{USER}", password=WRONG)
    assert WRONG not in str(caught.value)


def test_an_account_of_windows_has_a_password():
    with pytest.raises(ConfigError, match="needs a password"):
        credentials(mssql.MssqlConnection(database="d", username="CORP\\ada"), "sql01")


def test_without_a_ticket_of_kerberos_nobody_signs_in(plain):
    with pytest.raises(Unauthorised, match="SQL Server at"):
        opened(plain, username=None, password=None)


@pytest.mark.filterwarnings("ignore:UsernamePasswordCredential")
def test_entra_that_does_not_answer_is_named(monkeypatch):
    pytest.importorskip("azure.identity")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    config = azuresql.AzureSqlConnection(
        hostPort="h",
        database="d",
        username="ada@example.com",
        password=WRONG,
        authenticationMode={"authentication": "ActiveDirectoryPassword"},
    )
    with pytest.raises(Unreachable, match="Entra ID does not answer") as caught:
        credentials(config, "h")
    assert WRONG not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"clientSecret": "s"}, "clientId, clientSecret and tenantId"),
        (
            {"authenticationMode": {"authentication": "ActiveDirectoryServicePrincipal"}},
            "clientId, clientSecret and tenantId",
        ),
        (
            {"authenticationMode": {"authentication": "ActiveDirectoryPassword"}},
            "needs username and password",
        ),
    ],
)
def test_half_of_what_signs_in_by_entra_id(fields, text):
    config = synapse.SynapseConnection(hostPort="h", database="d", **fields)
    with pytest.raises(ConfigError, match=text):
        credentials(config, "h")
