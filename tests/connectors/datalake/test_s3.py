"""Objects in S3, by moto: pages, jumps over what is known, pieces, refusals, and how often it is asked."""

import pytest

from rayingest.connectors.database.datalake import CONNECTOR
from rayingest.core.source import ScopeListed
from rayingest.errors import (
    ConfigError,
    Denied,
    Gone,
    Permanent,
    Retryable,
    Throttled,
    Unauthorised,
)
from rayingest.model import EntityType
from rayingest.testing.probe import Probe, of, sort, walk

from .story import as_lines, as_parquet, library

DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE
CSV = b"a,b\n1,x\n"
NO = "<Error><Code>{}</Code><Message>no</Message></Error>"


def words(count):
    """Names that do not count anything: those that do are one table."""
    return ["".join("abcdefghij"[int(digit)] for digit in f"{each:04}") for each in range(count)]


def names(found):
    return sorted(each.name for each in found.values())


def test_the_same_library_as_in_a_folder(s3, local):
    remote = {each.name: each for each in s3(library()).entities(TABLE).values()}
    here = {each.name: each for each in local(library()).entities(TABLE).values()}
    assert {name: each.columns for name, each in remote.items()} == {
        name: each.columns for name, each in here.items()
    }
    assert remote["loan"].location_path == "s3://lake/loan"
    assert remote["loan"].fqn == "svc.default.lake.loan"
    assert remote["reviews.csv"].fqn == 'svc.default.lake."reviews.csv"'


def test_all_buckets_are_schemas_or_the_one_that_is_named(s3):
    s3({"a.csv": CSV}, "one")
    probe = s3({"b.csv": CSV}, "two")
    assert sorted(probe.entities(SCHEMA)) == ["svc.default.one", "svc.default.two"]
    assert names(probe.entities(TABLE)) == ["a.csv", "b.csv"]
    assert list(s3(bucketName="two").entities(SCHEMA)) == ["svc.default.two"]
    only = {"schemaFilterPattern": {"includes": ["one"]}}
    assert [each.metadata["name"] for each in probe.descriptors(TABLE, filters=only)] == ["a.csv"]
    for kind in (DATABASE, SCHEMA, TABLE):
        probe.agree(kind)


def test_a_dropped_bucket_is_not_listed(aws, s3):
    s3({"a.csv": CSV}, "one")
    probe = s3({"b.csv": CSV}, "two")
    only = {"schemaFilterPattern": {"includes": ["one"]}}
    with probe.open(filters=only) as source, aws.counted() as asked:
        list(walk(source))
    assert len(asked) == 3  # whether we are known, the buckets, one of them


def test_thousands_of_objects_are_one_table_each_by_a_call_for_a_thousand(aws, s3):
    probe = s3({f"zone/{each}.csv": CSV for each in words(2100)})
    with probe.open(bucketName="lake") as source:
        with aws.counted() as asked:
            listing = list(walk(source))
        tables = [each for each in of(listing) if each.type is TABLE]
        assert len(tables) == 2100
        assert len(asked) == 5  # two for the name of the bucket
        with aws.counted() as asked:
            found, failed = sort(source.process_entities(tables[:50]))
        assert (len(found), failed, len(asked)) == (50, {}, 50)


def test_partitions_are_passed_over_and_the_newest_is_read(aws, s3):
    one = {f"t/day={each:05}/part-0.csv": CSV for each in range(2100)}
    probe = s3({**one, "t/day=03500/part-0.csv": b"a,newest\n1,2\n", "u/b.csv": CSV, "a.csv": CSV})
    with probe.open(bucketName="lake") as source, aws.counted() as asked:
        tables = {each.metadata["name"]: each for each in of(walk(source)) if each.type is TABLE}
    assert sorted(tables) == ["a.csv", "t", "u/b.csv"]
    assert tables["t"].metadata["key"].endswith("t/day=03500/part-0.csv")
    # Two for the bucket's name, two pages, three of partitions, one for the newest, one for what follows.
    assert len(asked) == 9


def test_what_lies_beside_a_passed_table_is_found(s3):
    one = {f"t/day={each:05}/part-0.csv": CSV for each in range(2100)}
    beside = dict.fromkeys(("t/day>x/b.csv", "t/dax.csv", "t/dz.csv", "t0.csv"), CSV)
    assert names(s3({**one, **beside}).entities(TABLE)) == sorted(["t", *beside])


def test_a_prefix_inside_of_partitions_is_listed_as_it_is(s3):
    one = {f"t/day=1/{each:05}.csv": CSV for each in range(2100)}
    probe = s3({**one, "t/day=2/0.csv": b"a,b,c\n"}, prefix="t/day=1/")
    (found,) = probe.descriptors(TABLE)
    assert found.metadata["key"].endswith("t/day=1/02099.csv")


def test_a_table_of_delta_is_passed_over(aws, s3):
    log = {f"d/_delta_log/{each:020}.json": b"{}" for each in range(1001)}
    data = {f"d/part-{each:05}.parquet": b"x" for each in range(20)}
    probe = s3({**log, **data, "z.csv": CSV})
    with probe.open(bucketName="lake") as source, aws.counted() as asked:
        found = [each.metadata["name"] for each in of(walk(source)) if each.type is TABLE]
    assert found == ["z.csv"]
    assert (
        len(asked) == 4
    )  # two for the bucket's name, a page that ends in the log, what lies behind


