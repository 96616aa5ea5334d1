"""A DAG for Airflow's folder of DAGs: every night a RayJob with a cluster of its own, which is always taken down.

Airflow needs `pip install 'rayingest[k8s]'` beside it, and an account that may submit (docs/kubernetes.md).
"""

from datetime import datetime
from pathlib import Path

from rayingest.launch.airflow import dag

shop = dag(
    Path(__file__).with_name("postgres-to-openmetadata.yaml"),
    dag_id="shop_metadata",
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1),  # noqa: DTZ001 - Airflow reads it in the DAG's own time zone
    namespace="rayingest",
    image="registry.example.com/rayingest:0.1.0",
    state_url="s3://company-rayingest/state",
    sets=["workflowConfig.distributedExecution.k8s.envFromSecrets=[shop-env]"],
    partial_ok=False,
    tags=["metadata"],
)
