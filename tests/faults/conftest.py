"""What the faults have in common: a shop in PostgreSQL, a catalogue, and what a clean run leaves."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina

from rayingest.testing import StrictCatalogue
from rayingest.testing.postgres import Server
from rayingest.testing.shop import shop

from ..running import TOKEN, World, database, outcome, with_role

TABLES = 60


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """Calls to the sink are repeated as often as ever, without pauses."""
    stamina.set_testing(True, attempts=4)
    yield
    stamina.set_testing(False)


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def server(postgres: Server) -> Server:
    """The session's server, with a role that may log in and nothing else."""
    return with_role(postgres)


@pytest.fixture(scope="session")
def create(server: Server) -> Callable[..., str]:
    """Make a database out of statements."""

    return functools.partial(database, server)


@pytest.fixture(scope="session")
def shop_database(create: Callable[..., str]) -> str:
    """A shop that no test changes."""
    return create("faults_shop", *shop(TABLES).blocks)


@pytest.fixture
def catalogue(contracts: Path) -> Iterator[StrictCatalogue]:
    with StrictCatalogue(token=TOKEN) as running:
        yield running
        assert running.validation_errors() == []


@pytest.fixture
def world(server: Server, shop_database: str, catalogue: StrictCatalogue, tmp_path: Path) -> World:
    """The shop and a catalogue."""
    return World(server, shop_database, catalogue, tmp_path)


@pytest.fixture
def world_of(
    server: Server, create: Callable[..., str], catalogue: StrictCatalogue, tmp_path: Path
) -> Callable[..., World]:
    """A database of one's own and a catalogue."""

    def made(database: str, *statements: str) -> World:
        return World(server, create(database, *statements), catalogue, tmp_path)

    return made


@pytest.fixture(scope="session")
def clean(
    server: Server, shop_database: str, contracts: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the catalogue holds after a run of the shop in which nothing goes wrong."""
    with StrictCatalogue(token=TOKEN) as running, pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("clean")
        patch.setenv("XDG_STATE_HOME", str(folder))
        run = World(server, shop_database, running, folder).run()
        assert run.report.exit_code == 0, run.report.verdict
        return outcome(running)
