"""Buckets of S3 by moto: calls counted, nothing of the data listed, refusals, faults; checks and configs."""

import json
import socket

import pytest

from rayingest.connectors.database.deltalake import CONNECTOR, DeltaMetastore, DeltaStorage
from rayingest.core.source import ScopeListed
from rayingest.errors import ConfigError, Denied, SessionLost, Unauthorised, Unreachable
from rayingest.model import EntityType
from rayingest.testing.probe import Probe, of, sort

from ..aws import ACCOUNT
from .conftest import create, options, probe
from .story import field, make, tell

DATABASE, SCHEMA, TABLE = EntityType.DATABASE, EntityType.DATABASE_SCHEMA, EntityType.TABLE
METASTORES = (
    {"metastoreHostPort": "localhost:9083"},
    {"metastoreDb": "jdbc:mysql://h/d", "username": "u", "password": "canary", "driverName": "x"},
    {"metastoreFilePath": "metastore.db"},
)


def test_s3_tells_what_this_machine_tells(aws, tmp_path):
    tell("s3://lake/here", options(aws))
    tell(tmp_path)
    config = {"configSource": {"connection": {}, "bucketName": str(tmp_path)}}
    local = Probe(CONNECTOR, config).entities(TABLE)
    there = probe(aws, prefix="here").entities(TABLE)
    assert list(there) == [
        "svc.default.lake.author",
        "svc.default.lake.book",
        "svc.default.lake.loan",
    ]
    assert there["svc.default.lake.book"].location_path == "s3://lake/here/shop/book"
    told = [
        [(each.name, each.columns, each.partition) for each in e.values()] for e in (local, there)
    ]
    assert told[0] == told[1]
    probe(aws).agree(TABLE)


def test_all_buckets_where_none_is_named(aws):
    create(aws, "empty")
    make("s3://lake/t", field("a"), options=options(aws))
    asked = probe(aws, bucket="")
    found = {each.id for each in asked.descriptors(SCHEMA)}
    assert found == {"svc.default.empty", "svc.default.lake"}
    ends = [
        each for each in asked.listing() if isinstance(each, ScopeListed) and each.type is TABLE
    ]
    assert {each.scope: each.count for each in ends} == {
        "svc.default.empty": 0,
        "svc.default.lake": 1,
    }


def test_a_filtered_bucket_is_not_looked_into(aws):
    create(aws, "other")
    asked = probe(aws, bucket="")
    with aws.counted() as calls:
        asked.listing(filters={"schemaFilterPattern": {"includes": ["nothing"]}})
    assert len(calls) == 1


def test_calls_for_each_table_and_none_for_its_data(aws):
    client = aws.client("s3")
    for each in range(20):
        log = {"metaData": {"schemaString": '{"type": "struct", "fields": []}'}}
        for name, body in ((f"_delta_log/{0:020d}.json", json.dumps(log)), ("day=1/a.parquet", "")):
            client.put_object(Bucket="lake", Key=f"db/t{each}/{name}", Body=body)
    before = len(aws.environs)
    with probe(aws).open() as source:
        listed = of(source.discover_entities(TABLE, "svc.default.lake"))
        assert len(listed) == 20
        # Two for the bucket, two for db, one for each table.
        assert source.calls == 24
        sort(source.process_entities(listed))
        # The note of the last checkpoint, the listing, and the commit.
        assert source.calls == 24 + 60
    asked = [each["PATH_INFO"] + each["QUERY_STRING"] for each in aws.environs[before:]]
    assert not [each for each in asked if "day" in each]


def test_names_come_out_as_they_went_in(aws):
    hostile = ["a b", "a+b", "%41", "a&b", "ünïcödé 🛒", "a'b", "#?", "x=1"]
    log = {"metaData": {"schemaString": '{"type": "struct", "fields": []}'}}
    for each in hostile:
        key = f"in/{each}/_delta_log/{0:020d}.json"
        aws.client("s3").put_object(Bucket="lake", Key=key, Body=json.dumps(log))
    found = probe(aws).entities(TABLE)
    assert sorted(each.name for each in found.values()) == sorted(hostile)


def test_of_a_checkpoint_one_column_is_read(aws):
    """The list of files is what makes it large."""
    table = make("s3://lake/t", field("a"), options=options(aws))
    client = aws.client("s3")
    for version in range(1, 4):
        stats = [
            json.dumps({"numRecords": 1, "minValues": {"a": f"{version}-{i}" * 20}})
            for i in range(3000)
        ]
        adds = [
            {"path": f"{version}-{i}-{hash(text)}", "partitionValues": {}, "size": 1,
             "modificationTime": 1, "dataChange": True, "stats": text}
            for i, text in enumerate(stats)
        ]  # fmt: skip
        body = "".join(json.dumps({"add": each}) + "\n" for each in adds)
        client.put_object(Bucket="lake", Key=f"t/_delta_log/{version:020d}.json", Body=body)
    table.update_incremental()
    table.create_checkpoint()
    key = f"t/_delta_log/{3:020d}.checkpoint.parquet"
    size = client.head_object(Bucket="lake", Key=key)["ContentLength"]
    descriptors = probe(aws).descriptors(TABLE)
    before = len(aws.environs)
    with probe(aws).open() as source:
        found, _ = sort(source.process_entities(descriptors))
    spans = [each.get("HTTP_RANGE") for each in aws.environs[before:]]
    read = sum(int(b) - int(a) + 1 for a, b in (s[6:].split("-") for s in spans if s))
    assert [each.name for each in found["svc.default.lake.t"].columns] == ["a"]
    assert 0 < read < 300_000
    assert size > read


