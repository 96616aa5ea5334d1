"""All that is wrong is said at once, each with file, line, column, key and the next move."""

import pytest

from rayingest.config import ConfigErrors, load
from rayingest.core import registry

SLIPS = """\
source:
  type: postgres
  serviceName: 5
  serviceConnection:
    config:
      type: postgres
      username: reader
      hostport: db:5432
      database: shop
      authType:
        pasword: x
  sourceConfig:
    config:
      type: DatabaseMetadata
      threads: many
      includeTables: perhaps
      markDeletedDashboards: true
      tableFilterPattern:
        includes: ["(", ok, 7]
        exclude: []
sink:
  type: memory
workflowConfig:
  loggerLevel: info
  successThreshold: 101
  distributedExecution:
    retryPolicy: {maxAttempts: 0}
    adress: auto
surprise: 1
"""


def test_all_problems_come_at_once_with_exact_positions(complain):
    assert [each.split("\n")[0] for each in complain(SLIPS)] == [
        "config.yaml:3:16: source.serviceName: expected text, found a number. Put it in quotes",
        (
            "config.yaml:6:13: source.serviceConnection.config.type: expected 'Postgres',"
            " found 'postgres'. Did you mean 'Postgres'?"
        ),
        (
            "config.yaml:8:7: source.serviceConnection.config.hostport: unknown key."
            " Did you mean 'hostPort'?"
        ),
        (
            "config.yaml:11:9: source.serviceConnection.config.authType.pasword: unknown key."
            " Did you mean 'password'?"
        ),
        "config.yaml:15:16: source.sourceConfig.config.threads: expected a whole number, found text",
        (
            "config.yaml:16:22: source.sourceConfig.config.includeTables: expected true or false,"
            " found text"
        ),
        (
            "config.yaml:17:7: source.sourceConfig.config.markDeletedDashboards: unknown key here;"
            " it belongs to the workflow DashboardMetadata"
        ),
        (
            "config.yaml:19:20: source.sourceConfig.config.tableFilterPattern.includes.0: '(' is not a"
            " regular expression: missing ), unterminated subpattern at position 0"
        ),
        (
            "config.yaml:19:29: source.sourceConfig.config.tableFilterPattern.includes.2: expected text,"
            " found a number. Put it in quotes"
        ),
        (
            "config.yaml:20:9: source.sourceConfig.config.tableFilterPattern.exclude: unknown key."
            " Did you mean 'excludes'?"
        ),
        (
            "config.yaml:24:16: workflowConfig.loggerLevel: expected 'DEBUG', 'INFO', 'WARN' or 'ERROR',"
            " found 'info'. Did you mean 'INFO'?"
        ),
        (
            "config.yaml:25:21: workflowConfig.successThreshold: the value should be less than or equal"
            " to 100"
        ),
        (
            "config.yaml:27:32: workflowConfig.distributedExecution.retryPolicy.maxAttempts: the value"
            " should be greater than or equal to 1"
        ),
        (
            "config.yaml:28:5: workflowConfig.distributedExecution.adress: unknown key."
            " Did you mean 'address'?"
        ),
        "config.yaml:29:1: surprise: unknown key.",
    ]


def test_a_union_says_which_form_was_understood_and_which_there_are(complain, short):
    wrong = short.replace("database: shop}", "database: shop, authType: {awsConfig: {region: x}}}")
    first, *_ = complain(wrong)
    assert "authType.awsConfig.region: unknown key. Did you mean 'awsRegion'?" in first
    assert (
        "authType was understood as IamAuth; it may be {password} | {awsConfig} | {azureConfig}."
        in first
    )


