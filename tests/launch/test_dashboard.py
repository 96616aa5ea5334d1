"""What is asked of a Ray dashboard, what becomes of its answers, and who waits for how long."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx2
import pytest
import stamina

from rayingest.errors import AlreadyThere, ClusterError, ConfigError, NotAllowed, NotNow, NotThere
from rayingest.launch.dashboard import connected
from rayingest.launch.following import AWAY_SECONDS, LONGEST_PAUSE, Follower
from rayingest.launch.job import JobStatus, job_status, why
from rayingest.launch.status import Outcome
from rayingest.launch.token import checked, overheard, token, vouching

from .dashboards import FakeRay
from .test_waiting import Time

JOB = {
    "submission_id": "ri-shop",
    "entrypoint": "exec sleep 60",
    "runtime_env": {},
    "metadata": {"run_id": "r1"},
}
TORN = httpx2.RemoteProtocolError("peer closed connection")


@pytest.fixture
def ray() -> Iterator[FakeRay]:
    """A cluster; nobody waits between the tries of a call."""
    with stamina.set_testing(True, attempts=4):
        yield FakeRay()


# --- answers ---


@pytest.mark.parametrize(
    ("trouble", "times"),
    [(httpx2.Response(503), 3), (httpx2.Response(429), 2), (TORN, 2), (httpx2.Response(500), 1)],
    ids=["down", "throttled", "torn", "broken"],
)
def test_what_may_pass_is_asked_again(
    ray: FakeRay, trouble: httpx2.Response | Exception, times: int
) -> None:
    ray.troubles = [trouble] * times
    assert ray.client().version() == "2.60.0"
    assert len(ray.calls) == times + 1


def test_an_answer_of_half_a_text_is_asked_for_again(ray: FakeRay) -> None:
    ray.troubles = [httpx2.Response(200, text='{"ray_ver')]
    with pytest.raises(NotNow, match="in pieces"):
        ray.client().version()


def test_what_does_not_pass_is_told_with_the_address(ray: FakeRay) -> None:
    ray.troubles = [httpx2.Response(502, text="<html>bad gateway")] * 9
    with pytest.raises(NotNow, match=r"at http://ray\.example:8265 has trouble \(502\): a page"):
        ray.client().version()
    assert len(ray.calls) == 4


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx2.Response(200, text="<!doctype html>"), "no Ray dashboard: a page came"),
        (httpx2.Response(200, json={"major": "1"}), "no Ray dashboard: it tells no version"),
        (httpx2.Response(200, json=[]), "no Ray dashboard"),
        (httpx2.Response(404, text="404"), "no Ray dashboard"),
        (
            httpx2.Response(302, headers={"Location": "https://sso/x?state=s3"}),
            "leads on to https://sso/x,",
        ),
        (httpx2.Response(418, text="teapot"), r"refuses \(418\): teapot"),
    ],
    ids=["page", "another API", "a list", "nothing", "login", "refused"],
)
def test_something_else_answers_and_is_asked_once(
    ray: FakeRay, answer: httpx2.Response, words: str
) -> None:
    ray.troubles = [answer]
    with pytest.raises(ClusterError, match=words) as caught:
        ray.client().version()
    assert not isinstance(caught.value, NotNow)
    assert caught.value.hint
    assert len(ray.calls) == 1


def test_of_a_traceback_its_last_line_is_told(ray: FakeRay) -> None:
    at = ray.client()
    at.submit(JOB)
    with pytest.raises(AlreadyThere, match=r"^RuntimeError: ValueError: Job with"):
        at.submit(JOB)
    assert len(ray.calls) == 2


def test_a_submission_whose_answer_was_lost_is_found_there(ray: FakeRay) -> None:
    ray.torn = [TORN]
    with pytest.raises(AlreadyThere):
        ray.client().submit(JOB)
    assert len(ray.jobs) == 1


def test_a_package_that_is_there_is_not_sent_again(ray: FakeRay) -> None:
    at = ray.client()
    at.upload("_ray_pkg_1.zip", b"x")
    at.upload("_ray_pkg_1.zip", b"y")
    assert ray.packages == {"_ray_pkg_1.zip": b"x"}
    # Asking keeps it, so that it is asked for before it is sent.
    assert [each.split()[0] for each in ray.calls] == ["GET", "PUT", "GET"]


def test_names_cannot_leave_their_place_in_a_path(ray: FakeRay) -> None:
    with pytest.raises(NotThere):
        ray.client().job("../packages")
    assert ray.calls == ["GET api/jobs/..%2Fpackages"]


# --- tokens ---


def test_a_token_is_wanted_or_another(ray: FakeRay) -> None:
    ray.token = "right"  # noqa: S105
    assert ray.client("right").version()
    with pytest.raises(NotAllowed, match="wants a token") as caught:
        ray.client().version()
    assert "RAY_AUTH_TOKEN" in str(caught.value.hint)
    with pytest.raises(NotAllowed, match="does not accept our token") as caught:
        ray.client("wrong-canary").version()
    assert "wrong-canary" not in f"{caught.value}{caught.value.hint}"
    assert len(ray.calls) == 3


def test_the_token_is_found_as_ray_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "t").write_text("filed\n")
    path = {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "t")}
    assert token({}) is None
    assert token({"RAY_AUTH_TOKEN": "said", **path}) == "said"
    assert token(path) == "filed"
    assert token({"RAY_AUTH_MODE": "disabled", **path}) is None
    assert token({"RAY_AUTH_MODE": "token"}) is None
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("home")
    assert token({"RAY_AUTH_MODE": "token"}) == "home"
    assert token({}) is None  # it may be another cluster's


def test_a_token_that_cannot_be_used_is_told_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"RAY_AUTH_TOKEN_PATH: .* cannot be read"):
        token({"RAY_AUTH_TOKEN_PATH": str(tmp_path / "none")})
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        token({"RAY_AUTH_TOKEN_PATH": str(tmp_path / "empty")})
    with pytest.raises(ConfigError) as caught:
        vouching("canary\r\nX: y")
    assert "canary" not in f"{caught.value}{caught.value.hint}"


# --- addresses ---


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (None, "Which Ray cluster"),
        ("head:8265", "no address of a Ray dashboard"),
        ("ray://head:10001", "Ray Client"),
        ("auto", "no address"),
        ("http://", "no address"),
        ("http://h:port", "no URL"),
        ("http://me:canary@h:8265", "more than an address"),
        ("http://h:8265?token=canary", "more than an address"),
    ],
)
def test_an_address_that_is_none(address: str | None, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        checked(address)
    assert "http://HOST:8265" in str(caught.value.hint)
    assert "canary" not in f"{caught.value}{caught.value.hint}"


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checked("https://ray.example/team/") == "https://ray.example/team"
    with connected(None, {"RAY_API_SERVER_ADDRESS": "http://127.0.0.1:1"}) as at:
        assert (at.address, at.vouched) == ("http://127.0.0.1:1", False)
    with connected("https://h/team", {"RAY_AUTH_TOKEN": "t"}) as at:
        assert (at.address, at.vouched) == ("https://h/team", True)
    assert [overheard(f"{each}:1") for each in ("http://h", "http://127.0.0.1", "https://h")] == [
        True,
        False,
        False,
    ]


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        stamina.set_testing(True, attempts=2),
        connected(f"http://127.0.0.1:{port}", {}) as at,
        pytest.raises(NotNow, match="does not answer") as caught,
    ):
        at.version()
    assert "port-forward" in str(caught.value.hint)


def test_a_certificate_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    made += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        with (
            stamina.set_testing(True, attempts=1),
            connected(f"https://127.0.0.1:{server.server_port}", {}) as at,
            pytest.raises(NotNow, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            at.version()
        server.shutdown()


# --- statuses ---


def test_a_status_that_nobody_knows_is_no_end() -> None:
    for word in ("PENDING", "RUNNING", "PAUSED", "", "succeeded"):
        assert job_status({"status": word}).outcome is None
    ends = [job_status({"status": each}).outcome for each in ("SUCCEEDED", "STOPPED", "FAILED")]
    assert ends == [Outcome.SUCCEEDED, Outcome.STOPPED, Outcome.FAILED]
    odd = job_status({"status": 7, "metadata": [], "driver_exit_code": "x", "start_time": "now"})
    assert (odd.outcome, odd.code, odd.started, str(odd)) == (None, None, None, "UNKNOWN")


@pytest.mark.parametrize(
    ("said", "words", "hint"),
    [
        ({"driver_exit_code": 127}, "no program `rayingest`", "every node"),
        ({"driver_exit_code": 126}, "cannot be executed", "Ray's own Python"),
        ({"driver_exit_code": 2}, "refused its config", "Its log says why"),
        ({"error_type": "RUNTIME_ENV_SETUP_FAILURE"}, "could not unpack", "--run-id r1"),
        ({"error_type": "JOB_SUPERVISOR_ACTOR_DIED"}, "node was lost", "--run-id r1"),
        ({"message": "Odd.\nmore", "error_type": "NEW"}, r"^Odd\.$", "--run-id r1"),
        ({"message": "It failed, last available logs (x):\nsecret"}, r"^It failed\.$", ""),
        ({}, "does not say why", ""),
    ],
)
def test_why_a_job_failed_is_a_sentence(said: dict[str, object], words: str, hint: str) -> None:
    status = job_status({"status": "FAILED", "metadata": {"run_id": "r1"}, **said})
    with pytest.raises(ClusterError, match=words):
        raise ClusterError(why(status)[0])
    assert hint in why(status)[1]


# --- waiting ---


@dataclass
class Waited:
    """What came of waiting."""

    outcome: Outcome
    seen: list[str]
    lines: list[str]
    said: list[str]
    seconds: float


Wait = Callable[..., Waited]


@pytest.fixture
def wait(ray: FakeRay) -> Wait:
    """Play statuses to whoever waits for a job that the cluster has, after these troubles."""

    def waited(
        *words: str | Callable[[], None],
        troubles: int = 0,
        step: float = 1.0,
        message: str = "",
        known: bool = True,
    ) -> Waited:
        if known:
            ray.client().submit(JOB)
        ray.script = [
            {"status": each, "message": message} if isinstance(each, str) else each
            for each in words
        ]
        ray.troubles = [httpx2.Response(503)] * troubles
        seen: list[JobStatus] = []
        lines: list[str] = []
        said: list[str] = []
        time = Time(step)
        follower = Follower(
            dashboard=ray.client(),
            name="ri-shop",
            seen=seen.append,
            uneasy=said.append,
            line=lines.append,
            clock=time.clock,
            sleep=time.sleep,
        )
        outcome, _ = follower.wait()
        return Waited(outcome, [each.job for each in seen], lines, said, time.now)

    return waited


def test_waiting_ends_when_it_has_ended(wait: Wait) -> None:
    found = wait("PENDING", "RUNNING", "RUNNING", "ODD", "RUNNING", "SUCCEEDED")
    assert found.outcome is Outcome.SUCCEEDED
    assert found.seen == ["PENDING", "RUNNING", "ODD", "RUNNING", "SUCCEEDED"]


def test_each_line_of_the_log_comes_once_and_whole(wait: Wait, ray: FakeRay) -> None:
    ray.logs = ["one\ntw", "one\ntwo\n", "one\ntwo\n", "one\ntwo\nthree"]
    assert wait(*["RUNNING"] * 3, "FAILED").lines == ["one", "two", "three"]


def test_a_log_that_is_begun_anew_is_read_anew(wait: Wait, ray: FakeRay) -> None:
    ray.logs = ["a long line\n", "x\n", "x\ny\n"]
    assert wait(*["RUNNING"] * 2, "STOPPED").lines == ["a long line", "x", "y"]


def test_a_job_that_vanished_is_no_success(wait: Wait) -> None:
    assert wait(known=False).outcome is Outcome.DELETED


def test_a_cluster_that_is_away_for_a_while_is_waited_for(wait: Wait) -> None:
    found = wait("RUNNING", "SUCCEEDED", troubles=6)
    assert found.outcome is Outcome.SUCCEEDED
    assert ["Asking again in 5 s" in each for each in found.said] == [True]


def test_a_cluster_that_is_away_now_and_then_is_waited_for(wait: Wait, ray: FakeRay) -> None:
    away = int(0.6 * AWAY_SECONDS / 5.5) * 4  # tries, of which a look has four

    def leave() -> None:
        ray.troubles = [httpx2.Response(503)] * away

    found = wait("RUNNING", leave, "RUNNING", leave, "SUCCEEDED", step=0.5)
    assert found.outcome is Outcome.SUCCEEDED
    assert found.seconds > AWAY_SECONDS


def test_a_cluster_that_stays_away_ends_the_waiting(wait: Wait, ray: FakeRay) -> None:
    with pytest.raises(NotNow, match="503"):
        wait(troubles=10_000)
    assert (
        len(ray.calls) > 4 * AWAY_SECONDS / 6 - 4
    )  # a look is four tries; a second passes, and the pause


def test_a_job_that_stays_pending_is_told_once(wait: Wait) -> None:
    found = wait(*["PENDING"] * 40, "FAILED", step=5, message="Waiting for resources.")
    assert found.said == ["The job has been pending for 60 s: Waiting for resources."]


def test_who_says_nothing_new_is_asked_less_and_less_often(wait: Wait) -> None:
    assert wait(*["RUNNING"] * 100, "SUCCEEDED", step=0).seconds > 90 * LONGEST_PAUSE


def test_who_talks_is_heard_at_once(wait: Wait, ray: FakeRay) -> None:
    ray.logs = ["x\n" * number for number in range(1, 102)]
    assert wait(*["RUNNING"] * 100, "SUCCEEDED", step=0).seconds < 100
