"""What goes wrong at Google, what it is called, and that nothing hangs or looks empty."""

import threading
import time
from contextlib import suppress

import pytest

from rayingest.connectors.database.bigquery import CONNECTOR
from rayingest.core.source import ScopeListed
from rayingest.errors import (
    Denied,
    Permanent,
    RayingestError,
    Retryable,
    SessionLost,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.model import EntityType
from rayingest.testing.probe import Probe, sort, walk
from rayingest.testing.processes import free_port

from .faults import Fault, between

TABLE = EntityType.TABLE


@pytest.fixture
def proxy(server, make):
    make("create schema shop", "create table shop.t (id int64)")
    with between(server.url) as made:
        yield made


@pytest.fixture
def probe(proxy, project):
    def at(**changes):
        credentials = {"gcpConfig": {"type": "gcp_adc", "projectId": project}}
        config = {"hostPort": proxy.url, "credentials": credentials, **changes}
        return Probe(CONNECTOR, config)

    return at


LISTED, QUERY = "/tables?", "POST /bigquery/v2/projects"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(LISTED, 403, "accessDenied"), Denied),
        (Fault(LISTED, 403, "rateLimitExceeded"), Throttled),
        (Fault(LISTED, 403, "quotaExceeded"), Throttled),
        (Fault(LISTED, 429, "tooManyRequests"), Throttled),
        (Fault(LISTED, 500, "internalError"), Retryable),
        (Fault(LISTED, 503, "backendError"), Retryable),
        (Fault(LISTED, 400, "invalid"), Permanent),
        (Fault(LISTED, 403, "accessNotConfigured"), Denied),
        (Fault(LISTED), SessionLost),
        (Fault("/datasets?", 401, "authError"), Unauthorised),
    ],
    ids=lambda each: each.reason or "hung up" if isinstance(each, Fault) else "",
)
def test_a_listing_that_fails_is_no_empty_one(proxy, probe, fault, expected):
    proxy.faults.append(fault)
    listed = []
    with probe().open() as source, pytest.raises(expected) as raised:
        listed.extend(walk(source))
    assert type(raised.value) is expected
    assert not any(isinstance(e, ScopeListed) and e.type is TABLE for e in listed)
    assert proxy.url not in str(raised.value)


def test_a_second_page_that_fails_is_no_end(proxy, probe, make):
    proxy.page = 1
    make("create table shop.u (id int64)")
    assert len(probe().descriptors(TABLE)) == 2
    assert sum("pageToken" in each for each in proxy.asked) == 1
    proxy.faults.append(Fault("pageToken=", 503, "backendError"))
    with pytest.raises(Retryable):
        probe().descriptors(TABLE)


@pytest.mark.parametrize(
    ("fault", "expected", "hint"),
    [
        (
            Fault(
                QUERY,
                403,
                "accessDenied",
                "Access Denied: Project p: User does not have bigquery.jobs.create permission in project p.",
            ),
            Denied,
            "roles/bigquery.jobUser",
        ),
        (Fault(QUERY, 403, "accessDenied", inside="COLUMNS"), Denied, "metadataViewer"),
        (Fault(QUERY, 403, "quotaExceeded", headers={"Retry-After": "7"}), Throttled, ""),
        (Fault(QUERY, 403, "billingNotEnabled"), Denied, "billing"),
        (Fault("/queries/", 503, "backendError"), Retryable, ""),
    ],
    ids=["jobs", "rights", "quota", "billing", "busy"],
)
def test_a_query_that_fails_says_why(proxy, probe, fault, expected, hint):
    descriptors = probe().descriptors(TABLE)
    proxy.faults.append(fault)
    with probe().open() as source:
        try:
            (answer,) = source.process_entities(descriptors)
            error = answer.error
        except RayingestError as raised:  # what is not about this dataset alone
            error = raised
    assert type(error) is expected
    assert hint in (error.hint or "")
    assert str(error) == fault.message  # no URL, no number of a job
    assert getattr(error, "wait", 7) == 7


