"""Argo around a RayJob: what is applied is a RayJob of ours, and the step ends when that has ended."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rayingest.config.kubernetes import CONFIG_FOLDER
from rayingest.errors import ConfigError
from rayingest.launch.argo import cron_workflow, workflow, workflow_template
from rayingest.launch.argo_groups import groups_template
from rayingest.launch.cluster import WORKFLOWS
from rayingest.launch.rayjob import rayjob
from rayingest.launch.rules import LONGEST_NAME, broken
from rayingest.launch.secret import config_secret

from . import argo
from .conftest import BLOCKS, LARGE, QUEUED, SMALL, Submit, pods
from .crd import GROUPS, refused
from .podsecurity import breaches
from .test_objects import changed

K8S = Path(__file__).parents[2] / "k8s"
Json = dict[str, Any]
NIGHT = "rayingest-nightly-1790000000"  # as a CronWorkflow calls its Workflows


@pytest.fixture(params=BLOCKS)
def block(request: pytest.FixtureRequest) -> Json:
    return BLOCKS[request.param]


# --- taken


def test_the_api_server_takes_what_argo_is_given(
    submit: Submit, contracts: Path, block: Json
) -> None:
    run = submit(block).run
    for made in (workflow(run), workflow_template(run), cron_workflow("shop")):
        assert refused(made, contracts) == []
    assert refused(groups_template(run), contracts) == []


def test_the_api_server_takes_what_is_shipped(contracts: Path) -> None:
    paths = [each for each in K8S.rglob("*.yaml") if each.name != "config.yaml"]
    made = [each for path in paths for each in yaml.safe_load_all(path.read_text("utf-8"))]
    ours = [each for each in made if each["kind"] in GROUPS]
    assert {each["kind"] for each in ours} == GROUPS.keys() - {"Workflow"}
    ours += [argo.resource(each) for each in ours if each["metadata"]["name"] == "rayingest-run"]
    assert [wrong for each in ours for wrong in refused(each, contracts)] == []
    assert [wrong for each in ours if each["kind"] == "RayJob" for wrong in broken(each)] == []


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("spec.templates.1.resource.failCondition", "x", "unknown field"),
        ("spec.templates.1.resource.action", "launch", "is not one of"),
        ("spec.activeDeadlineSeconds", "soon", "is not of type"),
        ("spec.templates.1.container", {"image": "x"}, "at most one template type"),
        ("spec.templates.0.activeDeadlineSeconds", 5, "leaf templates"),
    ],
)
def test_what_the_api_server_refuses_of_argo_is_seen(
    submit: Submit, contracts: Path, path: str, value: object, why: str
) -> None:
    made = changed(workflow_template(submit(SMALL).run), path, value)
    assert any(why in each for each in refused(made, contracts))


def test_what_a_workflow_applies_is_the_rayjob_of_the_run(
    submit: Submit, contracts: Path, block: Json
) -> None:
    run = submit(block).run
    made = workflow(run)
    applied = argo.resource(made, workflow=made["metadata"]["name"])
    expected = rayjob(run)
    expected["spec"].pop("suspend", None)
    assert applied == expected
    assert refused(applied, contracts) == []
    assert broken(applied) == []


def test_what_a_template_applies_is_a_rayjob_once_argo_has_filled_it_in(
    submit: Submit, contracts: Path, block: Json
) -> None:
    run = submit(block).run
    template = workflow_template(run)
    given = {"source": "crm", "image": "registry.example.com/rayingest:9", "config_secret": "crm"}
    given["state_url"] = "gs://crm"
    applied = argo.resource(template, workflow=NIGHT, **given)
    assert refused(applied, contracts) == []
    assert broken(applied) == []
    assert applied["metadata"]["name"] == NIGHT
    assert "namespace" not in applied["metadata"], "that of the Workflow"
    assert applied["metadata"]["annotations"]["rayingest.io/state-url"] == "gs://crm"
    assert applied["spec"]["entrypoint"].endswith(f"--run-id {NIGHT}")
    assert applied["spec"]["metadata"] == {"run_id": NIGHT, "source": "crm", "version": run.version}
    for spec in pods(applied).values():
        (only,) = spec["containers"]
        assert only["image"] == "registry.example.com/rayingest:9"
        for volume in spec.get("volumes", []):
            assert volume["name"] != "config" or volume["secret"]["secretName"] == "crm"
    secrets = pods(applied)["head"]["containers"][0]["envFrom"]
    assert [each["secretRef"]["name"] for each in secrets] == run.k8s.envFromSecrets
    # Numbers and words are what they are in the RayJob of a submission.
    assert applied["spec"]["rayClusterSpec"].keys() == rayjob(run)["spec"]["rayClusterSpec"].keys()


def test_every_parameter_of_a_template_is_used_and_every_one_that_is_used_is_there(
    submit: Submit, block: Json
) -> None:
    run = submit(block).run
    for made in (workflow_template(run), groups_template(run)):
        used = {
            each for each in tags(yaml.safe_dump(made["spec"], width=1000)) if "workflow." in each
        }
        told = {
            f"workflow.parameters.{each['name']}"
            for each in made["spec"]["arguments"]["parameters"]
        }
        assert used - {"workflow.name"} == told


def test_no_run_knows_of_another_in_a_template(submit: Submit) -> None:
    run = submit(LARGE).run
    text = yaml.safe_dump(workflow_template(run))
    assert run.run_id not in text
    assert run.digest not in text
    assert run.name not in text


def test_every_pod_of_argo_may_run_in_a_restricted_namespace(submit: Submit, block: Json) -> None:
    run = submit(block).run
    for made in (workflow(run), workflow_template(run), groups_template(run)):
        found = dict(argo.pods(made))
        assert [each for spec in found.values() for each in breaches(spec)] == []
    assert set(found) == {"containers", "discover", "process"}
    for name in ("submitter", "head", "worker"):
        applied = pods(argo.resource(workflow_template(run)))
        assert name not in applied or not [*breaches(applied[name])]


# --- lasts, and goes


def test_a_pod_that_is_lost_finds_the_run_that_it_has_started(submit: Submit) -> None:
    made = workflow(submit(SMALL).run)
    step = argo.template(made, "rayjob")["resource"]
    assert step["action"] == "apply"
    assert step["setOwnerReference"] is True
    tries = argo.template(made, "rayjob")["retryStrategy"]
    assert tries == {"limit": "3", "retryPolicy": "OnError"}, "a run that has failed is not tried"
    assert "generateName" not in step["manifest"]
    assert tags(step["manifest"]) == {"workflow.name"}


def tags(text: str) -> set[str]:
    return set(re.findall(r"\{\{([^}]+)\}\}", text))


def test_a_run_that_kueue_has_let_go_is_not_held_back_by_being_applied_again(
    submit: Submit,
) -> None:
    run = submit(QUEUED).run
    assert rayjob(run)["spec"]["suspend"] is True
    applied = argo.resource(workflow(run), workflow=run.name)
    assert "suspend" not in applied["spec"]
    assert applied["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "nightly"


def test_a_workflow_outlives_all_attempts_of_its_run(submit: Submit) -> None:
    assert workflow(submit(SMALL).run)["spec"]["activeDeadlineSeconds"] == 2 * 14400 + 1800
    assert workflow(submit(LARGE).run)["spec"]["activeDeadlineSeconds"] == 7200 + 1800


def test_whatever_happens_the_run_is_looked_at_and_then_taken_down(submit: Submit) -> None:
    made = workflow(submit(LARGE).run)
    end = argo.template(made, made["spec"]["onExit"])
    (look,), (teardown,) = end["steps"]
    assert look["continueOn"] == {"error": True, "failed": True}
    outcome, gone = (argo.template(made, each["template"]) for each in (look, teardown))
    assert (outcome["resource"]["action"], gone["resource"]["action"]) == ("get", "delete")
    for each in (outcome, gone):
        assert "--ignore-not-found=true" in each["resource"]["flags"]
        about = argo.resource(made, each["name"], workflow=made["metadata"]["name"])["metadata"]
        applied = argo.resource(made, workflow=made["metadata"]["name"])["metadata"]
        assert about == {key: applied[key] for key in ("name", "namespace")}
    told = {each["name"]: each["valueFrom"] for each in outcome["outputs"]["parameters"]}
    assert {"reason", "message"} <= set(told)
    assert told["reason"] == {"jsonPath": "{.status.reason}", "default": ""}
    # Argo refuses them there: nothing is left to be asked.
    assert "outputs" not in gone


def test_a_source_is_read_by_one_workflow_at_a_time(submit: Submit) -> None:
    run = submit(SMALL).run
    (lock,) = workflow(run)["spec"]["synchronization"]["mutexes"]
    template = workflow_template(run)
    (other,) = template["spec"]["synchronization"]["mutexes"]
    assert lock["name"] == "rayingest-shop-prod"
    assert argo.filled(other["name"], template, NIGHT) == lock["name"], "submitted or not"
    assert cron_workflow("shop")["spec"]["concurrencyPolicy"] == "Forbid"


def test_names_leave_room_for_what_argo_puts_after_them(submit: Submit) -> None:
    run = submit(SMALL).run
    assert len(workflow(run)["metadata"]["name"]) <= LONGEST_NAME
    assert len(workflow_template(run)["metadata"]["name"]) + len("-abcde") <= LONGEST_NAME
    night = cron_workflow("shop")["metadata"]["name"]
    assert len(night) + len("-1790000000") <= LONGEST_NAME
    assert NIGHT.startswith(night)


def test_a_workflow_owns_the_secret_with_the_config(submit: Submit) -> None:
    run = submit(SMALL).run
    made = workflow(run)
    secret = config_secret(run, owner_uid="u-1", owner=WORKFLOWS)
    (owner,) = secret["metadata"]["ownerReferences"]
    about = {key: made[key] for key in ("apiVersion", "kind")}
    assert owner == {**about, "name": made["metadata"]["name"], "uid": "u-1"}
    head = pods(argo.resource(made, workflow=run.name))["head"]
    (config,) = (each for each in head["volumes"] if each["name"] == "config")
    assert config["secret"]["secretName"] == secret["metadata"]["name"]
    (mount,) = (each for each in head["containers"][0]["volumeMounts"] if each["name"] == "config")
    assert mount["mountPath"] == CONFIG_FOLDER


def test_what_argo_would_fill_in_is_refused(submit: Submit) -> None:
    block = {**SMALL, "k8s": {"envFromSecrets": ["shop-env"], "annotations": {"a": "{{b}}"}}}
    with pytest.raises(ConfigError, match="braces"):
        workflow(submit(block).run)
