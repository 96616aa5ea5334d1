"""Configs as users write them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from rayingest.config import Config, ConfigErrors, Problem, load

# The example of OpenMetadata's documentation, comments and all.
DOCUMENTED = """\
source:
  type: postgres
  serviceName: local_postgres
  serviceConnection:
    config:
      type: Postgres
      username: username
      authType:
        password: <password>
      # For IAM based auth
      # authType:
      #   awsConfig:
      #     awsAccessKeyId: access key id
      hostPort: localhost:5432
      database: database
      # sslConfig:
      #   caCertificate: /path/to/ca_certificate
      # connectionOptions:
      #   key: value
  sourceConfig:
    config:
      type: DatabaseMetadata
      markDeletedTables: true
      markDeletedStoredProcedures: true
      includeTables: true
      includeViews: true
      # includeTags: true
      # includeOwners: false
      databaseFilterPattern:
        includes:
          - database1
          - database2
      schemaFilterPattern:
        excludes:
          - ^information_schema$
      tableFilterPattern:
        includes:
          - users
          - type_test
sink:
  type: metadata-rest
  config: {}
workflowConfig:
  loggerLevel: INFO  # DEBUG, INFO, WARNING or ERROR
  openMetadataServerConfig:
    hostPort: "http://localhost:8585/api"
    authProvider: openmetadata
    securityConfig:
      jwtToken: "{bot_jwt_token}"
    storeServiceConnection: true
"""

SHORT = """\
source:
  type: postgres
  serviceName: shop
  serviceConnection:
    config: {username: reader, hostPort: db:5432, database: shop}
  sourceConfig:
    config: {type: DatabaseMetadata}
sink: {type: memory}
"""


class Written:
    """A folder with configs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, text: str, name: str = "config.yaml") -> Path:
        path = self.folder / name
        path.write_text(dedent(text), "utf-8")
        return path

    def load(self, text: str, **options: object) -> Config:
        environ: Mapping[str, str] = options.pop("environ", {})  # type: ignore[assignment]
        return load(self.file(text), environ=environ, **options)  # type: ignore[arg-type]

    def problems(self, text: str, **options: object) -> tuple[Problem, ...]:
        with pytest.raises(ConfigErrors) as caught:
            self.load(text, **options)
        return caught.value.problems


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


@pytest.fixture
def complain(written: Written) -> Callable[..., list[str]]:
    """Lines that a config earns, without the folder."""

    def lines(text: str, **options: object) -> list[str]:
        found = written.problems(text, **options)
        return [str(each).replace(f"{written.folder}/", "") for each in found]

    return lines


@pytest.fixture
def documented() -> str:
    return DOCUMENTED


@pytest.fixture
def short() -> str:
    return SHORT
