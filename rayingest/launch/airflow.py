"""The name under which DAG files find us: `from rayingest.launch.airflow import dag`.

What it names is a face of rayingest, as its command line is: it submits and reads reports, so that it stands
above launching, in `rayingest.airflow`.
"""

from rayingest.airflow.dags import dag, dag_without_ray

__all__ = ["dag", "dag_without_ray"]
