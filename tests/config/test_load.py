"""OpenMetadata's YAML is read as it is, and becomes what the rest of rayingest works with."""

import io
import pickle
import sys

import pytest
from pydantic import SecretStr

from rayingest.config import ConfigErrors, ExecutionMode, load
from rayingest.core.filters import Pattern
from rayingest.model import EntityType

EVERYTHING = """\
source:
  type: Postgres
  serviceName: shop
  serviceConnection:
    config:
      type: Postgres
      scheme: postgresql+psycopg2
      username: reader
      password: older-spelling
      hostPort: "[::1]:5433"
      database: shop
      ingestAllDatabases: true
      sslMode: verify-ca
      sslConfig: {caCertificate: /etc/ca.pem, sslCertificate: /etc/c.pem, sslKey: /etc/k.pem}
      connectionOptions: {application_name: x}
      connectionArguments: {keepalives: 1}
      schemaFilterPattern: {includes: [], excludes: [^information_schema$]}
      supportsMetadataExtraction: true
      supportsDatabase: true
      sampleDataStorageConfig: {config: {bucketName: b}}
  sourceConfig:
    config:
      type: DatabaseMetadata
      markDeletedTables: true
      markDeletedStoredProcedures: false
      markDeletedSchemas: true
      markDeletedDatabases: false
      includeTables: true
      includeViews: false
      includeTags: true
      includeStoredProcedures: false
      includeOwners: true
      includeCustomProperties: true
      ownerConfig: {default: team, table: {a.b: [c, d]}, enableInheritance: true}
      includeDDL: true
      overrideMetadata: true
      queryLogDuration: 2
      queryParsingTimeoutLimit: 10
      useFqnForFiltering: true
      databaseFilterPattern: {includes: [a]}
      schemaFilterPattern: {includes: [b]}
      tableFilterPattern: {includes: [c], excludes: [d]}
      storedProcedureFilterPattern: {excludes: [e]}
      threads: 4
      incremental: {enabled: true, lookbackDays: 7, safetyMarginDays: 1}
      extractJsonSchema: true
      jsonSchemaSampleSize: 10
processor: {type: x, config: {}}
stage: {type: x, config: {filename: /tmp/x}}
bulkSink: {type: x, config: {}}
sink:
  type: metadata-rest
  config: {api_endpoint: x, bulk_sink_batch_size: 50, enable_async_pipeline: true,
           async_pipeline_workers: 2, override_metadata: true}
workflowConfig:
  loggerLevel: DEBUG
  raiseOnError: false
  successThreshold: 95
  config: {a: b}
  openMetadataServerConfig:
    type: OpenMetadata
    clusterName: openmetadata
    hostPort: https://om.example/api/
    authProvider: custom-oidc
    verifySSL: validate
    sslConfig: {caCertificate: /etc/ca.pem}
    securityConfig: {clientId: me, secretKey: s, tokenEndpoint: https://id.example/token}
    secretsManagerProvider: db
    secretsManagerLoader: noop
    apiVersion: v1
    includeTopics: true
    limitRecords: 1000
    enableVersionValidation: false
    forceEntityOverwriting: true
    storeServiceConnection: false
    elasticsSearch: {type: x}
    tableFilterPattern: {}
    supportsDataInsightExtraction: true
    extraHeaders: {X-Team: data}
ingestionPipelineFQN: shop.metadata
pipelineRunId: 6f0d2c6e-0000-4000-8000-000000000000
enableStreamableLogs: false
ingestionRunnerName: runner
"""


def test_the_documented_postgres_yaml_is_read_unchanged(written, documented):
    config = written.load(documented)
    assert (config.connector, config.service) == ("postgres", "local_postgres")
    assert config.connection.authType.password.get_secret_value() == "<password>"
    assert config.connection.hostPort == "localhost:5432"
    assert config.options.schemaFilterPattern.excludes == ["^information_schema$"]
    assert config.sink.type == "metadata-rest"
    assert config.server.hostPort == "http://localhost:8585/api"
    assert config.server.securityConfig.jwtToken == SecretStr("{bot_jwt_token}")
    assert (config.success_threshold, config.logger_level, config.raise_on_error) == (
        90,
        "INFO",
        True,
    )
    assert config.execution.mode is ExecutionMode.SEQUENTIAL
    assert config.warnings == ()


def test_every_key_of_openmetadata_is_accepted_and_what_is_not_used_is_named_once(written):
    config = written.load(EVERYTHING)
    assert config.connection.password == SecretStr("older-spelling")
    assert config.server.hostPort == "https://om.example/api"
    assert config.ingestion_pipeline_fqn == "shop.metadata"
    assert config.pipeline_run_id.startswith("6f0d2c6e")
    assert config.sink.config["bulk_sink_batch_size"] == 50
    unused, whole = config.warnings
    assert whole.startswith("sourceConfig.config.incremental: everything is read in every run: ")
    for key in (
        "processor",
        "stage",
        "bulkSink",
        "source.serviceConnection.config.schemaFilterPattern",
        "source.serviceConnection.config.supportsDatabase",
        "source.sourceConfig.config.queryLogDuration",
        "sink.config.enable_async_pipeline",
        "workflowConfig.openMetadataServerConfig.clusterName",
    ):
        assert unused.count(f" {key},") + unused.count(f" {key}.") == 1
    assert "serviceName" not in unused
    assert "includeDDL" not in unused


