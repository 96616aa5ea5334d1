"""Blobs of Azure, by Azurite: the same tables as elsewhere, what is asked for, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from rayingest.connectors.database.datalake import CONNECTOR
from rayingest.core.source import ScopeListed
from rayingest.errors import (
    ConfigError,
    Denied,
    Gone,
    Permanent,
    Retryable,
    SessionLost,
    Throttled,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.storage import azure
from rayingest.model import EntityType
from rayingest.testing.probe import Probe, of, sort, walk
from rayingest.testing.processes import free_port
from rayingest.testing.servers import azurite

from ..aws import needed
from .front import CUT, standing
from .story import as_parquet, library

pytestmark = pytest.mark.slow
DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE
CSV = b"a,b\n1,x\n"
CANARY = "canary0OfASignature"
HURRIED = {**azure.RETRIES, "random_jitter_range": 0, "increment_base": 0}


@pytest.fixture(scope="module")
def server():
    needed("azure.storage.blob")
    needed("pyarrow")
    if why := azurite.ENVIRONMENT.available():
        pytest.skip(why)
    with azurite.server() as running:
        yield running


@pytest.fixture
def front(server, monkeypatch):
    monkeypatch.setattr(azure, "RETRIES", HURRIED)
    with standing(server) as before:
        yield before
    for each in server.client.list_containers():
        server.client.delete_container(each.name)


@pytest.fixture
def blobs(server, front, monkeypatch):
    """Put blobs into a container; answers a probe of it, which signs in by what the environment has."""

    def make(files=None, container="lake", sign_in="", **more):
        if files is not None:
            there = server.client.create_container(container)
            for name, content in files.items():
                there.upload_blob(name, content)
        text = server.connection(sign_in).replace(server.url, front.url)
        monkeypatch.setenv(azure.CONNECTION, text)
        source = {"securityConfig": {"accountName": server.account}}
        return Probe(CONNECTOR, {"configSource": source, "bucketName": container, **more})

    return make


def signature(server, hours=1, **may):
    """A signature (SAS) for the account, until then."""
    package = needed("azure.storage.blob")
    sas = package.generate_account_sas(
        server.account,
        server.key,
        resource_types=package.ResourceTypes(service=True, container=True, object=True),
        permission=package.AccountSasPermissions(**may),
        expiry=datetime.now(UTC) + timedelta(hours=hours),
    )
    return f"SharedAccessSignature={sas}"


def names(found):
    return sorted(each.name for each in found.values())


def tables(listing):
    return {each.metadata["name"]: each for each in of(listing) if each.type is TABLE}


def test_the_same_library_as_in_a_folder(blobs, local):
    probe = blobs(library())
    remote = {each.name: each for each in probe.entities(TABLE).values()}
    here = {each.name: each for each in local(library()).entities(TABLE).values()}
    assert {name: each.columns for name, each in remote.items()} == {
        name: each.columns for name, each in here.items()
    }
    assert remote["loan"].location_path == "abfs://lake/loan"
    for kind in (DATABASE, SCHEMA, TABLE):
        probe.agree(kind)


def test_all_containers_are_schemas_or_the_one_that_is_named(blobs, monkeypatch):
    monkeypatch.setattr(azure, "PAGE", 1)
    blobs({"a.csv": CSV}, "one")
    probe = blobs({"b.csv": CSV}, "two")
    assert list(probe.entities(SCHEMA)) == ["svc.default.two"]
    every = blobs(container="")
    assert sorted(every.entities(SCHEMA)) == ["svc.default.one", "svc.default.two"]
    assert names(every.entities(TABLE)) == ["a.csv", "b.csv"]


def test_a_folder_of_many_pages_is_told_whole(blobs, front, monkeypatch):
    probe = blobs({f"{each}{one}.csv": CSV for each in "abcde" for one in "xyz"})
    monkeypatch.setattr(azure, "PAGE", 4)
    with probe.open() as source:
        del front.asked[:]
        assert len(tables(walk(source))) == 15
        assert len(front.asked) == source.calls == 6  # two for the container's name, four pages


def test_a_page_that_does_not_come_ends_the_listing_with_an_error(blobs, front, monkeypatch):
    probe = blobs({f"{each}{one}.csv": CSV for each in "abcde" for one in "xyz"})
    monkeypatch.setattr(azure, "PAGE", 4)
    busy = (503, "ServerBusy")
    for faults, kind in (
        ([busy] * 9, Throttled),
        ([(500, "InternalError")] * 9, Retryable),
        ([CUT] * 9, SessionLost),
        ([(403, "AuthorizationFailure")], Denied),
    ):
        with probe.open() as source:
            rows = source.discover_entities(TABLE, "svc.default.lake")
            # The first page is refused, or the second.
            for before in (0, 1):
                front.faults = [None] * before + faults
                with pytest.raises(kind):
                    list(
                        rows if before == 0 else source.discover_entities(TABLE, "svc.default.lake")
                    )
    for once in (busy, CUT):
        front.faults = [None, once]
        with probe.open() as source:
            assert len(of(source.discover_entities(TABLE, "svc.default.lake"))) == 15


def test_partitions_are_passed_over_and_the_newest_is_read(blobs, front):
    days = {f"t/day={each}/part-0.csv": CSV for each in range(1, 32)}
    beside = dict.fromkeys(("t/day>x/b.csv", "tt/c.csv", "t.csv"), CSV)
    probe = blobs({**days, "t/day=31/part-1.csv": b"a,newest\n1,2\n", **beside})
    with probe.open() as source:
        found = tables(walk(source))
        assert sorted(found) == sorted(["t", *beside])
        assert found["t"].metadata["key"].endswith("t/day=31/part-1.csv")
        # Two for the container's name; the container, t, t/day>x, t/day=31 and tt.
        assert len(front.asked) == 7


def listed(front):
    asked = [path.partition("&prefix=")[2] for _, path, _ in front.asked if "&prefix=" in path]
    return [each.partition("&")[0] for each in asked]


def test_a_prefix_is_all_that_is_listed(blobs, front):
    keys = ("a/x.csv", "zone/_a/x.csv", "zone/ab/x.csv", "zone/abc.csv", "zone/b/y.csv", "zone.csv")
    probe = blobs(dict.fromkeys(keys, CSV), prefix="zone/a")
    with probe.open() as source:
        assert sorted(tables(walk(source))) == ["zone/ab/x.csv", "zone/abc.csv"]
    assert listed(front) == ["zone/a", "zone/ab/"]
    with blobs(prefix="zone/").open() as source:
        assert len(tables(walk(source))) == 3
    assert listed(front) == ["zone/a", "zone/ab/", "zone/", "zone/ab/", "zone/b/"]
    assert tables(blobs(prefix="none/there/").listing()) == {}


def test_names_arrive_as_they_are(blobs):
    hostile = ("a//b.csv", "/c.csv", "we?ird #1 %41+&.csv", "ünï/d.csv", "e /f.csv", "quo'te.csv")
    probe = blobs(dict.fromkeys(hostile, CSV))
    found, failed = probe.answers(TABLE)
    assert (names(found), failed) == (sorted(hostile), {})


def test_a_footer_is_read_by_one_range(blobs, front):
    content = as_parquet({"a": list(range(300_000))})
    probe = blobs({"big.parquet": content})
    found = probe.descriptors(TABLE)
    with probe.open() as source:
        front.asked.clear()
        assert len(sort(source.process_entities(found))[0]) == 1
        ((method, path, span),) = front.asked
        assert source.calls == 1
    assert (method, path) == ("GET", "/lakeaccount/lake/big.parquet")
    assert span == f"bytes={len(content) - 64 * 1024}-{len(content) - 1}"


def test_markers_of_folders_are_no_tables(blobs, server):
    probe = blobs({"t/a.csv": CSV})
    there = server.client.get_container_client("lake")
    there.upload_blob("t", b"", metadata={"hdi_isfolder": "true"})
    there.upload_blob("t/", b"", metadata={"hdi_isfolder": "true"})
    assert sorted(tables(probe.listing())) == ["t/a.csv"]


def test_what_is_cold_is_left_out_when_that_is_wanted(blobs, server):
    probe = blobs({"a.csv": CSV, "cool.csv": CSV, "cold.csv": CSV})
    for name, tier in (("cool.csv", "Cool"), ("cold.csv", "Archive")):
        server.client.get_blob_client("lake", name).set_standard_blob_tier(tier)
    listing = probe.listing(skipColdStorage=True)
    assert list(tables(listing)) == ["a.csv"]
    (end,) = [each for each in listing if isinstance(each, ScopeListed) and each.type is TABLE]
    assert (end.mode, end.why) == ("changes", "skipColdStorage is true")
    found, failed = probe.answers(TABLE)
    assert names(found) == ["a.csv", "cool.csv"]
    (error,) = failed.values()
    assert type(error) is Permanent
    assert "BlobArchived" in str(error)
    assert "skipColdStorage" in error.hint


def test_what_is_not_there(blobs, server):
    with blobs(container="none").open() as source, pytest.raises(ConfigError) as caught:
        list(source.discover_entities(DATABASE))
    assert "bucketName" in caught.value.hint
    probe = blobs({"gone.csv": CSV, "left.csv": CSV})
    found = probe.descriptors(TABLE)
    server.client.get_blob_client("lake", "gone.csv").delete_blob()
    with probe.open() as source:
        there, failed = sort(source.process_entities(found))
    assert names(there) == ["left.csv"]
    assert [type(each) for each in failed.values()] == [Gone]


def test_a_blob_that_shrank_is_read_as_it_is_now(blobs, server):
    probe = blobs({"b.parquet": as_parquet({"x" * 9000: [1]})})
    found = probe.descriptors(TABLE)
    there = server.client.get_blob_client("lake", "b.parquet")
    there.upload_blob(as_parquet({"y": [1]}), overwrite=True)
    with probe.open() as source:
        told, failed = sort(source.process_entities(found))
    assert not failed
    assert [each.name for table in told.values() for each in table.columns] == ["y"]


def test_a_signature_may_list_and_read(blobs, server):
    may = signature(server, read=True, list=True)
    assert names(blobs({"a.csv": CSV}, sign_in=may).entities(TABLE)) == ["a.csv"]
    assert list(blobs(container="", sign_in=may).entities(SCHEMA)) == ["svc.default.lake"]


def test_whom_azure_does_not_know(blobs, server):
    blobs({"a.csv": CSV})
    other = "AccountKey=Y2FuYXJ5LW9mLWEta2V5LXRoYXQtaXMtd3Jvbmc="
    ended = signature(server, hours=-1, read=True, list=True)
    for sign_in in (other, "AccountKey=canary", ended):
        with blobs(sign_in=sign_in).open() as source, pytest.raises(Unauthorised) as caught:
            list(source.discover_entities(DATABASE))
        assert "expired" in caught.value.hint
        assert "canary" not in str(caught.value)


def test_what_a_signature_does_not_allow(blobs, server):
    blobs({"a.csv": CSV})
    (found,) = blobs().descriptors(TABLE)
    with blobs(sign_in=signature(server, read=True)).open() as source:
        with pytest.raises(Denied) as caught:
            list(source.discover_entities(TABLE, "svc.default.lake"))
        assert "signature" in caught.value.hint
        assert "sig=" not in str(caught.value)
    with blobs(sign_in=signature(server, list=True)).open() as source:
        (denied,) = sort(source.process_entities([found]))[1].values()
    assert type(denied) is Denied
    every = blobs(container="", sign_in=signature(server, read=True))
    with every.open() as source, pytest.raises(Denied) as caught:
        list(source.discover_entities(DATABASE))
    assert "bucketName" in caught.value.hint


def test_nobody_answers_and_no_signature_is_told(server, monkeypatch):
    monkeypatch.setattr(azure, "RETRIES", HURRIED)
    place = f"http://127.0.0.1:{free_port()}/{server.account}"
    sign_in = f"SharedAccessSignature=sv=2024-11-04&ss=b&sig={CANARY}"
    monkeypatch.setenv(azure.CONNECTION, f"{sign_in};BlobEndpoint={place}")
    source = {"securityConfig": {"accountName": server.account}}
    probe = Probe(CONNECTOR, {"configSource": source, "bucketName": "lake"})
    with probe.open() as source, pytest.raises(Unreachable) as caught:
        list(source.discover_entities(DATABASE))
    assert "accountName" in caught.value.hint
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value)


def test_check(blobs, front):
    settings = blobs({"a.csv": CSV}).settings()
    lines = [(each.capability, each.status) for each in CONNECTOR.check(settings)]
    assert lines == [("connect", "ok"), ("tables", "ok"), ("columns", "ok")]
    front.faults = [(403, "AuthorizationPermissionMismatch")]
    (line,) = CONNECTOR.check(settings)
    assert (line.capability, line.status) == ("connect", "denied")
    assert "Storage Blob Data Reader" in line.grant