def test_a_role_is_assumed(aws):
    make("s3://lake/t", field("a"), options=options(aws))
    role = f"arn:aws:iam::{ACCOUNT}:role/reader"
    with aws.counted() as calls:
        assert len(probe(aws, assumeRoleArn=role).entities(TABLE)) == 1
    assert "sts" in calls


@pytest.mark.parametrize(
    ("status", "code", "kind", "says"),
    [
        (403, "AccessDenied", Denied, "s3:ListBucket"),
        (403, "InvalidAccessKeyId", Unauthorised, "keys"),
        (404, "NoSuchBucket", ConfigError, "bucketName"),
    ],
)
def test_a_listing_that_is_refused_says_what_to_do(aws, status, code, kind, says):
    with probe(aws).open() as source:
        aws.xml_faults += [(status, code, "It is so.")] * 10
        with pytest.raises(kind) as caught:
            list(source.discover_entities(TABLE, "svc.default.lake"))
    assert says in caught.value.hint
    assert "canary" not in str(caught.value)


def test_a_log_that_is_denied_costs_itself_alone(aws):
    for each in "ab":
        make(f"s3://lake/{each}", field("a"), options=options(aws))
    descriptors = probe(aws).descriptors(TABLE)
    with probe(aws).open() as source:
        aws.xml_faults += [(403, "AccessDenied", "It is so.")]
        found, failed = sort(source.process_entities(descriptors))
    assert [each.name for each in found.values()] == ["b"]
    (error,) = failed.values()
    assert isinstance(error, Denied)
    assert "s3:GetObject" in error.hint


def test_a_server_that_is_busy_is_asked_again(aws):
    make("s3://lake/t", field("a"), options=options(aws))
    descriptors = probe(aws).descriptors(TABLE)
    with probe(aws).open() as source:
        aws.xml_faults += [(503, "SlowDown", "It is so.")]
        found, _ = sort(source.process_entities(descriptors))
    assert len(found) == 1


def test_a_connection_that_is_cut_is_a_lost_session(aws):
    make("s3://lake/t", field("a"), options=options(aws))
    descriptors = probe(aws).descriptors(TABLE)
    with cutting() as url, pytest.raises((SessionLost, Unreachable)):  # noqa: PT012
        broken = probe(aws, endPointURL=url)
        with broken.open() as source:
            list(source.process_entities(descriptors))


def cutting():
    """A server that hangs up in the middle of every answer."""
    import contextlib
    import threading

    @contextlib.contextmanager
    def running():
        with socket.create_server(("127.0.0.1", 0)) as server:

            def hang_up():
                with contextlib.suppress(OSError):
                    while True:
                        client, _ = server.accept()
                        with client:
                            client.recv(65536)
                            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{")

            thread = threading.Thread(target=hang_up, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
            server.shutdown(socket.SHUT_RDWR)
        thread.join(5)

    return running()


def test_nobody_at_the_address(aws):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with probe(aws, endPointURL=url).open() as source, pytest.raises(Unreachable):
            list(source.discover_entities(TABLE, "svc.default.lake"))


def test_check_tells_what_works(aws):
    asked = probe(aws)
    lines = {each.capability: each for each in CONNECTOR.check(asked.settings())}
    assert lines["tables"].status == "warning"
    make("s3://lake/a/t", field("a"), options=options(aws))
    lines = {each.capability: each for each in CONNECTOR.check(asked.settings())}
    assert {each.status for each in lines.values()} == {"ok"}
    assert "s3://lake/a/t" in lines["tables"].why
    aws.xml_faults += [(403, "AccessDenied", "It is so.")]
    denied = [each for each in CONNECTOR.check(asked.settings()) if each.status == "denied"]
    assert "s3:ListBucket" in denied[0].grant
    missing = [*CONNECTOR.check(probe(aws, bucket="nobucket").settings())]
    assert [each.status for each in missing] == ["ok", "failed"]
    assert "bucketName" in missing[-1].grant


def test_a_folder_that_is_not_there(tmp_path):
    config = {"configSource": {"connection": {}, "bucketName": str(tmp_path / "no")}}
    with pytest.raises(Unreachable, match="no folder") as caught:
        Probe(CONNECTOR, config).open().__enter__()
    assert "securityConfig" in caught.value.hint
    with pytest.raises(ConfigError, match="neither"):
        Probe(CONNECTOR, {"configSource": {"connection": {}}}).open().__enter__()


@pytest.mark.parametrize("connection", METASTORES, ids=lambda each: next(iter(each)))
def test_a_metastore_is_refused(connection):
    asked = Probe(CONNECTOR, {"configSource": {"connection": connection, "appName": "x"}})
    assert isinstance(asked.settings().connection.configSource, DeltaMetastore)
    with pytest.raises(ConfigError, match="Spark") as caught:
        asked.open().__enter__()
    assert "bucketName" in caught.value.hint
    assert [each.status for each in CONNECTOR.check(asked.settings())] == ["failed"]


def test_openmetadatas_yaml_works_unchanged(contracts):
    folder = contracts / "openmetadata/schemas/entity/services/connections/database"
    schema = json.loads((folder / "deltaLakeConnection.json").read_text())
    model = CONNECTOR.connection
    assert set(schema["properties"]) <= set(model.model_fields)
    required = {name for name, each in model.model_fields.items() if each.is_required()}
    assert required == set(schema["required"])
    storage = json.loads((folder / "deltalake/storageConfig.json").read_text())
    assert set(storage["properties"]) == set(DeltaStorage.model_fields)
    metastore = json.loads((folder / "deltalake/metastoreConfig.json").read_text())
    assert set(metastore["properties"]) == set(DeltaMetastore.model_fields)
    wanted = {key for each in metastore["definitions"].values() for key in each["properties"]}
    assert wanted == {key for each in METASTORES for key in each} | {"jdbcDriverClassPath"}
