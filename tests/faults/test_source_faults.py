# ruff: noqa: S608 - statements for databases of our own
"""The source goes wrong: what the user is told, what arrives all the same, and who is blamed."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

import rayingest as ri
from rayingest.model import EntityType

from ..running import BROKEN, COLLECTIONS, PASSWORD, ROLE, Proxy, World, tells, told

BATCH = b"pg_get_viewdef"  # in no other statement than the one that opens a batch of tables
TWO = "create table a (i int primary key); create table b (i int references a)"


def test_a_clean_run_is_what_the_others_are_compared_with(world: World, clean: Any) -> None:
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("success", 0)
    assert world.outcome() == clean
    assert len(clean["tables"]) == 60


# --- nobody lets us in ---


def test_a_wrong_password_names_server_user_and_what_to_check(world: World) -> None:
    wrong = "canary-wrong-55ad"
    world.secrets += (wrong,)
    run = world.run(world.config(connection={"authType": {"password": wrong}}))
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    tells(run.report, world.server.host_port, f"'{ROLE}'", "password authentication failed")
    tells(run.report, "authType")
    assert one_cause(run)


def test_an_unknown_user_is_told_like_a_wrong_password(world: World) -> None:
    run = world.run(world.config(connection={"username": "nobody_we_know"}))
    assert run.report.exit_code == 1
    tells(run.report, "'nobody_we_know'", world.server.host_port, "username")


def test_a_host_that_is_down_is_named_with_what_to_check(world: World) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{unused.getsockname()[1]}"
        run = world.run(world.config(connection={"hostPort": where}))
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    tells(run.report, where, "does not answer", "Check hostPort")
    assert one_cause(run)


def test_a_host_without_a_name_is_named(world: World) -> None:
    run = world.run(world.config(connection={"hostPort": "no-such-host.invalid:5432"}))
    assert run.report.exit_code == 1
    tells(run.report, "no-such-host.invalid", "does not answer", "Check hostPort")


def test_a_missing_database_is_named_with_a_way_to_list_them(world: World) -> None:
    run = world.run(world.config(connection={"database": "nothing_here"}))
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    tells(run.report, "'nothing_here'", world.server.host_port, "psql -l", "`database`")
    assert one_cause(run)


def one_cause(run: Any) -> bool:
    """A source that lets nobody in is one error, not one for each part of the run that met it."""
    first, *rest = run.report.errors
    assert first.count == 1, told(run.report)
    assert {each.kind for each in rest} <= {"NotReached"}, told(run.report)
    return True


# --- it lets us see a part ---


def test_permission_on_one_schema_only_reads_all_that_the_catalogue_shows(
    world_of: Callable[..., World],
) -> None:
    world = world_of(
        "one_schema",
        f"create schema mine; create schema theirs; create table mine.a (i int); "
        f"create table theirs.b (i int); create view theirs.v as select * from theirs.b; "
        f"grant usage on schema mine to {ROLE}; grant select on mine.a to {ROLE}",
    )
    run = world.run()
    assert run.report.exit_code == 0
    assert set(world.outcome()["tables"]) == {
        "svc.one_schema.mine.a",
        "svc.one_schema.theirs.b",
        "svc.one_schema.theirs.v",
    }


def test_a_database_that_we_may_not_connect_to_is_denied_with_the_grant(
    world_of: Callable[..., World],
) -> None:
    world = world_of(
        "closed", "create table a (i int)", "revoke connect on database closed from public"
    )
    run = world.run()
    assert run.report.exit_code == 1
    tells(run.report, "closed", f'GRANT CONNECT ON DATABASE "closed" TO "{ROLE}"')


def test_a_catalogue_table_closed_to_us_fails_the_tables_with_its_name_and_the_grant(
    world_of: Callable[..., World],
) -> None:
    world = world_of("no_policies", f"{TWO}; revoke select on pg_catalog.pg_policy from public")
    run = world.run()
    assert run.report.exit_code == 1
    assert run.report.types["table"]["failed"] == 2
    assert run.report.types["databaseSchema"]["ok"] == 1
    tells(run.report, "pg_policy", "GRANT SELECT ON pg_policy")
    assert world.run(world.config(options={"includeTags": False})).report.exit_code == 0


def broken_among(count: int, database: str, world_of: Callable[..., World]) -> World:
    """Views `v000` …, and `bad`, whose rule speaks of a table that is no more."""
    return world_of(
        database,
        BROKEN.format(s="public"),
        "drop table public.lost cascade",
        ";".join(f"create view public.v{at:04} as select i from public.t" for at in range(count)),
    )


@pytest.mark.parametrize(
    ("count", "database"),
    [(30, "views30"), pytest.param(1000, "views1000", marks=pytest.mark.slow)],
)
def test_one_unreadable_view_fails_alone(
    count: int, database: str, world_of: Callable[..., World]
) -> None:
    world = broken_among(count, database, world_of)
    run = world.run()
    assert (run.report.state, run.report.exit_code) == ("partialSuccess", 3)
    (failure,) = run.failures
    assert failure.id == f"svc.{database}.public.bad"
    assert (failure.type, failure.kind) == (EntityType.TABLE, "Permanent")
    tells(run.report, f"svc.{database}.public.bad", "recreate or drop it")
    assert len(world.outcome()["tables"]) == count + 1
    assert run.entity(failure.id).status == "failed"
    # Halving costs a few statements for each halving, not for each view.
    assert run.report.calls["source"] < 40 + 12 * 5 + count // 8


def test_partial_ok_turns_3_into_0_and_says_the_same(world_of: Callable[..., World]) -> None:
    world = broken_among(30, "views_ok", world_of)
    run = world.run(partial_ok=True)
    assert (run.report.state, run.report.exit_code) == ("partialSuccess", 0)
    tells(run.report, "Partial success", "1 failed")


def test_below_the_success_threshold_a_run_has_failed(world_of: Callable[..., World]) -> None:
    world = broken_among(3, "views_few", world_of)
    assert world.run().report.exit_code == 1
    config = world.config(workflow={"successThreshold": 50})
    assert world.run(config).report.exit_code == 3


# --- it changes while we read ---


def when_described(server: Any, number: int, do: Callable[[], None]) -> Callable[[bytes], None]:
    """A hook that acts once, just before the batch with this relation is asked for."""
    done = []

    def hook(data: bytes) -> None:
        if BATCH in data and not done and has(data, number):
            done.append(True)
            do()

    return hook


def has(data: bytes, number: int) -> bool:
    """Whether a batch asks for this relation."""
    return any(each in data for each in (b"{%d," % number, b",%d," % number, b",%d}" % number)) or (
        b"{%d}" % number in data
    )


def oid(world: World, name: str) -> int:
    with world.server.connect(world.database) as connection:
        return int(connection.execute("select %s::regclass::oid::int8", [name]).fetchone()[0])


def execute(world: World, statement: str) -> None:
    with world.server.connect(world.database) as connection:
        connection.execute(statement)


MANY = "; ".join(f"create table t{at:02} (i int primary key)" for at in range(20))


def proxied(world: World, proxy: Proxy, **more: Any) -> Any:
    return world.config(connection={"hostPort": proxy.host_port}, **more)


def before(world: World) -> Proxy:
    return Proxy(world.server.host, world.server.port)


def test_a_table_dropped_after_it_was_listed_is_skipped(world_of: Callable[..., World]) -> None:
    world = world_of("dropped", MANY)
    proxy = before(world)
    proxy.hook = when_described(
        world.server, oid(world, "t07"), lambda: execute(world, "drop table t07")
    )
    with proxy.serve():
        run = world.run(proxied(world, proxy))
    assert (run.report.state, run.report.exit_code) == ("success", 0)
    book = run.report.types["table"]
    assert (book["discovered"], book["ok"], book["skipped"]) == (20, 19, 1)
    assert "1 vanished meanwhile" in run.report.verdict
    record = run.entity("svc.dropped.public.t07")
    assert record.status == "skipped"
    assert record.why is not None
    assert "was dropped after it was listed" in record.why.message
    assert len(world.outcome()["tables"]) == 19
    assert run.failures == []


def test_a_table_renamed_after_it_was_listed_is_skipped(world_of: Callable[..., World]) -> None:
    world = world_of("renamed", MANY)
    proxy = before(world)
    proxy.hook = when_described(
        world.server, oid(world, "t07"), lambda: execute(world, "alter table t07 rename to moved")
    )
    with proxy.serve():
        run = world.run(proxied(world, proxy))
    assert run.report.exit_code == 0
    assert run.report.types["table"]["skipped"] == 1
    assert "svc.renamed.public.moved" not in world.outcome()["tables"]


def test_a_foreign_key_to_a_table_that_was_dropped_meanwhile_is_unresolved(
    world_of: Callable[..., World],
) -> None:
    key = "create table child (i int references t07, k int references t08)"
    world = world_of("dropped_target", f"{MANY}; {key}")
    proxy = before(world)
    # The batch is read in one go: the child's key is there, its target is dropped in between.
    proxy.hook = when_described(
        world.server,
        oid(world, "t07"),
        lambda: execute(world, "alter table t07 rename to elsewhere"),
    )
    with proxy.serve():
        run = world.run(proxied(world, proxy))
    assert run.report.exit_code == 0
    child = world.outcome()["tables"]["svc.dropped_target.public.child"]
    assert [each["referredColumns"] for each in child["tableConstraints"]] == [
        ["svc.dropped_target.public.t08.i"]
    ]
    assert run.report.unresolved == 1


def test_a_schema_dropped_after_it_was_listed_skips_all_in_it(
    world_of: Callable[..., World],
) -> None:
    world = world_of("dropped_schema", f"create schema s; create table s.a (i int); {MANY}")
    proxy = before(world)
    proxy.hook = when_described(
        world.server, oid(world, "s.a"), lambda: execute(world, "drop schema s cascade")
    )
    with proxy.serve():
        run = world.run(proxied(world, proxy))
    assert run.report.exit_code == 0
    assert run.report.types["table"]["skipped"] == 1
    assert len(world.outcome()["tables"]) == 20


# --- the line breaks ---


def test_a_connection_cut_once_in_mid_batch_costs_nothing(world: World, clean: Any) -> None:
    proxy = before(world)
    proxy.hook = lambda data: 700 if BATCH in data and not proxy.cuts else None
    with proxy.serve():
        run = world.run(proxied(world, proxy, execution={"parallelism": 1}))
    assert proxy.cuts == 1
    assert (run.report.state, run.report.exit_code) == ("success", 0)
    assert world.outcome() == same_but_for_the_address(clean, world)


def test_a_connection_cut_in_mid_listing_is_listed_again(world: World, clean: Any) -> None:
    proxy = before(world)
    proxy.hook = lambda data: 2000 if b"materialized (" in data and not proxy.cuts else None
    with proxy.serve():
        run = world.run(proxied(world, proxy))
    assert proxy.cuts == 1
    assert (run.report.state, run.report.exit_code) == ("success", 0)
    assert world.outcome() == same_but_for_the_address(clean, world)


def test_a_connection_cut_in_every_batch_fails_the_tables_and_nothing_else(
    world_of: Callable[..., World],
) -> None:
    functions = "create function f() returns int language sql as 'select 1'"
    world = world_of("cut", f"{MANY}; {functions}")
    proxy = before(world)
    proxy.hook = lambda data: 700 if BATCH in data else None
    with proxy.serve():
        run = world.run(proxied(world, proxy))
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    assert run.report.types["table"]["failed"] == 20
    tells(run.report, "The connection broke", "20 failed")
    arrived = world.outcome()
    assert [len(arrived[each]) for each in COLLECTIONS] == [1, 1, 1, 0, 1]
    assert {each.attempts for each in run.entities() if each.type is EntityType.TABLE} == {3}


def test_a_table_that_makes_the_server_hang_up_is_blamed_alone(
    world_of: Callable[..., World],
) -> None:
    world = world_of("hangs_up", MANY)
    number = oid(world, "t07")
    proxy = before(world)
    proxy.hook = lambda data: 0 if BATCH in data and has(data, number) else None
    with proxy.serve():
        run = world.run(proxied(world, proxy))
    assert (run.report.state, run.report.exit_code) == ("partialSuccess", 3)
    assert [each.id for each in run.failures] == ["svc.hangs_up.public.t07"]
    assert len(world.outcome()["tables"]) == 19


def test_a_server_that_is_gone_for_good_in_the_middle_of_a_run(world: World) -> None:
    proxy = before(world)

    def hook(data: bytes) -> int | None:
        if BATCH in data and not proxy.cuts:
            proxy.port = 1  # from now on nobody answers behind it
            return 0
        return None

    proxy.hook = hook
    with proxy.serve():
        where = proxy.host_port
        policy = {"maxAttempts": 3, "backoffSeconds": 0.2}
        execution = {"parallelism": 1, "sourceOutageSeconds": 1, "retryPolicy": policy}
        run = world.run(proxied(world, proxy, execution=execution))
    assert (run.report.state, run.report.exit_code) == ("failed", 1)
    tells(run.report, where, "hostPort")
    # Asked now and then, not once for each table: a time-out for each would take for ever.
    assert proxy.connections < 40
    assert not run.failures, "what was asked for is not to blame, and may be gone on with"
    assert run.report.resumable


@pytest.mark.parametrize("parallelism", [1, 4])
def test_a_server_that_is_away_for_a_while_costs_nothing(
    world: World, clean: Any, parallelism: int
) -> None:
    """A database that fails over: longer than all attempts take, and everybody loses his session."""
    proxy = before(world)
    port, back = proxy.port, threading.Event()

    def hook(data: bytes) -> int | None:
        if BATCH in data and not back.is_set():
            proxy.port = 1  # nobody answers behind it
            return 0
        return None

    def observe(snapshot: Any) -> None:
        if snapshot.source_away and proxy.connections > 12:
            proxy.port = port
            back.set()

    proxy.hook = hook
    said: list[str] = []
    with proxy.serve():
        config = proxied(world, proxy, execution={"parallelism": parallelism})
        job = ri.load(config)
        run = job.run(allow_untested=True, observe=observe, log=lambda _, text: said.append(text))
    assert back.is_set()
    assert (run.report.state, run.report.exit_code) == ("success", 0), run.report.verdict
    for kind in ("databases", "databaseSchemas", "tables"):
        assert world.outcome()[kind] == clean[kind]
    told = "\n".join(said)
    assert "The source is away, the run waits for it: PostgreSQL at" in told
    assert "The source is back after" in told


def test_a_table_that_is_locked_fails_alone_and_names_the_lock(
    world_of: Callable[..., World],
) -> None:
    views = "; ".join(f"create view v{at:02} as select i from t00" for at in range(11))
    world = world_of("locked", f"{MANY}; {views}; create view held as select i from t01")
    config = world.config(
        execution={"callTimeoutSeconds": 2},
        connection={"connectionArguments": {"options": "-c lock_timeout=200"}},
    )
    with world.server.connect(world.database) as other:
        other.execute("begin; lock table t01 in access exclusive mode")
        run = world.run(config)
        other.execute("rollback")
    if run.report.exit_code == 0:
        pytest.skip("this server describes a view of a locked table")
    assert run.report.exit_code == 3
    assert [each.id for each in run.failures] == ["svc.locked.public.held"]


def same_but_for_the_address(clean: Any, world: World) -> Any:
    """A run through a proxy stores the proxy's address with the service."""
    service = world.outcome()["services/databaseServices"]
    return {**clean, "services/databaseServices": service}


