"""Where a value comes from when several places say it, and what a run comes to."""

import json

import pytest

from rayingest.config import ConfigErrors, ExecutionMode, execution_table

BLOCK = "\nworkflowConfig:\n  distributedExecution: {enabled: true, parallelism: %s}\n"
VARIABLE = "RAYINGEST_DISTRIBUTED_EXECUTION"


def block(parallelism):
    return BLOCK % parallelism


@pytest.mark.parametrize(
    ("given", "parallelism"),
    [
        ({"beside"}, 10),
        ({"beside", "overlay"}, 20),
        ({"beside", "overlay", "config"}, 30),
        ({"beside", "overlay", "config", "environment"}, 40),
        ({"beside", "overlay", "config", "environment", "set"}, 50),
        ({"beside", "overlay", "config", "environment", "set", "flag"}, 60),
        ({"overlay", "environment"}, 40),
        ({"set", "beside"}, 50),
    ],
)
def test_the_strongest_place_wins(written, short, given, parallelism):
    written.file("enabled: true\nparallelism: 10\n" if "beside" in given else "", "rayingest.yaml")
    overlay = written.file(block(20), "overlay.yaml")
    sets = ["enabled=true", "parallelism=50"]
    config = written.load(
        short + (block(30) if "config" in given else ""),
        overlays=[overlay] if "overlay" in given else [],
        sets=[f"workflowConfig.distributedExecution.{each}" for each in sets if "set" in given],
        environ={VARIABLE: json.dumps({"parallelism": 40, "enabled": True})}
        if "environment" in given
        else {},
        flags={"parallelism": 60} if "flag" in given else {},
    )
    assert config.execution.parallelism == parallelism
    assert config.execution.engine == "ray"


@pytest.mark.parametrize(
    "text", ["enabled: true\n", "distributedExecution:\n  enabled: true\n"], ids=["bare", "named"]
)
def test_the_block_beside_the_config_may_be_bare_or_named(written, short, text):
    written.file(text, "rayingest.yaml")
    assert written.load(short).execution.mode is ExecutionMode.DISTRIBUTED


def test_a_whole_config_of_that_name_is_not_taken_for_a_block(written, short):
    written.file(short + block(20), "rayingest.yaml")
    assert written.load(short).execution.engine == "local"


def test_a_slip_beside_the_config_is_found_in_its_own_file(complain, written, short):
    written.file("\nparalelism: 5\n", "rayingest.yaml")
    (line,) = complain(short)
    assert line.startswith("rayingest.yaml:2:1: workflowConfig.distributedExecution.paralelism: ")


def test_an_overlay_fills_only_what_the_config_does_not_say(written, short):
    one = written.file(
        "source: {serviceName: x}\nworkflowConfig: {successThreshold: 1}\n", "1.yaml"
    )
    two = written.file("workflowConfig: {successThreshold: 2, loggerLevel: WARN}\n", "2.yaml")
    config = written.load(short, overlays=[one, two])
    assert (config.service, config.success_threshold, config.logger_level) == ("shop", 2, "WARN")
    assert config.tree["workflowConfig"] == {"successThreshold": 2, "loggerLevel": "WARN"}


def test_a_slip_in_an_overlay_is_found_in_its_own_file(complain, written, short):
    overlay = written.file("workflowConfig:\n  loggerlevel: INFO\n", "over.yaml")
    (line,) = complain(short, overlays=[overlay])
    assert line.startswith("over.yaml:2:3: workflowConfig.loggerlevel: unknown key.")


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("a.b=1", "--set a.b: a: unknown key."),
        ("workflowConfig.loggerlevel=INFO", "Did you mean 'loggerLevel'?"),
        ("source.type.x=1", "--set source.type.x: source.type: expected text, found a mapping"),
        ("workflowConfig.successThreshold=[", "--set workflowConfig.successThreshold: YAML: "),
        ("workflowConfig.successThreshold=x", "expected a number, found text"),
        ("nothing", "--set: expected key=value"),
        ("=1", "--set: expected key=value"),
        ("a..b=1", "--set: expected key=value"),
    ],
)
def test_a_wrong_set_is_explained(complain, short, assignment, said):
    assert said in "\n".join(complain(short, sets=[assignment]))


def test_the_last_set_wins_and_its_value_is_yaml(written, short):
    path = "source.sourceConfig.config.tableFilterPattern.includes"
    config = written.load(short, sets=[f"{path}=[a]", f"{path}=[b, c]", "source.serviceName=x=y"])
    assert config.options.tableFilterPattern.includes == ["b", "c"]
    assert config.service == "x=y"


def test_flags_are_keys_of_the_block(written, short):
    flags = {"engine": "ray", "address": "auto", "state_url": "s3://b/x", "parallelism": "8"}
    execution = written.load(short, flags={**flags, "run_id": "x", "image": None}).execution
    assert (execution.engine, execution.address, execution.parallelism) == ("ray", "auto", 8)
    assert execution.state_url == "s3://b/x"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"engine": "rey"}, "--engine: expected local or ray. Did you mean 'ray'?"),
        ({"parallelism": 0}, "--parallelism: expected a whole number, 1 or more"),
        (
            {"address": "ray://x:1"},
            "--address: workflowConfig.distributedExecution.address: Ray Client",
        ),
        ({"address": "x"}, "expected auto, local or HOST:PORT"),
    ],
)
def test_a_wrong_flag_is_explained(complain, short, flags, said):
    assert said in "\n".join(complain(short, flags=flags))


