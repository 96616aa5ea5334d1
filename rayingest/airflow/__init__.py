"""Airflow: DAGs that put a run on Kubernetes, wait for it and take it down, or do its work themselves."""