def test_the_canary_is_the_password_that_lets_us_in(world: World) -> None:
    """Or no search for it would ever find anything."""
    assert PASSWORD in world.config().read_text()
    assert PASSWORD in str(world.run() and world.outcome()["services/databaseServices"])


@pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=pytest.mark.ray)])
def test_a_run_opens_no_more_sessions_than_the_connector_allows(
    engine: str, world: World, create: Callable[..., str], request: pytest.FixtureRequest
) -> None:
    where = {"address": request.getfixturevalue("shared_ray")} if engine == "ray" else {}
    tables = "".join(f"create table t{n} (i int);" for n in range(40))
    for number in range(6):
        create(f"capped_{number}", tables)
    lag = 2  # sessions that are closed already, as the server still counts them
    with world.server.connect() as connection:
        connection.execute(f"alter role {ROLE} connection limit {10 + lag}")
    world.database = "capped_0"
    before = (world.server.directory / "log").stat().st_size
    config = world.config(
        connection={
            "username": ROLE,
            "authType": {"password": PASSWORD},
            "ingestAllDatabases": True,
        },
        options={"databaseFilterPattern": {"includes": ["^capped_"]}},
        execution={"parallelism": 50, "enabled": True, **where},
    )
    try:
        run = world.run(config, engine=engine)
    finally:
        with world.server.connect() as connection:
            connection.execute(f"alter role {ROLE} connection limit -1")
    assert run.report.types["table"]["ok"] == 240
    assert run.report.parallelism == 8
    with (world.server.directory / "log").open("rb") as log:
        log.seek(before)
        assert b"too many connections" not in log.read()
