"""The block `k8s`: mistakes are found in the file, with line and column."""

import pytest

from rayingest.config import ConfigErrors, load

BLOCK = "workflowConfig:\n  distributedExecution:\n    k8s: {}\n"
WHERE = "workflowConfig.distributedExecution.k8s"


@pytest.mark.parametrize(
    ("said", "place", "why"),
    [
        ("{serviceAcount: x}", ".serviceAcount", "unknown key. Did you mean 'serviceAccount'?"),
        ("{submissionMode: HttpMode}", ".submissionMode", "Did you mean 'HTTPMode'?"),
        ("{envFromSecrets: shop}", ".envFromSecrets", "expected a list, found text"),
        ("{envFromSecrets: [Shop_Env]}", ".envFromSecrets.0", "lower-case letters"),
        ("{labels: {team: a b}}", ".labels.team", "a label value"),
        (f"{{serviceAccount: {'a' * 254}}}", ".serviceAccount", "at most 253"),
        ("{labels: {rayingest.io/run-id: x}}", ".labels", "sets itself"),
        ("{annotations: {ray.io/x: x}}", ".annotations", "sets itself"),
        ("{annotations: {a/b/c: x}}", ".annotations", "example.com/team"),
        ("{backoffLimit: -1}", ".backoffLimit", "greater than or equal to 0"),
        ("{activeDeadlineSeconds: 4h}", ".activeDeadlineSeconds", "a whole number"),
        ("{minWorkers: 5, maxWorkers: 2}", "", "minWorkers 5 is more than maxWorkers 2"),
        ("{rayVersion: 2.51.0}", ".rayVersion", "2.52.0 or newer"),
        ("{rayVersion: nightly}", ".rayVersion", "a version such as"),
        ("{tolerations: [{operator: Exist}]}", ".tolerations.0.operator", "'Exists'?"),
        ("{tolerations: [{value: x}]}", ".tolerations.0", "operator: Exists"),
        ("{tolerations: [{operator: Exists, value: x}]}", ".tolerations.0", "goes without a value"),
        ("{tolerations: [{key: x, tolerationSeconds: 5}]}", ".tolerations.0", "effect: NoExecute"),
        (
            "{volumes: [{name: a, mountPath: data, claimName: b}]}",
            ".volumes.0.mountPath",
            "absolute",
        ),
        ("{volumes: [{name: a, mountPath: /etc, claimName: b}]}", ".volumes.0.mountPath", "config"),
        (
            "{volumes: [{name: a, mountPath: /etc/rayingest/x, claimName: b}]}",
            ".volumes.0.mountPath",
            "config",
        ),
        (
            "{volumes: [{name: a, mountPath: /a/../etc, claimName: b}]}",
            ".volumes.0.mountPath",
            "absolute",
        ),
        (
            "{volumes: [{name: a, mountPath: '/a:b', claimName: b}]}",
            ".volumes.0.mountPath",
            "absolute",
        ),
        (
            "{volumes: [{name: a, mountPath: /a/, claimName: b}, {name: c, mountPath: /a, claimName: b}]}",
            "",
            "two volumes have the mountPath /a",
        ),
        ("{volumes: [{name: a, mountPath: /a}]}", ".volumes.0", "one of claimName"),
        ("{volumes: [{name: config, mountPath: /a, claimName: b}]}", ".volumes.0", "another name"),
        (
            "{volumes: [{name: a, mountPath: /a, claimName: b}, {name: a, mountPath: /b, claimName: b}]}",
            "",
            "two volumes have the name a",
        ),
    ],
)
def test_a_mistake_is_found_where_it_stands(complain, short, said, place, why):
    (line,) = complain(short + BLOCK.replace("{}", said))
    assert line.startswith("config.yaml:11:")
    assert f": {WHERE}{place}" in line
    assert why in line


def test_a_worker_cannot_ask_for_more_than_it_may_take(complain, short):
    block = "{resourceRequests: {cpu: 4}, resourceLimits: {cpu: 500m}}"
    (line,) = complain(f"{short}workflowConfig:\n  distributedExecution: {block}\n")
    assert "resourceRequests.cpu is more than resourceLimits.cpu" in line
    assert line.startswith("config.yaml:10:")


def test_names_of_secrets_are_no_secrets(complain, written, short):
    named = BLOCK.replace("{}", "{envFromSecrets: [shop-env], tolerations: [{key: shop-env}]}")
    block = written.load(short + named).redacted()["workflowConfig"]["distributedExecution"]
    assert block["k8s"]["envFromSecrets"] == ["shop-env"]
    assert block["k8s"]["tolerations"] == [{"key": "shop-env"}]


def test_what_is_missing_here_may_be_elsewhere(written, short, tmp_path):
    text = short.replace("db:5432", "'${HOST}:${PORT:-5432}'")
    text = text.replace("database: shop", "database: '${file:/nowhere/db}'")
    elsewhere = set()
    config = load(written.file(text), environ={}, elsewhere=elsewhere)
    assert elsewhere == {"HOST", "file:/nowhere/db"}
    assert config.connection.hostPort == "${HOST}:5432"
    assert (
        config.tree["source"]["serviceConnection"]["config"]["hostPort"] == "${HOST}:${PORT:-5432}"
    )


def test_a_text_where_a_number_is_wanted_is_told_all_the_same(written, short):
    text = f"{short}workflowConfig: {{successThreshold: '${{SHARE}}'}}\n"
    with pytest.raises(ConfigErrors, match="successThreshold: expected a number"):
        load(written.file(text), environ={}, elsewhere=set())