def test_one_dataset_that_is_closed_costs_only_its_own(proxy, probe, make):
    made = make("create schema closed", *(f"create table closed.t{n} (id int64)" for n in range(9)))
    descriptors = made.descriptors(TABLE)
    proxy.faults.append(Fault(QUERY, 403, "accessDenied", inside="`closed`"))
    with probe().open() as source:
        found, failed = sort(source.process_entities(descriptors))
        assert source.calls < 10
    assert [each.name for each in found.values()] == ["t"]
    assert len(failed) == 9
    assert {type(each) for each in failed.values()} == {Denied}


def test_without_the_right_to_run_jobs_nobody_tries_each_dataset(proxy, probe, make):
    made = make(*(f"create schema d{n}; create table d{n}.t (id int64)" for n in range(5)))
    descriptors = made.descriptors(TABLE)
    denied = "Access Denied: Project p: User does not have bigquery.jobs.create permission."
    proxy.faults.append(Fault(QUERY, 403, "accessDenied", denied))
    with probe().open() as source:
        _, failed = sort(source.process_entities(descriptors))
        assert source.calls == 2  # where datasets lie, and one statement
    assert len(failed) == 6


def test_nothing_hangs(proxy, probe):
    descriptors = probe().descriptors(TABLE)
    proxy.faults.append(Fault(QUERY, wait=20))
    before = time.monotonic()
    with pytest.raises(TimedOut), probe().open(call_timeout=1) as source:
        list(source.process_entities(descriptors))
    assert time.monotonic() - before < 5
    proxy.faults[:] = [Fault(LISTED, wait=20)]
    with pytest.raises(TimedOut):
        probe().descriptors(TABLE, call_timeout=1)


def test_cancel_stops_the_job_under_way(proxy, probe):
    """What the emulator makes of it is its own affair: Google must be told, at once."""
    descriptors = probe().descriptors(TABLE)
    proxy.faults.append(Fault("/queries/", wait=20, times=1))
    with probe().open() as source:
        thread = threading.Thread(target=_swallow, args=(source, descriptors))
        thread.start()
        _until(lambda: any("/queries/" in each for each in proxy.asked))
        before = time.monotonic()
        source.cancel()
        assert time.monotonic() - before < 0.5
        _until(lambda: any("/cancel" in each for each in proxy.asked))
        (told,) = (each for each in proxy.asked if "/cancel" in each)
        assert "/jobs/rayingest-" in told
        proxy.released.set()
        thread.join(10)
    assert not thread.is_alive()


def test_a_listing_stops_after_its_page(proxy, probe, project):
    with probe().open() as source:
        listing = source.discover_entities(TABLE, f"svc.{project}.shop")
        assert next(listing)
        source.cancel()
        with pytest.raises(TimedOut):
            list(listing)
        assert len(list(source.discover_entities(TABLE, f"svc.{project}.shop"))) == 2  # and its end


def test_check_says_which_role_is_missing(proxy, probe):
    proxy.faults.append(Fault(LISTED, 403, "accessDenied"))
    jobs = "Access Denied: User does not have bigquery.jobs.create permission in project p."
    proxy.faults.append(Fault(QUERY, 403, "accessDenied", jobs))
    told = {each.capability: each for each in CONNECTOR.check(probe().settings())}
    assert told["connect"].status == "ok"
    assert (told["tables"].status, told["columns"].status) == ("denied", "denied")
    assert "roles/bigquery.metadataViewer" in told["tables"].grant
    assert "roles/bigquery.jobUser" in told["columns"].grant
    proxy.faults[:] = [Fault("/datasets?", 403, "accessDenied")]
    (only,) = CONNECTOR.check(probe().settings())
    assert (only.capability, only.status) == ("connect", "denied")


def test_nobody_is_there():
    config = {
        "hostPort": f"http://127.0.0.1:{free_port()}",
        "credentials": {"gcpConfig": {"type": "gcp_adc", "projectId": "p"}},
    }
    before = time.monotonic()
    (told,) = CONNECTOR.check(Probe(CONNECTOR, config).settings())
    assert (told.capability, told.status) == ("connect", "failed")
    assert told.why.endswith("cannot be reached: Connection refused")
    assert "hostPort" in told.grant
    with pytest.raises(Unreachable):
        Probe(CONNECTOR, config).listing()
    assert time.monotonic() - before < 5


def _swallow(source, descriptors):
    with suppress(RayingestError):
        list(source.process_entities(descriptors))


def _until(holds):
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