@pytest.mark.parametrize("value", ["5", "text", "[a]"])
def test_a_union_that_is_no_mapping_says_so(complain, short, value):
    (line,) = complain(short.replace("database: shop}", f"database: shop, authType: {value}}}"))
    assert "authType: expected a mapping (key: value)" in line


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "type: postgres",
            "type: postgress",
            "There is no connector 'postgress'. Did you mean 'postgres'?",
        ),
        ("type: postgres", "type: postgres-usage", "usage is not read yet"),
        ("type: postgres", "type: postgres-lineage", "'DatabaseMetadata' is no workflow of"),
        ("type: DatabaseMetadata", "type: DatabaseLineage", "Write source.type: postgres-lineage."),
        ("type: postgres", "type: looker-lineage", "looker: lineage is not read."),
        ("type: DatabaseMetadata", "type: Profiler", "the workflow 'Profiler' is not run yet"),
        ("type: DatabaseMetadata", "type: DatabseMetadata", "Did you mean 'DatabaseMetadata'?"),
        ("type: DatabaseMetadata", "type: [x]", "config.type: expected the name of a workflow"),
        ("{type: memory}", "{type: [x]}", "sink.type: expected text, found a list"),
        ("hostPort: db:5432", "hostPort: http://db", "expected host:port, without a scheme"),
        ("  serviceName: shop\n", "", "config.yaml:1:1: source.serviceName: is missing"),
        ("serviceName: shop", "serviceName:", "expected text, found nothing"),
        ("serviceName: shop", "serviceName: ''", "at least 1 character"),
        ("serviceName: shop", "serviceName: 2024-01-01", "expected text, found a date"),
        (
            "config: {type: DatabaseMetadata}",
            "config: []",
            "expected a mapping (key: value), found a list",
        ),
    ],
)
def test_a_slip_is_met_with_the_next_move(complain, short, before, after, said):
    assert said in "\n".join(complain(short.replace(before, after)))


def test_a_typo_in_a_required_key_is_said_once(complain, short):
    (line,) = complain(short.replace("hostPort", "hostport"))
    assert "Did you mean 'hostPort'?" in line


def test_an_invalid_part_hides_no_problem_of_another(complain, short):
    text = short.replace("type: postgres", "type: postgress").replace("type: memory", "type: memry")
    assert [each.split(": ")[1] for each in complain(text)] == ["source.type", "sink.type"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1, 2", "config.yaml:1:9: YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n\tb: 2\n", "config.yaml:2:1: YAML: a tab\n    YAML is indented with spaces."),
        ("a: b: c\n", "config.yaml:1:5: YAML: mapping values are not allowed here"),
        ("a: *b\n", "config.yaml:1:4: YAML: there is no anchor of this name"),
        ("a: !x 1\n", "config.yaml:1:4: a: is not what its YAML tag or its looks say"),
        ("a: !x {}\n", "config.yaml:1:4: a: has a YAML tag that means nothing here"),
        ("a: &a [*a]\n", "config.yaml:1:4: a.0: refers to itself"),
        ("a: 2024-99-99\n", "config.yaml:1:4: a: is not what its YAML tag or its looks say"),
        ("on: 1\n", "config.yaml:1:1: a key that is not text; put it in quotes"),
        ("a: 1\na: 2\n", "config.yaml:2:1: a: the key stands here twice, first in line 1"),
        ("a: 1\n---\nb: 2\n", "config.yaml:2:1: YAML: but found another document"),
        ("- a\n", "config.yaml:1:1: expected keys such as source: and sink:"),
        ("a: \x01\n", "config.yaml:1:4: YAML: a character that is not allowed"),
    ],
)
def test_text_that_is_no_yaml_has_a_position(complain, text, said):
    assert said in "\n".join(complain(text))


def test_text_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "latin.yaml"
    path.write_bytes("a: 1\nb: é\n".encode("latin-1"))
    with pytest.raises(ConfigErrors, match=r"latin.yaml:2:1: is not UTF-8 text"):
        load(path)


def test_a_merge_key_fills_what_the_mapping_does_not_say(written, short):
    text = short.replace(
        "    config: {username: reader, hostPort: db:5432, database: shop}\n",
        "    config:\n      username: me\n      <<: &base {username: x, hostPort: h:1, database: d}\n",
    )
    connection = written.load(text).connection
    assert (connection.username, connection.hostPort) == ("me", "h:1")


def test_a_connector_of_another_family_wants_its_workflow_named(complain, short, monkeypatch):
    class Dashboards:
        family = "pipeline"
        connection = registry.load("postgres").connection

    monkeypatch.setattr(registry, "load", lambda _: Dashboards)
    (line,) = complain(short.replace("{type: DatabaseMetadata}", "{}"))
    assert "source.sourceConfig.config.type: expected the name of a workflow" in line