def test_settings_are_what_a_connector_is_opened_with(written, documented):
    settings = written.load(documented).settings
    assert settings.service == "local_postgres"
    assert settings.call_timeout == 300
    assert settings.filters.patterns[EntityType.TABLE] == Pattern(
        "tableFilterPattern", ("users", "type_test"), ()
    )
    assert not settings.filters.keeps(EntityType.DATABASE_SCHEMA, "information_schema", "x")


def test_the_sink_is_the_server_unless_the_config_says_otherwise(written, documented):
    without = documented.replace("sink:\n  type: metadata-rest\n  config: {}\n", "")
    assert written.load(without).sink.type == "metadata-rest"


@pytest.mark.parametrize(
    ("sink", "config"),
    [
        ("{type: file, config: {path: out}}", {"path": "out"}),
        ("{type: file, config: {filename: out}}", {"path": "out"}),
        ("{type: sql}", {}),
        ("{type: sql, config: {url: 'sqlite:///x.db'}}", {"url": "sqlite:///x.db"}),
        ("{type: memory}", {"name": "default"}),
    ],
)
def test_other_sinks_need_no_server(written, short, sink, config):
    loaded = written.load(short.replace("{type: memory}", sink))
    assert loaded.sink.config == config
    assert loaded.server is None


@pytest.mark.parametrize(
    ("sink", "why"),
    [
        ("{type: file}", "sink.config: the sink 'file' needs its config"),
        ("{type: file, config: {path: 's3://x'}}", "expected a local folder"),
        ("{type: sql, config: {url: 'postgresql://x'}}", "only SQLite can be written to yet"),
        ("{type: metadata-rest}", "workflowConfig.openMetadataServerConfig: is missing"),
        ("{type: fil}", "there is no sink 'fil'. Did you mean 'file'?"),
    ],
)
def test_a_sink_that_cannot_work_is_refused(complain, short, sink, why):
    assert why in "\n".join(complain(short.replace("{type: memory}", sink)))


def test_a_connection_that_is_absent_is_completed_by_the_server(written, documented):
    start, end = documented.index("  serviceConnection"), documented.index("  sourceConfig")
    config = written.load(documented[:start] + documented[end:])
    assert config.connection is None
    stored = {"type": "Postgres", "username": "u", "hostPort": "h:1", "database": "d"}
    assert config.with_connection(stored).connection.hostPort == "h:1"
    with pytest.raises(ConfigErrors, match=r"on the server: username: is missing"):
        config.with_connection({"hostPort": "h:1", "database": "d"})


def test_without_connection_and_server_there_is_nobody_to_ask(complain, short):
    start, end = short.index("  serviceConnection"), short.index("  sourceConfig")
    assert complain(short[:start] + short[end:]) == [
        (
            "config.yaml:1:1: source.serviceConnection: is missing\n"
            "    Write it down, or name the server that knows it: openMetadataServerConfig."
        )
    ]


def test_standard_input_is_a_source(monkeypatch, short):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(short.encode())))
    assert load("-", environ={}).name == "stdin"


def test_a_missing_file_is_a_config_error(tmp_path):
    with pytest.raises(ConfigErrors, match="there is no such file"):
        load(tmp_path / "config.yaml")
    with pytest.raises(ConfigErrors, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_an_empty_file_lacks_everything(complain):
    assert complain("# nothing\n") == ["config.yaml: source: is missing"]


def test_a_config_travels_to_a_worker_and_the_workers_environment_wins(written, short):
    text = short.replace("username: reader", "username: '${WHO}', password: '${PW:-none}'")
    environ = {"WHO": "driver", "PW": "hunter2", "UNRELATED": "x"}
    config = written.load(text, environ=environ, flags={"engine": "ray", "parallelism": 7})
    assert config.variables == {"WHO": "driver", "PW": "hunter2"}
    bundle = pickle.loads(pickle.dumps(config.bundle()))
    assert bundle["tree"]["source"]["serviceConnection"]["config"]["username"] == "${WHO}"
    there = type(config).from_bundle(bundle, {"WHO": "worker"})
    assert there.connection.username == "worker"
    assert there.connection.password.get_secret_value() == "hunter2"
    assert there.execution == config.execution
    assert type(config).from_bundle(bundle, {}) == config


def test_a_connection_read_from_the_server_travels_too(written, documented):
    start, end = documented.index("  serviceConnection"), documented.index("  sourceConfig")
    config = written.load(documented[:start] + documented[end:])
    config = config.with_connection({"username": "u", "hostPort": "h:1", "database": "d"})
    assert type(config).from_bundle(config.bundle(), {}).connection == config.connection


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("database: shop}", "database: shop, password: other}", True),
        ("type: DatabaseMetadata", "type: DatabaseMetadata, threads: 8", True),
        ("type: DatabaseMetadata", "type: DatabaseMetadata, markDeletedTables: false", False),
        ("type: DatabaseMetadata", "includeViews: true", True),
        ("type: DatabaseMetadata", "type: DatabaseMetadata, includeDDL: true", False),
        ("database: shop", "database: other", False),
        ("serviceName: shop", "serviceName: other", False),
    ],
)
def test_the_fingerprint_follows_what_is_written_and_no_secret(written, short, before, after, same):
    one, two = written.load(short), written.load(short.replace(before, after))
    assert (one.fingerprint() == two.fingerprint()) is same
