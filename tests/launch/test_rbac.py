"""Who may do what: a table of all that is allowed, and nothing else is."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from rayingest.launch.preflight import RIGHTS
from rayingest.launch.rbac import ROLES, rbac

K8S = Path(__file__).parents[2] / "k8s"
Json = dict[str, Any]
LAUNCHER, STEPS = "rayingest-launcher", "rayingest-steps"
SUBMITTER, READER = "rayingest-submitter", "rayingest-reader"
RAYJOBS, WORKFLOWS = "ray.io/rayjobs", "argoproj.io/workflows"
RESULTS = "argoproj.io/workflowtaskresults"
TABLE = [
    (LAUNCHER, RAYJOBS, "get list watch create patch delete"),
    (LAUNCHER, RESULTS, "create patch"),
    (STEPS, RESULTS, "create patch"),
    (SUBMITTER, RAYJOBS, "get list watch create patch delete"),
    (SUBMITTER, WORKFLOWS, "get list watch create delete"),
    (SUBMITTER, "/secrets", "create delete"),
    (SUBMITTER, "/pods", "create get list delete"),
    (SUBMITTER, "/pods/log", "get"),
    (SUBMITTER, "/events", "list"),
    (READER, RAYJOBS, "get list watch"),
    (READER, WORKFLOWS, "get list watch"),
    (READER, "/pods", "get list"),
    (READER, "/pods/log", "get"),
    (READER, "/events", "list"),
]
RESOURCES = [RAYJOBS, WORKFLOWS, RESULTS, "/secrets", "/pods", "/pods/log", "/events"]
RESOURCES += ["/pods/exec", "/pods/attach", "/configmaps", "/serviceaccounts", "/services/proxy"]
RESOURCES += ["/serviceaccounts/token", "ray.io/rayclusters", "ray.io/rayjobs/status"]
RESOURCES += ["argoproj.io/workflowtemplates", "argoproj.io/cronworkflows", "batch/jobs"]
RESOURCES += ["rbac.authorization.k8s.io/roles", "rbac.authorization.k8s.io/rolebindings"]
VERBS = "get list watch create update patch delete deletecollection impersonate bind escalate use"


def may(rules: list[Json], verb: str, resource: str) -> bool:
    """As the API server judges by a Role: any rule that has all three."""
    group, _, name = resource.partition("/")
    return any(
        verb in rule["verbs"] and group in rule["apiGroups"] and name in rule["resources"]
        for rule in rules
    )


@pytest.mark.parametrize("account", [LAUNCHER, STEPS, SUBMITTER, READER])
def test_an_account_may_do_what_it_needs_and_nothing_else(account: str) -> None:
    found = list(yaml.safe_load_all((K8S / "base" / "rbac.yaml").read_text("utf-8")))
    bound = [
        role["rules"]
        for role in found
        for binding in found
        if (role["kind"], binding["kind"]) == ("Role", "RoleBinding")
        and binding["roleRef"]["name"] == role["metadata"]["name"]
        and account in [each["name"] for each in binding["subjects"]]
    ]
    (rules,) = bound
    assert "*" not in str(rules), "all of a kind is more than anybody needs"
    allowed = {
        (verb, what) for who, what, verbs in TABLE for verb in verbs.split() if who == account
    }
    told = {(verb, what) for what in RESOURCES for verb in VERBS.split() if may(rules, verb, what)}
    assert told == allowed


def test_who_submits_has_the_rights_that_submit_asks_for() -> None:
    asked = [pair for rights in RIGHTS.values() for pair in rights.items()]
    assert len(asked) == 5
    for kind, verbs in asked:
        assert all(may(ROLES[SUBMITTER], verb, f"{kind.group}/{kind.plural}") for verb in verbs)


def test_rights_are_those_of_a_namespace_and_of_accounts_that_are_there() -> None:
    made = rbac()
    assert {each["kind"] for each in made} == {"ServiceAccount", "Role", "RoleBinding"}
    accounts = {each["metadata"]["name"]: each for each in made if each["kind"] == "ServiceAccount"}
    assert accounts.keys() == ROLES.keys()
    assert not any(each["automountServiceAccountToken"] for each in accounts.values())
    for path in (K8S / "argo").glob("*.yaml"):
        for each in yaml.safe_load_all(path.read_text("utf-8")):
            account = each.get("spec", {}).get("serviceAccountName")
            assert account is None or account in accounts