def test_a_footer_takes_one_request(aws, s3):
    probe = s3({"big.parquet": as_parquet({"a": list(range(300_000))})})
    tables = probe.descriptors(TABLE)
    with probe.open() as source:
        with aws.counted() as asked:
            found, _ = sort(source.process_entities(tables))
        assert source.calls == len(asked) == 1
    assert aws.environs[-1]["HTTP_RANGE"].startswith("bytes=")
    assert len(found) == 1


def test_what_is_cold_is_left_out_when_that_is_wanted(aws, s3):
    probe = s3({"a.csv": CSV})
    aws.client("s3").put_object(Bucket="lake", Key="cold.csv", Body=CSV, StorageClass="GLACIER")
    listing = probe.listing(skipColdStorage=True)
    assert [each.metadata["name"] for each in of(listing) if each.type is TABLE] == ["a.csv"]
    (end,) = [each for each in listing if isinstance(each, ScopeListed) and each.type is TABLE]
    assert (end.mode, end.why) == ("changes", "skipColdStorage is true")
    found, failed = probe.answers(TABLE)
    assert names(found) == ["a.csv"]
    (error,) = failed.values()
    assert type(error) is Permanent
    assert "skipColdStorage" in error.hint


def test_a_bucket_that_is_refused_never_looks_empty(aws, s3):
    probe = s3({"a.csv": CSV})
    with probe.open() as source:
        list(source.discover_entities(DATABASE))
        list(source.discover_entities(SCHEMA, "svc.default"))
        aws.pages.append((403, NO.format("AccessDenied")))
        with pytest.raises(Denied) as caught:
            list(source.discover_entities(TABLE, "svc.default.lake"))
    assert "s3:ListBucket" in caught.value.hint


def test_a_listing_that_breaks_off_raises(aws, s3):
    probe = s3({f"{each}.csv": CSV for each in words(1001)})
    with probe.open() as source:
        rows = source.discover_entities(TABLE, "svc.default.lake")
        aws.pages += [(503, NO.format("InternalError"))] * 6
        with pytest.raises(Retryable):
            list(rows)
        aws.pages[:] = [(503, NO.format("SlowDown"))]
        assert len(of(source.discover_entities(TABLE, "svc.default.lake"))) == 1001


def test_one_object_that_is_refused_costs_its_table_alone(aws, s3):
    probe = s3({"a.csv": CSV, "b.csv": CSV, "c.csv": CSV})
    descriptors = probe.descriptors(TABLE)
    aws.client("s3").delete_object(Bucket="lake", Key="c.csv")
    aws.pages.append((403, NO.format("AccessDenied")))
    with probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert names(found) == ["b.csv"]
    denied, gone = failed.values()
    assert (type(denied), type(gone)) == (Denied, Gone)
    assert "s3:GetObject" in denied.hint


def test_who_may_not_list_buckets_learns_to_name_one(aws, s3):
    probe = s3({"a.csv": CSV})
    aws.pages.append((403, NO.format("AccessDenied")))
    with probe.open() as source, pytest.raises(Denied) as caught:
        list(source.discover_entities(DATABASE))
    assert "s3:ListAllMyBuckets" in caught.value.hint
    assert "bucketName" in caught.value.hint


def test_whom_s3_does_not_know(aws, s3):
    probe = s3({"a.csv": CSV})
    for code, kind in (
        ("InvalidAccessKeyId", Unauthorised),
        ("SignatureDoesNotMatch", Unauthorised),
    ):
        aws.pages.append((403, NO.format(code)))
        with probe.open() as source, pytest.raises(kind):
            list(source.discover_entities(DATABASE))
    aws.pages += [(503, NO.format("SlowDown"))] * 6
    with probe.open() as source, pytest.raises(Throttled):
        list(source.discover_entities(DATABASE))


def test_a_bucket_that_is_not_there_is_the_configs_fault(s3):
    with s3(bucketName="none").open() as source, pytest.raises(ConfigError, match="NoSuchBucket"):
        list(source.discover_entities(DATABASE))
    (line,) = CONNECTOR.check(s3(bucketName="none").settings())
    assert (line.capability, line.status) == ("connect", "failed")


def test_an_object_that_shrank_is_read_as_it_is_now(aws, s3):
    probe = s3(
        {"a.json": as_lines([{"a": "x" * 1000}]) * 100, "b.parquet": as_parquet({"x" * 9000: [1]})}
    )
    descriptors = probe.descriptors(TABLE)
    s3_client = aws.client("s3")
    s3_client.put_object(Bucket="lake", Key="a.json", Body=as_lines([{"b": 1}]))
    s3_client.put_object(Bucket="lake", Key="b.parquet", Body=as_parquet({"y": [1]}))
    with probe.open() as source:
        found, failed = sort(source.process_entities(descriptors))
    assert not failed
    assert [[column.name for column in each.columns] for each in found.values()] == [["b"], ["y"]]


def test_check(aws, s3):
    probe = s3({"a.csv": CSV})
    lines = [(each.capability, each.status) for each in CONNECTOR.check(probe.settings())]
    assert lines == [("connect", "ok"), ("tables", "ok"), ("columns", "ok")]
    settings = probe.settings(bucketName="lake")
    aws.pages.append((403, NO.format("AccessDenied")))
    assert [each.status for each in CONNECTOR.check(settings)] == ["denied"]


def test_credentials_are_missing():
    probe = Probe(CONNECTOR, {"configSource": {"securityConfig": None}, "bucketName": "lake"})
    with pytest.raises(ConfigError, match="securityConfig") as caught, probe.open():
        pass
    assert "awsRegion" in caught.value.hint
