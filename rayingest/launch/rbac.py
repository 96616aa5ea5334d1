"""Who may do what in the namespace of the runs: as little as each of them needs.

`rayingest-launcher` is the account of Argo's pods around a RayJob, `rayingest-steps` that of pods that do the
work themselves, `rayingest-submitter` a person or a CI that submits, `rayingest-reader` who looks. The pods of
a run have no rights. https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from typing import Any

from rayingest.launch.argo import ABOUT, LAUNCHER
from rayingest.launch.argo_groups import STEPS

NAMESPACE = "rayingest"
SUBMITTER, READER = "rayingest-submitter", "rayingest-reader"
LOOK = ["get", "list", "watch"]
RULES = "rbac.authorization.k8s.io"
Json = dict[str, Any]


def _rule(group: str, resource: str, *verbs: str) -> Json:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}


# A pod of Argo tells its controller by such an object how it has ended.
_TELLS = _rule("argoproj.io", "workflowtaskresults", "create", "patch")
# To apply is to get, and then to create or to patch.
_RUNS = _rule("ray.io", "rayjobs", *LOOK, "create", "patch", "delete")
# `pods/log` is what a run has said, events why it does not start. Secrets are read by nobody.
_LOOKS = [
    _rule("", "pods", "get", "list"),
    _rule("", "pods/log", "get"),
    _rule("", "events", "list"),
]
ROLES: dict[str, list[Json]] = {
    LAUNCHER: [_TELLS, _RUNS],
    STEPS: [_TELLS],
    SUBMITTER: [
        _RUNS,
        _rule("argoproj.io", "workflows", *LOOK, "create", "delete"),
        _rule("", "secrets", "create", "delete"),
        # A report on a volume is read by a pod. Who creates RayJobs has pods run in any case.
        _rule("", "pods", "create", "delete"),
        *_LOOKS,
    ],
    READER: [_rule("ray.io", "rayjobs", *LOOK), _rule("argoproj.io", "workflows", *LOOK), *_LOOKS],
}


def rbac() -> list[Json]:
    """An account, a role and their binding for each of them."""
    return [document for name in ROLES for document in _of(name)]


def _of(name: str) -> list[Json]:
    account = {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _about(name)}
        # Argo's pods ask for their token; whoever else takes such an account has to.
        | {"automountServiceAccountToken": False},
        {"apiVersion": f"{RULES}/v1", "kind": "Role", "metadata": _about(name)}
        | {"rules": ROLES[name]},
        {"apiVersion": f"{RULES}/v1", "kind": "RoleBinding", "metadata": _about(name)}
        | {
            "roleRef": {"apiGroup": RULES, "kind": "Role", "name": name},
            "subjects": [account],
        },
    ]


def _about(name: str) -> Json:
    return {"name": name, "namespace": NAMESPACE, "labels": dict(ABOUT)}
