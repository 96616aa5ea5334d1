"""No secret reaches a message, a repr, or the redacted config."""

import json
import traceback

import pytest

from rayingest.config import ConfigErrors, load

CANARY = "hunter2-canary"

SECRETIVE = f"""\
source:
  type: postgres
  serviceName: shop
  serviceConnection:
    config:
      username: reader
      hostPort: db
      database: shop
      authType: {{password: {CANARY}}}
      password: {CANARY}
      sslConfig: {{sslKey: "-----BEGIN {CANARY}", caCertificate: {CANARY}}}
      connectionOptions: {{anything: {CANARY}}}
      connectionArguments: {{deep: {{er: [{CANARY}]}}}}
      sampleDataStorageConfig: {{config: {{storageConfig: {{awsSecretAccessKey: {CANARY}}}}}}}
  sourceConfig:
    config: {{}}
sink: {{type: metadata-rest}}
workflowConfig:
  openMetadataServerConfig:
    hostPort: http://om/api
    securityConfig: {{jwtToken: {CANARY}}}
    extraHeaders: {{Authorization: Bearer {CANARY}}}
"""
PLACES = SECRETIVE.count(CANARY)


def test_a_config_that_is_shown_shows_no_secret(written):
    config = written.load(SECRETIVE)
    assert SECRETIVE.count(CANARY) == str(config.bundle()).count(CANARY)
    shown = [repr(config), str(config), repr(config.settings), repr(config.server), config.warnings]
    assert CANARY not in str(shown)
    assert CANARY not in json.dumps(config.redacted())
    assert CANARY not in json.dumps(config.relevant())
    assert (
        config.redacted()["workflowConfig"]["openMetadataServerConfig"]["hostPort"]
        == "http://om/api"
    )


def test_references_stay_readable_and_their_defaults_do_not(written, short):
    text = short.replace("database: shop", "database: shop, password: '${PW}'")
    assert "${PW}" in str(written.load(text, environ={"PW": CANARY}).redacted())
    text = short.replace("database: shop", f"database: shop, password: '${{PW:-{CANARY}}}'")
    assert "${PW:-***}" in str(written.load(text).redacted())


def test_a_password_in_a_url_is_no_exception(written, short):
    text = short.replace("shop}", f"'postgres://me:{CANARY}@h/d'}}")
    assert CANARY not in str(written.load(text).redacted())


def nth(text, number, change):
    """Change one occurrence of the canary."""
    parts = text.split(CANARY)
    return CANARY.join(parts[: number + 1]) + change + CANARY.join(parts[number + 1 :])


@pytest.mark.parametrize("number", range(PLACES))
@pytest.mark.parametrize(
    "change",
    [
        f"[{CANARY}]",
        f"{{{CANARY}: {CANARY}}}",
        f"'{CANARY}",
        f"*{CANARY}",
        f"!{CANARY} x",
        f"${{{CANARY}",
    ],
)
def test_whatever_is_wrong_with_a_secret_it_is_not_quoted(tmp_path, number, change):
    path = tmp_path / "config.yaml"
    path.write_text(nth(SECRETIVE, number, change).replace("hostPort: db", "hostPort: http://x"))
    with pytest.raises(ConfigErrors) as caught:
        load(path, environ={})
    for problem in caught.value.problems:
        assert CANARY not in problem.message + (problem.hint or "")
    chained = "".join(traceback.format_exception(caught.value))
    shown_path = chained.count(f".{CANARY}:")  # a key that is unknown is named
    assert chained.count(CANARY) == shown_path


KEYS = [
    "type: memory",
    "type: postgres",
    "serviceName: shop",
    "hostPort: db:5432",
    "type: DatabaseMetadata",
]


@pytest.mark.parametrize("place", KEYS)
def test_a_variable_at_the_wrong_place_is_not_quoted(written, short, place):
    key = place.partition(":")[0]
    environ = {"SECRET": f"http://{CANARY}("}
    text = short.replace(place, f"{key}: '${{SECRET}}'").replace("db:5432", "-")
    text += "workflowConfig: {loggerLevel: '${SECRET}'}\n"
    with pytest.raises(ConfigErrors) as caught:
        written.load(text, environ=environ)
    assert CANARY not in str(caught.value)


def test_a_secret_that_a_connector_quotes_is_taken_out(written, short, monkeypatch):
    from dataclasses import replace
    from typing import Annotated

    from pydantic import AfterValidator

    from rayingest.config.connection import SqlCommon
    from rayingest.core import registry

    def quoting(text: str) -> str:
        raise ValueError(f"I do not like {text}")

    class Careless(SqlCommon):
        password: Annotated[str, AfterValidator(quoting)]

    careless = replace(registry.load("postgres"), connection=Careless)
    monkeypatch.setattr(registry, "load", lambda _: careless)
    text = short.replace(
        "{username: reader, hostPort: db:5432, database: shop}", f"{{password: {CANARY}}}"
    )
    with pytest.raises(ConfigErrors, match=r"I do not like \*\*\*"):
        written.load(text)
