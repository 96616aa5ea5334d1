"""Whether report and variables will be where they must; test_submit.py has the same as users see it."""

from typing import Any

import pytest

from rayingest.errors import ConfigError

from .conftest import LARGE, SMALL, Submit, config


@pytest.mark.parametrize("url", ["s3://${BUCKET}/state", "${STATE}/runs"])
def test_where_the_state_is_may_be_known_to_the_pods_alone(submit: Submit, url: str) -> None:
    warnings = submit({**SMALL, "stateUrl": url}).warnings
    assert not any("begins anew" in each for each in warnings)


@pytest.mark.parametrize(
    "volume",
    [
        {"claimName": "state", "readOnly": True},
        {"configMapName": "state"},
        {"secretName": "state"},
    ],
)
def test_what_a_run_cannot_write_to_keeps_no_report(
    submit: Submit, volume: dict[str, object]
) -> None:
    volumes = [{"name": "state", "mountPath": "/state", **volume}]
    k8s: dict[str, Any] = {"envFromSecrets": ["shop-env"], "volumes": volumes}
    with pytest.raises(ConfigError, match="Nothing would be left"):
        submit({**SMALL, "stateUrl": "/state", "k8s": k8s})


def test_an_object_cannot_be_called_by_what_the_pods_alone_know(submit: Submit) -> None:
    text = config(SMALL).replace("Shop (prod)", "${SHOP}")
    with pytest.raises(ConfigError, match="need SHOP, not set here"):
        submit(SMALL, text=text)
    assert submit(SMALL, text=text, environ={"SHOP": "shop"}).run.service == "shop"


@pytest.mark.parametrize("rest", ["", "workflowConfig:\n  distributedExecution:\n"])
def test_a_block_that_says_nothing_is_told_what_is_missing(submit: Submit, rest: str) -> None:
    head, _, _ = config({}).partition("workflowConfig:")
    with pytest.raises(ConfigError, match="Nothing would be left"):
        submit({}, text=head + rest)


def test_a_file_is_missing_unless_a_volume_brings_it(submit: Submit) -> None:
    text = config(LARGE).replace("${SHOP_PASSWORD}", "${file:/keys/shop}")
    assert not any("No volume" in each for each in submit(LARGE, text=text).warnings)
    text = text.replace("/keys/shop", "/keyring/shop")
    assert any(
        "No volume brings /keyring/shop" in each for each in submit(LARGE, text=text).warnings
    )


def test_only_a_second_attempt_begins_anew(submit: Submit) -> None:
    def told(attempts: int) -> bool:
        k8s = {**SMALL["k8s"], "backoffLimit": attempts, "submissionMode": "K8sJobMode"}  # type: ignore[dict-item]
        warnings = submit({**SMALL, "stateUrl": None, "k8s": k8s}).warnings
        return any("begins anew" in each for each in warnings)

    assert told(1)
    assert not told(0)
