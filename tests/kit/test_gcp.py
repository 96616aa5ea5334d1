"""Google's credentials: each kind that OpenMetadata writes, and what is told when they do not work."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydantic import TypeAdapter

from rayingest.config.gcp import GcpCredentials
from rayingest.config.shape import variants_at
from rayingest.connectors.database.bigquery import CONNECTOR, BigQueryConnection
from rayingest.errors import ConfigError, Unauthorised
from rayingest.kit import gcp
from rayingest.kit.sql.bigquery.connect import projects
from rayingest.testing.probe import Probe

SCHEMAS = "openmetadata/schemas/security/credentials"
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


@pytest.fixture(scope="module")
def pem():
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    from cryptography.hazmat.primitives import serialization as form

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()
    ).decode()


@pytest.fixture(autouse=True)
def needed():
    pytest.importorskip("google.auth")


def values(pem, **changes):
    return {
        "type": "service_account",
        "projectId": "p",
        "privateKey": pem,
        "clientEmail": "reader@p.iam.gserviceaccount.com",
        **changes,
    }


def model(config, **more):
    return GcpCredentials.model_validate({"gcpConfig": config, **more})


def keys(schema):
    return schema.get("properties", {}).keys()


def test_every_key_of_openmetadata_is_taken(contracts):
    folder = contracts / SCHEMAS
    whole = json.loads((folder / "gcpCredentials.json").read_text())
    definitions = whole["definitions"]
    expected = {
        "GcpValues": keys(json.loads((folder / "gcpValues.json").read_text())),
        "GcpExternalAccount": keys(json.loads((folder / "gcpExternalAccount.json").read_text())),
        "GcpPath": keys(definitions["gcpCredentialsPath"]),
        "GcpAdc": keys(definitions["gcpADC"]),
        "GcpImpersonation": keys(definitions["GCPImpersonateServiceAccountValues"]),
        "GcpCredentials": keys(whole),
    }
    from rayingest.config import gcp as models

    for name, wanted in expected.items():
        assert wanted == set(getattr(models, name).model_fields)
    connection = "openmetadata/schemas/entity/services/connections/database/bigQueryConnection.json"
    schema = json.loads((contracts / connection).read_text())
    assert keys(schema) <= BigQueryConnection.model_fields.keys()
    assert schema["required"] == ["credentials"]


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"type": "service_account", "privateKey": "x"}, "GcpValues"),
        ({"privateKey": "x", "clientEmail": "y"}, "GcpValues"),
        ({"path": "/x"}, "GcpPath"),
        ({"type": "gcp_credential_path", "path": "/x", "projectId": ["a", "b"]}, "GcpPath"),
        ({"type": "external_account", "audience": "x"}, "GcpExternalAccount"),
        ({"externalType": "external_account", "audience": "x"}, "GcpExternalAccount"),
        ({"type": "gcp_adc"}, "GcpAdc"),
        ({"type": "gcp_adc", "projectId": "p"}, "GcpAdc"),
    ],
)
def test_the_kind_is_what_was_written(config, kind):
    assert type(model(config).gcpConfig).__name__ == kind


def test_projects():
    assert model({"type": "gcp_adc", "projectId": ["a", "b", "a"]}).projects == ("a", "b")
    assert model({"type": "gcp_adc", "projectId": "a"}).projects == ("a",)
    assert model({"type": "gcp_adc"}).projects == ()


def test_a_key_in_the_config_with_line_ends_of_either_kind(pem):
    for text in (pem, pem.replace("\n", "\\n")):
        made, project = gcp.credentials(model(values(text)), SCOPES, "bigquery")
        assert (made.service_account_email, project) == ("reader@p.iam.gserviceaccount.com", "p")
        assert made.scopes == list(SCOPES)


def test_a_file(pem, tmp_path):
    path = tmp_path / "key.json"
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": "own",
                "private_key": pem,
                "client_email": "x@y",
                "token_uri": "https://oauth2.googleapis.com/token",
            }
        )
    )
    config = model({"path": str(path)})
    made, project = gcp.credentials(config, SCOPES, "bigquery")
    assert (made.service_account_email, project) == ("x@y", "own")
    assert projects(Probe(CONNECTOR, {"credentials": config}).settings()) == ("own",)


def test_another_account(pem):
    config = model(
        values(pem), gcpImpersonateServiceAccount={"impersonateServiceAccount": "other@p"}
    )
    made, _ = gcp.credentials(config, SCOPES, "bigquery")
    assert made.service_account_email == "other@p"
    alone = model(values(pem), gcpImpersonateServiceAccount={})
    assert gcp.credentials(alone, SCOPES, "bigquery")[0].service_account_email.startswith("reader@")


def test_federation(tmp_path):
    token = tmp_path / "token"
    config = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/b",
        "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
        "tokenURL": "https://sts.googleapis.com/v1/token",
        "credentialSource": {"file": str(token)},
    }
    made, _ = gcp.credentials(model(config), SCOPES, "bigquery")
    assert type(made).__module__ == "google.auth.identity_pool"


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (
            {"type": "service_account", "clientEmail": "x", "privateKey": "SECRET"},
            "no credentials can",
        ),
        ({"path": "/no/such/file"}, "cannot be read"),
        ({"type": "external_account"}, "no credentials can"),
    ],
)
def test_what_cannot_work_is_told_without_its_content(config, text):
    with pytest.raises(ConfigError, match=text) as raised:
        gcp.credentials(model(config), SCOPES, "bigquery")
    assert "SECRET" not in f"{raised.value} {raised.value.hint}"
    assert "SECRET" not in repr(model(config))


def test_a_file_of_another_kind(tmp_path):
    path = tmp_path / "x.json"
    for content, text in (("{}", "of type None"), ("[", "no credentials can"), ("[]", "of type")):
        path.write_text(content)
        with pytest.raises(ConfigError, match=text):
            gcp.credentials(model({"path": str(path)}), SCOPES, "bigquery")


def test_without_default_credentials(monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(Unauthorised, match="default credentials"):
        gcp.credentials(model({"type": "gcp_adc"}), SCOPES, "bigquery")


@pytest.fixture
def refuses():
    """A token endpoint that knows nobody, as Google's answers: RFC 6749, 5.2."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.dumps(
                {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            ).encode()
            self.send_response(400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/token"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_key_that_google_does_not_accept(pem, refuses):
    pytest.importorskip("google.cloud.bigquery")
    config = {"credentials": {"gcpConfig": values(pem, tokenUri=refuses)}}
    (told,) = CONNECTOR.check(Probe(CONNECTOR, config).settings())
    assert (told.capability, told.status) == ("connect", "failed")
    assert "does not accept the credentials" in told.why
    assert "Invalid JWT Signature" in told.why
    with pytest.raises(Unauthorised) as raised:
        Probe(CONNECTOR, config).listing(filters={})
    assert pem.splitlines()[1] not in f"{raised.value!r} {raised.value.hint}"


def test_a_sign_in_that_nobody_answers(pem):
    pytest.importorskip("google.cloud.bigquery")
    from rayingest.testing.processes import free_port

    uri = f"http://127.0.0.1:{free_port()}/token"
    config = {"credentials": {"gcpConfig": values(pem, tokenUri=uri)}}
    (told,) = CONNECTOR.check(Probe(CONNECTOR, config).settings())
    assert (told.capability, told.status) == ("connect", "failed")
    assert "refused" in told.why


def test_what_else_it_may_be_is_said_with_the_word_that_decides():
    found = variants_at(BigQueryConnection, ("credentials", "gcpConfig"))
    assert found["GcpAdc"] == ["type: gcp_adc"]
    assert len({each for (each,) in found.values()}) == 4


def test_the_schema_for_editors_has_all_kinds():
    text = json.dumps(TypeAdapter(BigQueryConnection).json_schema())
    for each in ("GcpValues", "GcpPath", "GcpExternalAccount", "GcpAdc"):
        assert each in text
