"""Who may speak to the pods of a run, and to whom they may.

A policy cannot say "the same cluster": Ray's pods of one namespace can reach one another, and Ray's own
token keeps clusters apart. https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from typing import Any

from rayingest.launch.argo import ABOUT
from rayingest.launch.labels import RUN_ID
from rayingest.launch.pods import METRICS, PORTS
from rayingest.launch.rbac import NAMESPACE

OPERATOR = ("kuberay-system", "ray-system")
"""The namespaces of KubeRay's operator: where `submit` says to install it, and where KubeRay's pages do."""
PROMETHEUS = "monitoring"
DNS, HTTPS = 53, 443
# 6443: policies see the API server's own port, not that of its service, and the autoscaler needs it.
ALWAYS = (HTTPS, 6443)
SOURCES = {
    "Oracle": (1521, 2484),
    "SQL Server": (1433,),
    "MySQL and MariaDB": (3306,),
    "PostgreSQL": (5432,),
    "Redshift": (5439,),
    "CockroachDB": (26257,),
    "Vertica": (5433,),
    "Exasol": (8563,),
    "Teradata": (1025,),
    "SAP HANA": (30015,),
    "Db2": (50000,),
    "TiDB": (4000,),
    "Doris and StarRocks": (9030,),
    "ClickHouse": (8123, 8443, 9000, 9440),
    "MongoDB": (27017,),
    "Hive and Impala": (10000, 10001, 21050, 28000, 9083),
    "Trino and Presto": (8080, 8443),
    "dashboard tools": (80, 3000, 5000, 8088, 19999),
    "OpenMetadata": (8585,),
}
"""Where sources and catalogues listen when nobody says otherwise. Leave out those that you do not have."""
Json = dict[str, Any]
_RAY = {"key": "ray.io/cluster", "operator": "Exists"}
_OURS = {"key": RUN_ID, "operator": "Exists"}


def network_policy() -> Json:
    """The policy of heads and workers; pods without it are not touched."""
    peers = [{"podSelector": {"matchExpressions": [_RAY, _OURS]}}]
    dashboard = [_tcp(PORTS["dashboard"])]
    ingress = [
        {"from": peers},
        # The operator starts the job and asks how it is. So does the pod that follows the log.
        {"from": [_namespace(*OPERATOR), {"podSelector": {"matchLabels": _run()}}]}
        | {"ports": dashboard},
    ]
    egress = [
        {"to": peers},
        {"ports": [{"port": DNS, "protocol": each} for each in ("UDP", "TCP")]},
        {"ports": [_tcp(each) for each in ALWAYS]},
        {"ports": [_tcp(each) for each in source_ports()]},
    ]
    return _policy("rayingest-runs", {"ingress": ingress, "egress": egress})


def metrics_policy() -> Json:
    """Prometheus may ask the pods for their metrics; beside the policy above, not in its stead."""
    ports = [_tcp(METRICS["metrics"])]
    return _policy(
        "rayingest-metrics", {"ingress": [{"from": [_namespace(PROMETHEUS)], "ports": ports}]}
    )


def source_ports() -> list[int]:
    """All of those ports, in order."""
    return sorted({port for ports in SOURCES.values() for port in ports})


def _policy(name: str, rules: Json) -> Json:
    kinds = [each.capitalize() for each in rules]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": dict(ABOUT)},
        "spec": {"podSelector": {"matchExpressions": [_RAY, _OURS]}, "policyTypes": kinds, **rules},
    }


def _run() -> dict[str, str]:
    return {"app.kubernetes.io/name": "rayingest", "app.kubernetes.io/component": "run"}


def _namespace(*names: str) -> Json:
    one = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(names)}
    return {"namespaceSelector": {"matchExpressions": [one]}}


def _tcp(port: int) -> Json:
    return {"port": port, "protocol": "TCP"}
