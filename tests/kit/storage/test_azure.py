"""Who Azure is asked as: the config's principal, or what the environment has for this account and no other."""

import pytest

from rayingest.config.connection import AzureCredentials
from rayingest.errors import ConfigError
from rayingest.kit.storage.azure import CONNECTION, service

from ...connectors.aws import needed

PRINCIPAL = {"clientId": "i", "clientSecret": "canary", "tenantId": "t"}
KEY = "Y2FuYXJ5LWtleQ=="
SAS = "sv=2024-11-04&sig=canary"


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    needed("azure.storage.blob")
    for name in ("CONNECTION_STRING", "ACCOUNT_NAME", "ACCOUNT_KEY", "SAS_TOKEN"):
        monkeypatch.delenv(f"AZURE_STORAGE_{name}", raising=False)


def told(**given):
    """The address and how one signs in there."""
    found = service(AzureCredentials.model_validate({"accountName": "acc", **given}), 10)
    credential = found.credential
    return found.url.partition("?")[0].rstrip("/"), type(credential).__name__, credential


def test_a_service_principal_is_who_it_is():
    url, kind, credential = told(**PRINCIPAL)
    assert (url, kind) == ("https://acc.blob.core.windows.net", "ClientSecretCredential")
    assert credential._client_id == "i"


def test_a_principal_goes_before_keys_but_not_before_addresses(monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    monkeypatch.setenv(CONNECTION, f"AccountName=acc;AccountKey={KEY};EndpointSuffix=core.usgov.x")
    assert told(**PRINCIPAL)[:2] == ("https://acc.blob.core.usgov.x", "ClientSecretCredential")


def test_nothing_is_the_identity_of_the_environment():
    assert told()[1] == "DefaultAzureCredential"


def test_half_a_principal_is_refused():
    for wrong in ({"clientSecret": "canary"}, {"clientId": "i", "tenantId": "t"}):
        with pytest.raises(ConfigError, match="some of") as caught:
            told(**wrong)
        assert "canary" not in str(caught.value)
    with pytest.raises(ConfigError, match="accountName"):
        told(accountName=None)


def test_a_key_and_a_signature_of_the_environment(monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", f"?{SAS}")
    _, kind, credential = told()
    assert (kind, credential.signature) == ("AzureSasCredential", SAS)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    _, kind, credential = told()
    assert (kind, credential.account_key) == ("SharedKeyCredentialPolicy", KEY)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "other")
    assert told()[1] == "DefaultAzureCredential"


@pytest.mark.parametrize(
    ("text", "url", "kind"),
    [
        (f"AccountName=acc;AccountKey={KEY}", "https://acc.blob.core.windows.net", "SharedKey"),
        (f"AccountName=accounts;AccountKey={KEY}", "https://acc.blob.core.windows.net", "Default"),
        (f"BlobEndpoint=http://h:1/acc;SharedAccessSignature={SAS}", "http://h:1/acc", "AzureSas"),
        (
            f"BlobEndpoint=https://acc.b.c/;SharedAccessSignature={SAS}",
            "https://acc.b.c",
            "AzureSas",
        ),
        (
            f"BlobEndpoint=https://ac.b.c;SharedAccessSignature={SAS}",
            "https://acc.blob.core.windows.net",
            "Default",
        ),
        ("AccountName=acc;BlobEndpoint=https://h:1/acc", "https://h:1/acc", "Default"),
    ],
)
def test_a_connection_string_is_for_its_own_account(monkeypatch, text, url, kind):
    monkeypatch.setenv(CONNECTION, text)
    there, name, _ = told()
    assert there == url
    assert name.startswith(kind)


def test_an_address_of_a_connection_string_and_a_key_beside_it(monkeypatch):
    monkeypatch.setenv(CONNECTION, "AccountName=acc;BlobEndpoint=http://h:1/acc")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    assert told()[:2] == ("http://h:1/acc", "SharedKeyCredentialPolicy")


def test_a_connection_string_that_is_none_is_not_quoted(monkeypatch):
    for text in ("canary", "AccountName=acc;canary"):
        monkeypatch.setenv(CONNECTION, text)
        with pytest.raises(ConfigError, match=CONNECTION) as caught:
            told()
        assert "canary" not in str(caught.value)


def test_an_identity_goes_nowhere_without_encryption(monkeypatch):
    monkeypatch.setenv(CONNECTION, "AccountName=acc;BlobEndpoint=http://h:1/acc")
    with pytest.raises(ConfigError, match="HTTPS") as caught:
        told()
    assert CONNECTION in caught.value.hint
