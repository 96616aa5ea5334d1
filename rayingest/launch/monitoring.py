"""What Prometheus is to ask, and what Grafana shows of it: the metrics of runs, as Ray tells them.

Ray puts `ray_` before our names. https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PodMonitor
"""

from typing import Any

from rayingest.launch.argo import ABOUT
from rayingest.launch.labels import RUN_ID, SOURCE
from rayingest.launch.pods import METRICS
from rayingest.launch.rbac import NAMESPACE

OF = '{source=~"$source"}'
ENDED = 'ray_rayingest_entities_total{source=~"$source", status!="discovered"}'
FAILED = 'ray_rayingest_entities_total{source=~"$source", status=~"failed|quarantined"}'
# Title, unit, and the queries with their legends. A run's series end with its cluster: hence the maximum.
PANELS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        "Entities a second, by end",
        "cps",
        {f"sum by (source, status) (rate({ENDED}[$__rate_interval]))": "{{source}}: {{status}}"},
    ),
    (
        "Entities, by type",
        "short",
        {f"sum by (source, type) (max_over_time({ENDED}[$__range]))": "{{source}}: {{type}}"},
    ),
    (
        "Entities that failed",
        "short",
        {f"sum by (source) (max_over_time({FAILED}[$__range]))": "{{source}}"},
    ),
    (
        "Chunks at the source, and how many there may be",
        "short",
        {
            f"max by (source) (ray_rayingest_in_flight{OF})": "{{source}}: at the source",
            f"max by (source) (ray_rayingest_slots{OF})": "{{source}}: at most",
        },
    ),
    (
        "Mean time of the source for an entity",
        "s",
        {f"max by (source) (ray_rayingest_source_latency_seconds{OF})": "{{source}}"},
    ),
    (
        "Slots that wait for the sink",
        "short",
        {
            f"max by (source) (deriv(ray_rayingest_sink_wait_seconds{OF}[$__rate_interval]))": "{{source}}"
        },
    ),
    (
        "The sink does not answer",
        "bool_yes_no",
        {f"max by (source) (ray_rayingest_sink_down{OF})": "{{source}}"},
    ),
)
WIDTH, HEIGHT = 12, 8
PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
Json = dict[str, Any]


def pod_monitor() -> Json:
    """Heads and workers are asked; the series have the run and the source as labels."""
    labels = {RUN_ID: "rayingest_run", SOURCE: "rayingest_source"}
    relabelings = [
        {"sourceLabels": [f"__meta_kubernetes_pod_label_{_spelt(key)}"], "targetLabel": name}
        for key, name in labels.items()
    ]
    (port,) = METRICS
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": "rayingest", "namespace": NAMESPACE, "labels": dict(ABOUT)},
        "spec": {
            "selector": {
                "matchExpressions": [
                    {"key": each, "operator": "Exists"} for each in ("ray.io/cluster", RUN_ID)
                ]
            },
            "podMetricsEndpoints": [{"port": port, "relabelings": relabelings}],
        },
    }


def dashboard() -> Json:
    """The dashboard, as Grafana imports it."""
    return {
        "uid": "rayingest",
        "title": "rayingest: runs",
        "tags": ["rayingest"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_datasource(), _source()]},
        "panels": [_panel(number, *each) for number, each in enumerate(PANELS)],
    }


def _spelt(label: str) -> str:
    """As Prometheus has it: neither dots nor slashes."""
    return "".join(each if each.isalnum() else "_" for each in label)


def _panel(number: int, title: str, unit: str, queries: dict[str, str]) -> Json:
    row, column = divmod(number, 24 // WIDTH)
    targets = [
        {
            "refId": chr(ord("A") + index),
            "datasource": PROMETHEUS,
            "expr": query,
            "legendFormat": to,
        }
        for index, (query, to) in enumerate(queries.items())
    ]
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "datasource": PROMETHEUS,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}},
        "targets": targets,
    }


def _datasource() -> Json:
    return {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "label": "Prometheus",
    }


def _source() -> Json:
    return {
        "name": "source",
        "type": "query",
        "label": "Source",
        "datasource": PROMETHEUS,
        "query": {"query": "label_values(ray_rayingest_slots, source)", "refId": "A"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
    }