ORCHESTRATED = "workflowConfig:\n  distributedExecution: {{enabled: true, orchestrator: {}}}\n"


def test_airflow_starts_us_and_that_is_said(written, complain, short):
    (line,) = complain(short + ORCHESTRATED.format("airflow"))
    place = "config.yaml:10:55: workflowConfig.distributedExecution.orchestrator: "
    assert f"{place}Airflow starts rayingest" in line
    assert "rayingest.launch.airflow" in line


@pytest.mark.parametrize("orchestrator", ["kuberay", "argo"])
def test_another_cluster_does_it_unless_the_engine_is_said(written, short, orchestrator):
    text = short + ORCHESTRATED.format(orchestrator)
    assert written.load(text).execution.launched == orchestrator
    config = written.load(text, flags={"engine": "ray"})
    assert config.execution.launched is None
    assert config.execution.mode is ExecutionMode.DISTRIBUTED
    assert type(config).from_bundle(config.bundle(), {}) == config
    off = text.replace("enabled: true", "enabled: false")
    assert written.load(off).execution.launched is None


TABLE = """\
| `enabled` | `orchestrator` | `--engine` | nothing more said | `threads: 8` | `parallelism: 20` | both | `--parallelism 4` |
| --- | --- | --- | --- | --- | --- | --- | --- |
| false or absent | any | absent | this process, in order | this process, 8 | this process, in order | this process, 8 | this process, 4 |
| false or absent | any | local | this process, in order | this process, 8 | this process, in order | this process, 8 | this process, 4 |
| false or absent | any | ray | Ray, 50 | Ray, 50 | Ray, 20 | Ray, 20 | Ray, 4 |
| true | ray | absent | Ray, 50 | Ray, 50 | Ray, 20 | Ray, 20 | Ray, 4 |
| true | ray | local | this process, in order | this process, 8 | this process, 20 | this process, 20 | this process, 4 |
| true | ray | ray | Ray, 50 | Ray, 50 | Ray, 20 | Ray, 20 | Ray, 4 |
| true | kuberay, argo | absent | Kubernetes, 50 | Kubernetes, 50 | Kubernetes, 20 | Kubernetes, 20 | Kubernetes, 4 |
| true | kuberay, argo | local | this process, in order | this process, 8 | this process, 20 | this process, 20 | this process, 4 |
| true | kuberay, argo | ray | Ray, 50 | Ray, 50 | Ray, 20 | Ray, 20 | Ray, 4 |
| true | airflow | absent | exit 2 | exit 2 | exit 2 | exit 2 | exit 2 |
| true | airflow | local | this process, in order | this process, 8 | this process, 20 | this process, 20 | this process, 4 |
| true | airflow | ray | Ray, 50 | Ray, 50 | Ray, 20 | Ray, 20 | Ray, 4 |
"""


def test_the_table_says_what_every_combination_comes_to():
    assert execution_table() == TABLE


def test_the_whole_block_is_understood(written, short):
    text = """\
workflowConfig:
  distributedExecution:
    enabled: true
    orchestrator: ray
    address: head:6379
    retryPolicy: {maxAttempts: 5, backoffSeconds: 10, backoffFactor: 3}
    resourceRequests: {cpu: 500m, memory: 2Gi}
    resourceLimits: {cpu: 2}
    callTimeoutSeconds: 60
    sinkOutageSeconds: 30
    stateUrl: file:///tmp/state
    namespace: data
    image: rayingest:1
    limits: {api: {rate: 5, maxConcurrency: 2}}
    k8s: {serviceAccount: x}
"""
    config = written.load(short + text)
    execution = config.execution
    assert execution.retry.maxAttempts == 5
    assert (execution.requests.cores, execution.requests.bytes) == (0.5, 2 * 2**30)
    assert (execution.call_timeout, execution.sink_outage) == (60, 30)
    assert execution.parallelism == 50
    assert execution.limits["api"].rate == 5
    assert execution.resource_limits.cores == 2
    assert (execution.namespace, execution.image) == ("data", "rayingest:1")
    assert execution.k8s.serviceAccount == "x"
    assert config.warnings == ()


def test_a_parallelism_that_nothing_goes_by_is_told(written, short):
    text = f"{short}workflowConfig: {{distributedExecution: {{parallelism: 20}}}}\n"
    (told,) = written.load(text).warnings
    assert "distributedExecution.parallelism: 20 is not used" in told
    assert "--parallelism 20" in told


@pytest.mark.parametrize(
    ("more", "flags"),
    [("enabled: true, ", {}), ("", {"engine": "ray"}), ("", {"parallelism": 20})],
)
def test_a_parallelism_that_holds_needs_no_word(written, short, more, flags):
    text = f"{short}workflowConfig: {{distributedExecution: {{{more}parallelism: 20}}}}\n"
    config = written.load(text, flags=flags)
    assert (config.execution.parallelism, config.warnings) == (20, ())


def test_errors_are_config_errors_that_pickle(written):
    import pickle

    with pytest.raises(ConfigErrors) as caught:
        written.load("a: 1")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.problems) == (str(caught.value), caught.value.problems)
