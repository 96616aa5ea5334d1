"""Who may speak to the pods of a run, to whom they may speak, and what is measured of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard

from rayingest.core import registry
from rayingest.launch import network
from rayingest.launch.monitoring import dashboard, pod_monitor
from rayingest.launch.pods import METRICS
from rayingest.launch.preflight import INSTALL

from .conftest import pods

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def job() -> Json:
    """The RayJob that is shipped."""
    text = (K8S / "sample" / "rayjob.yaml").read_text("utf-8")
    return yaml.safe_load(text)  # type: ignore[no-any-return]


def test_a_run_is_spoken_to_by_its_own_and_by_the_operator(job: Json) -> None:
    spec = network.network_policy()["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    ours, dashboard_rule = spec["ingress"]
    keys = {each["key"] for each in spec["podSelector"]["matchExpressions"]}
    assert keys == {"ray.io/cluster", "rayingest.io/run-id"}
    assert ours["from"] == [{"podSelector": spec["podSelector"]}]
    assert [each["port"] for each in dashboard_rule["ports"]] == [8265]
    operator, follower = dashboard_rule["from"]
    (said,) = re.findall(r"--namespace (\S+)", INSTALL)
    (names,) = (each["values"] for each in operator["namespaceSelector"]["matchExpressions"])
    assert {said, "ray-system"} == set(names)
    follows = job["spec"]["submitterPodTemplate"]["metadata"]["labels"]
    assert follower["podSelector"]["matchLabels"].items() <= follows.items()
    assert not any("ipBlock" in str(each) for each in spec["ingress"])


def test_a_run_reaches_names_the_api_server_and_the_sources() -> None:
    spec = network.network_policy()["spec"]
    open_to_all = [each for each in spec["egress"] if "to" not in each]
    ports = {each["port"] for rule in open_to_all for each in rule["ports"]}
    assert {53, 443, 6443, 5432, 8585} <= ports
    assert all(each["ports"] for each in open_to_all), "a rule without ports would allow all"


@pytest.mark.parametrize("name", sorted(registry.locations()))
def test_the_usual_port_of_a_source_is_open(name: str) -> None:
    field = registry.load(name).connection.model_fields.get("hostPort")
    told = field.description or "" if field else ""
    usual = {int(each) for each in re.findall(r"\b\d{3,5}\b", told)}
    assert usual <= {*network.source_ports(), *network.ALWAYS}


# --- measured


def test_prometheus_asks_the_port_that_the_pods_have(job: Json) -> None:
    spec = pod_monitor()["spec"]
    (endpoint,) = spec["podMetricsEndpoints"]
    for kind in ("head", "worker"):
        ports = pods(job)[kind]["containers"][0]["ports"]
        assert {"name": endpoint["port"], "containerPort": METRICS["metrics"]} in ports
    keys = {each["key"] for each in spec["selector"]["matchExpressions"]}
    assert keys == {"ray.io/cluster", "rayingest.io/run-id"}
    (rule,) = network.metrics_policy()["spec"]["ingress"]
    assert [each["port"] for each in rule["ports"]] == [METRICS["metrics"]]


def metrics() -> set[str]:
    """The names of our metrics, out of the code that feeds them."""
    text = (ROOT / "rayingest" / "execute" / "ray_metrics.py").read_text("utf-8")
    return set(re.findall(r'\(\s*"(rayingest_\w+)"', text))


def test_every_metric_of_the_dashboard_exists_and_every_metric_is_shown() -> None:
    told = json.loads((K8S / "monitoring" / "dashboard.json").read_text("utf-8"))
    queries = [each["expr"] for panel in told["panels"] for each in panel["targets"]]
    queries += [each["query"]["query"] for each in told["templating"]["list"] if "refresh" in each]
    used = set(re.findall(r"\bray_(rayingest_\w+)", " ".join(queries)))
    assert len(metrics()) == 6
    assert used == metrics()
    assert all("rayingest_" in each for each in queries)


def test_grafana_knows_every_field_of_the_dashboard() -> None:
    told = dashboard()
    read = json.loads(json.dumps(Dashboard.from_json(told), default=lambda each: each.to_json()))
    for panel, again in zip(told["panels"], read["panels"], strict=True):
        assert panel.items() <= {**again, "fieldConfig": panel["fieldConfig"]}.items()
    assert told.keys() <= read.keys()
