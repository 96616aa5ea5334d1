"""What an incremental run hears of Snowflake, and what it then leaves out."""

import pytest
import yaml

import rayingest as ri
from rayingest.config.options import Incremental
from rayingest.connectors.database.snowflake import CONNECTOR
from rayingest.kit.sql.snowflake.changes import columns, token
from rayingest.model import EntityType

TABLE = EntityType.TABLE
INCREMENTAL = {"incremental": Incremental(enabled=True)}
THEN = 1_772_366_400_000


def row(what="BASE TABLE", ddl=THEN, created=THEN, owner="BOSS"):
    return ("PUBLIC", 1, "T", what, ddl, created, owner)


@pytest.mark.parametrize("what", ["BASE TABLE", "TRANSIENT", "VIEW"])
def test_tables_and_views_have_a_token(what):
    assert token(row(what)) is not None


@pytest.mark.parametrize(
    "what",
    ["DYNAMIC", "ICEBERG", "EXTERNAL TABLE", "MATERIALIZED VIEW", "EVENT TABLE", "STAGE", "STREAM"],
)
def test_what_the_vendor_does_not_speak_of_has_none(what):
    assert token(row(what)) is None


def test_another_definition_creation_or_owner_is_another_token():
    told = [row(), row(ddl=THEN + 1), row(created=THEN + 1), row(owner="OTHER")]
    assert len({token(each) for each in told}) == 4


def test_what_is_younger_than_the_margin_has_none():
    assert token(row(ddl=None)) is None
    assert "dateadd(day, -3, current_timestamp())" in columns(3)["token"]
    assert set(columns(None).values()) == {""}


@pytest.fixture(scope="module")
def shop(make):
    return make(
        "incremental",
        "create table a (i int)",
        "create table b (i int)",
        "create view v as select i from a",
    )


def test_the_listing_has_tokens_and_is_one_statement_all_the_same(shop):
    with shop.open(options=INCREMENTAL) as source:
        before = source.calls
        listed = [*source.discover_entities(EntityType.DATABASE_SCHEMA, "svc.INCREMENTAL")]
        assert source.calls - before == 1
    found = [
        each for each in listed if getattr(each, "type", None) is TABLE and hasattr(each, "id")
    ]
    assert [each.metadata["name"] for each in found] == ["A", "B", "V"]
    assert all(each.token for each in found)
    assert not any(each.token for each in shop.descriptors(TABLE))


def test_check_says_how_many_tell(shop):
    lines = {each.capability: each for each in CONNECTOR.check(shop.settings(options=INCREMENTAL))}
    assert lines["incremental"].why == "2 of 2 tables and views tell when they were defined last"
    assert "incremental" not in {each.capability for each in CONNECTOR.check(shop.settings())}


def test_a_second_run_asks_for_no_table_and_deletes_what_was_dropped(shop, server, tmp_path):
    """fakesnow never moves LAST_DDL: here only names can change."""

    def run():
        tree = {
            "source": {
                "type": "snowflake",
                "serviceName": "svc",
                "serviceConnection": {"config": shop.config},
                "sourceConfig": {"config": {"incremental": {"enabled": True}}},
            },
            "sink": {"type": "file", "config": {"path": str(tmp_path / "out")}},
            "workflowConfig": {"distributedExecution": {"stateUrl": str(tmp_path / "state")}},
        }
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(tree))
        report = ri.load(path, flags={"engine": "local"}).run(allow_deletions=True).report
        assert report.exit_code == 0, report.errors
        return report

    first, second = run(), run()
    assert second.types["table"]["unchanged"] == first.types["table"]["ok"] == 3
    # Relations, columns and keys: none of them is asked for.
    assert first.calls["source"] - second.calls["source"] >= 3
    server.run("drop table incremental.public.b", "create table incremental.public.c (i int)")
    third = run()
    assert third.types["table"]["ok"] == third.types["table"]["deleted"] == 1
    assert third.types["table"]["unchanged"] == 2
