"""What all sessions of a run share, asked for once: folders, people, explores, LookML, tables."""

from collections.abc import Sequence

from looker_sdk.sdk.api40.models import FolderBase

from rayingest.connectors.dashboard._looker import entities, lookml
from rayingest.connectors.dashboard._looker.api import Looker
from rayingest.connectors.dashboard._looker.clone import cloned
from rayingest.connectors.dashboard._looker.entities import Context, Explore
from rayingest.connectors.dashboard._looker.names import unusual
from rayingest.core.source import Readable, Settings
from rayingest.errors import Denied, Gone
from rayingest.kit.rest import api
from rayingest.kit.rest.http import Http
from rayingest.kit.tables import Tables


def connect(settings: Settings) -> Looker:
    """A session that has not logged in yet."""
    config = settings.connection
    secret = config.clientSecret.get_secret_value()
    http = Http(timeout=settings.call_timeout, limiter=settings.limiter, hidden=(secret,))
    return Looker(address(config.hostPort), config.clientId, secret, http)


def address(host_port: str) -> str:
    """Looker's URL, as people copy it: with a path of the API, or without."""
    return api.address(host_port, "/api/4.0", "/api")


def prepare(settings: Settings, catalogue: Readable | None) -> Context:
    """Folders, e-mail addresses, explores and the catalogue's tables: a listing of each."""
    options, looker = settings.options, connect(settings)
    try:
        folders = _folders(looker, needed=settings.filters.projects is not None)
        users = _users(looker) if options.includeOwners else {}
        explores = _explores(looker) if options.includeDataModels else ()
    finally:
        looker.close()
    project = _project(settings) if options.includeDataModels else lookml.Project()
    personal = (str(each.id) for each in folders if each.is_personal or each.is_personal_descendant)
    return Context(
        entities.paths(folders),
        frozenset(personal),
        users,
        Tables.of(catalogue, options.places),
        project,
        explores,
        unusual(explores or (), project.name, project.views),
    )


def _project(settings: Settings) -> lookml.Project:
    given = settings.connection.gitCredentials
    if isinstance(given, str) and given:
        return lookml.read(given)
    if getattr(given, "repositoryName", None):
        with cloned(given, settings.call_timeout) as folder:
            return lookml.read(folder, given.repositoryName)
    return lookml.Project()


def _folders(looker: Looker, *, needed: bool) -> Sequence[FolderBase]:
    try:
        return looker.folders()
    except (Denied, Gone):
        if needed:
            raise
        return ()  # dashboards tell the folder that they lie in, if not where that lies


def _users(looker: Looker) -> dict[str, str]:
    return {str(each.id): each.email for each in looker.users() if each.id and each.email}


def _explores(looker: Looker) -> tuple[Explore, ...] | None:
    """None when we may not see them: their own listing tells so."""
    try:
        return tuple(looker.explores())
    except (Denied, Gone):
        return None
