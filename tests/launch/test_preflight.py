"""Before anything is created: what is missing is named, with the command that mends it."""

from typing import Any

import pytest

from rayingest.errors import NotNow
from rayingest.launch.cluster import RAY_JOBS
from rayingest.launch.kube import Kube
from rayingest.launch.preflight import Answer, asked
from rayingest.testing.kubernetes import KINDS, Kubernetes, Trouble

from .conftest import SMALL, Submit, job
from .crd import refused


@pytest.fixture
def made(submit: Submit) -> dict[str, Any]:
    return job(submit(SMALL))


def ask(cluster: Kube, made: dict[str, Any]) -> Answer:
    return asked(cluster, made, ["shop-env"], ["SHOP_PASSWORD"])


def test_a_cluster_that_has_all_takes_it(
    world: Kubernetes, cluster: Kube, made: dict[str, Any], contracts: Any
) -> None:
    world.judge = lambda document: refused(document, contracts)
    world.put("secrets", {"metadata": {"name": "shop-env"}, "data": {"SHOP_PASSWORD": "eA=="}})
    assert ask(cluster, made) == Answer(made)
    assert [key[0] for key in world.objects] == ["secrets"]


@pytest.mark.parametrize(
    ("served", "what"),
    [
        ({"v1": KINDS["v1"]}, "KubeRay is not installed"),
        ({"v1": KINDS["v1"], "ray.io/v1alpha1": ("rayjobs",)}, "serves ray.io as v1alpha1"),
        ({"v1": KINDS["v1"], "ray.io/v1": ("rayclusters",)}, "and not as v1 with RayJobs"),
    ],
)
def test_without_kuberay_it_says_how_to_install_it(
    world: Kubernetes, cluster: Kube, made: dict[str, Any], served: Any, what: str
) -> None:
    world.served = served
    (missing,) = ask(cluster, made).missing
    assert what in missing.what
    assert "helm install kuberay-operator" in missing.hint


def test_every_right_that_lacks_is_named(
    world: Kubernetes, cluster: Kube, made: dict[str, Any]
) -> None:
    world.denied = {
        ("create", "rayjobs"),
        ("delete", "rayjobs"),
        ("create", "secrets"),
        ("get", "secrets"),
    }
    jobs, secrets = ask(cluster, made).missing
    assert jobs.what == "The account may not create, delete rayjobs in namespace default."
    assert "--resource=rayjobs.ray.io" in jobs.hint
    assert secrets.what == "The account may not create secrets in namespace default."


def test_a_namespace_that_is_not_there(
    world: Kubernetes, cluster: Kube, made: dict[str, Any]
) -> None:
    world.denied = {("get", "secrets")}
    world.troubles = [Trouble("POST .*/rayjobs", code=404)]
    (missing,) = ask(cluster, made).missing
    assert (missing.what, missing.hint) == (
        "There is no namespace default.",
        "kubectl create namespace default",
    )


def test_a_quota_or_an_admission_rule(
    world: Kubernetes, cluster: Kube, made: dict[str, Any]
) -> None:
    world.denied = {("get", "secrets")}
    world.troubles = [Trouble("POST .*/rayjobs", code=403)]
    (missing,) = ask(cluster, made).missing
    assert "are not let in" in missing.what
    assert "quota" in missing.hint


def test_a_secret_that_is_not_there_or_lacks_a_key(
    world: Kubernetes, cluster: Kube, made: dict[str, Any]
) -> None:
    (missing,) = ask(cluster, made).missing
    assert "There is no Secret shop-env" in missing.what
    assert "kubectl -n default create secret generic shop-env" in missing.hint
    world.put("secrets", {"metadata": {"name": "shop-env"}, "data": {"OTHER": "eA=="}})
    (missing,) = ask(cluster, made).missing
    assert "The config reads SHOP_PASSWORD, which no Secret" in missing.what


def test_who_may_not_read_secrets_is_not_stopped(
    world: Kubernetes, cluster: Kube, made: dict[str, Any]
) -> None:
    world.denied = {("get", "secrets")}
    assert not ask(cluster, made).missing


def test_an_older_kuberay_gets_what_it_knows(
    world: Kubernetes, cluster: Kube, made: dict[str, Any]
) -> None:
    def older(document: dict[str, Any]) -> list[str]:
        wrong = "preRunningDeadlineSeconds" in document["spec"]
        return ['unknown field "spec.preRunningDeadlineSeconds"'] if wrong else []

    world.denied, world.judge = {("get", "secrets")}, older
    answer = ask(cluster, made)
    assert not answer.missing
    assert "older than 1.7" in answer.warnings[0]
    spec = {key: each for key, each in made["spec"].items() if "preRunning" not in key}
    assert answer.job == made | {"spec": spec}
    assert "preRunningDeadlineSeconds" in made["spec"]


def test_one_that_is_too_old_is_refused(
    world: Kubernetes, cluster: Kube, made: dict[str, Any]
) -> None:
    field = 'unknown field "spec.rayClusterSpec.authOptions"'
    world.denied, world.judge = {("get", "secrets")}, lambda _: [field]
    (missing,) = ask(cluster, made).missing
    assert missing.what == "This KubeRay does not know rayClusterSpec.authOptions."
    assert "helm upgrade" in missing.hint


def test_nobody_there_is_no_missing_thing(
    world: Kubernetes, cluster: Kube, made: dict[str, Any]
) -> None:
    world.troubles = [Trouble(".", code=503, times=99)]
    with pytest.raises(NotNow):
        ask(cluster, made)


def test_one_that_is_there_already_is_no_obstacle(
    world: Kubernetes, cluster: Kube, made: dict[str, Any]
) -> None:
    world.denied = {("get", "secrets")}
    world.put(RAY_JOBS.plural, made)
    assert not ask(cluster, made).missing
