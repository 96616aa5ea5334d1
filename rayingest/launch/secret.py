"""The Secret that carries the config, as it was written: `${VARIABLES}` are filled in by the pods.

A Secret and not a ConfigMap, because configs that people write do hold passwords.
https://kubernetes.io/docs/concepts/configuration/secret/#secret-immutable
"""

from typing import Any

from rayingest.launch.cluster import RAY_JOBS, Kind
from rayingest.launch.labels import metadata
from rayingest.launch.submission import CONFIG_FILE, Submission


def config_secret(
    run: Submission, *, owner_uid: str | None = None, owner: Kind = RAY_JOBS
) -> dict[str, Any]:
    """The immutable Secret; the RayJob or the Workflow owns it, once it is there and has a uid."""
    head = metadata(run, run.secret_name)
    if owner_uid is not None:
        by = {"apiVersion": owner.api, "kind": owner.name, "name": run.name, "uid": owner_uid}
        head["ownerReferences"] = [by]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": head,
        "immutable": True,
        "type": "Opaque",
        "stringData": {CONFIG_FILE: run.text},
    }
