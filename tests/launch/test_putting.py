"""A run is put on a cluster whole, once, or not at all."""

from typing import Any

import pytest

from rayingest.api.submitting import Prepared
from rayingest.errors import ClusterError, ConfigError, NotAllowed, NotThere
from rayingest.launch.cluster import RAY_JOBS
from rayingest.launch.kube import Kube
from rayingest.launch.putting import Put, put, remove
from rayingest.testing.kubernetes import Kubernetes, Trouble

from .conftest import LARGE, SMALL, Submit, job, secret

DONE = {"jobStatus": "SUCCEEDED", "jobDeploymentStatus": "Complete"}


@pytest.fixture
def prepared(submit: Submit) -> Prepared:
    return submit(SMALL)


def given(cluster: Kube, prepared: Prepared) -> Put:
    def never(seconds: float) -> None:
        raise AssertionError(f"nothing to wait for: {seconds}")

    return put(cluster, prepared.run, job(prepared), sleep=never)


def names(world: Kubernetes) -> set[tuple[str, str]]:
    return {(plural, name) for plural, _, name in world.objects}


def test_the_rayjob_owns_the_secret_with_the_config(
    world: Kubernetes, cluster: Kube, prepared: Prepared
) -> None:
    done = given(cluster, prepared)
    assert done.new
    name = prepared.run.name
    assert names(world) == {("rayjobs", name), ("secrets", f"{name}-config")}
    kept = world.objects["secrets", "default", f"{name}-config"]
    (owner,) = kept["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("RayJob", done.job["metadata"]["uid"])
    assert kept["stringData"] == secret(prepared)["stringData"]
    assert kept["immutable"] is True
    remove(cluster, name, None)
    assert not world.objects


def test_into_the_namespace_that_is_said(world: Kubernetes, cluster: Kube, submit: Submit) -> None:
    given(cluster, submit(LARGE))
    assert {key[1] for key in world.objects} == {"data"}


def test_submitting_twice_finds_the_first(
    world: Kubernetes, cluster: Kube, prepared: Prepared
) -> None:
    first, second = given(cluster, prepared), given(cluster, prepared)
    assert (first.new, second.new) == (True, False)
    assert first.job["metadata"]["uid"] == second.job["metadata"]["uid"]
    assert len(world.objects) == 2


def test_an_answer_that_is_lost_is_found_again(
    world: Kubernetes, cluster: Kube, prepared: Prepared
) -> None:
    world.troubles = [
        Trouble("POST .*/rayjobs", None, after=True),
        Trouble("POST .*/secrets", None, after=True),
    ]
    assert given(cluster, prepared).job["metadata"]["uid"]
    assert len(world.objects) == 2


def test_one_under_way_keeps_its_config(
    world: Kubernetes, cluster: Kube, prepared: Prepared, submit: Submit
) -> None:
    given(cluster, prepared)
    other = submit({**SMALL, "parallelism": 7})
    assert other.run.name == prepared.run.name
    with pytest.raises(ConfigError, match="with another config") as caught:
        given(cluster, other)
    assert "rayingest stop nightly-7" in str(caught.value.hint)


def test_a_name_that_another_run_has_is_refused(
    world: Kubernetes, cluster: Kube, submit: Submit
) -> None:
    given(cluster, submit(SMALL, name="nightly"))
    with pytest.raises(ConfigError, match="there already, of run nightly-7"):
        given(cluster, submit(SMALL, name="nightly", run_id="other"))
    world.put("rayjobs", {"metadata": {"name": "theirs"}})
    with pytest.raises(ConfigError, match="of somebody else"):
        given(cluster, submit(SMALL, name="theirs"))


def test_one_that_has_ended_gives_way_and_the_run_goes_on(
    world: Kubernetes, cluster: Kube, prepared: Prepared, submit: Submit
) -> None:
    first = given(cluster, prepared).job
    world.put("rayjobs", first | {"status": DONE})
    second = given(cluster, submit({**SMALL, "parallelism": 7}))
    assert second.new
    assert second.job["metadata"]["uid"] != first["metadata"]["uid"]
    assert len(world.objects) == 2


def test_a_secret_that_was_left_is_made_anew(
    world: Kubernetes, cluster: Kube, prepared: Prepared
) -> None:
    world.put("secrets", secret(prepared))
    done = given(cluster, prepared)
    kept = world.objects["secrets", "default", prepared.run.secret_name]
    assert kept["metadata"]["ownerReferences"][0]["uid"] == done.job["metadata"]["uid"]


def test_without_its_secret_no_rayjob_is_left(
    world: Kubernetes, cluster: Kube, prepared: Prepared
) -> None:
    world.denied = {("create", "secrets")}
    with pytest.raises(NotAllowed):
        given(cluster, prepared)
    assert not world.objects
    assert world.gone == [("rayjobs", "default", prepared.run.name)]


def test_a_refusal_is_told_as_people_search_for_it(
    world: Kubernetes, cluster: Kube, prepared: Prepared
) -> None:
    world.judge = lambda _: ["unknown field spec.x"]
    with pytest.raises(
        ClusterError, match=r"Failed to create workflow via Kubernetes API: .* unknown field"
    ):
        given(cluster, prepared)
    assert not world.objects


def test_what_does_not_go_is_told(world: Kubernetes, cluster: Kube) -> None:
    """A finalizer that nobody works off."""
    slept: list[float] = []
    made: dict[str, Any] = {"metadata": {"name": "stuck"}}
    world.put("rayjobs", made)
    world.remove = lambda *_: None  # type: ignore[assignment]
    with pytest.raises(ClusterError, match="has not gone in 120 s") as caught:
        remove(cluster, "stuck", None, sleep=slept.append)
    assert sum(slept) == 120
    assert "finalizer" in str(caught.value.hint)


def test_what_is_gone_is_gone(cluster: Kube) -> None:
    remove(cluster, "never-there", None)
    with pytest.raises(NotThere):
        cluster.get(RAY_JOBS, "never-there", None)
