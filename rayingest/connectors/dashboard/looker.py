# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Looker, API 4.0, through the vendor's own SDK.

One call lists 500 dashboards, one describes one with its elements and filters, one an explore; for a
whole run besides one for the explores, one for the folders, one for 500 people when owners are wanted,
and a log-in for each session. A merged result tells its explores with its dashboard; where it does not, it
takes a call, and one for each query in it, which a session makes once. Documented at
https://docs.cloud.google.com/looker/docs/reference/looker-api/latest.

A dashboard has lineage from the explores that its tiles ask (queries, Looks, merged results), and from those
of its filters that suggest values, though no tile may ask them: Looker reads these values from there. What
a filter is called and what it is set to has no place in the catalogue. Tiles of SQL Runner ask no explore,
and have no lineage. Where two names of LookML come to the same in the catalogue (explore `c` of model `a_b`
and `b_c` of `a`), the first keeps it, and the other has dots: `a_b.c`.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import Choice, ConnectionModel, DashboardCommon
from rayingest.core.source import Batching, Capability, CheckResult, Readable, Settings
from rayingest.errors import MissingDriver
from rayingest.kit.checks import tried
from rayingest.kit.custom import Custom
from rayingest.model import EntityType

if TYPE_CHECKING:
    from rayingest.connectors.dashboard._looker.api import Looker
    from rayingest.connectors.dashboard._looker.source import LookerSource

DASHBOARD, MODEL = EntityType.DASHBOARD, EntityType.DASHBOARD_DATA_MODEL
PACKAGES = {"looker_sdk": "looker-sdk", "cattrs": "cattrs", "lkml": "lkml"}


class NoGit(ConnectionModel):
    """No repository."""


class GitHub(ConnectionModel):
    """A repository at GitHub, BitBucket or GitLab."""

    type: Literal["GitHub", "BitBucket", "Gitlab"] = Field("GitHub", description="Who hosts it.")
    gitHostURL: str = Field("https://github.com", description="Where it is hosted.")
    repositoryOwner: str = Field(description="Owner of the repository.")
    repositoryName: str = Field(description="Name of the repository.")
    token: SecretStr | None = Field(None, description="Token, for a private repository.")
    branch: str | None = Field(None, description="Branch; BitBucket's only.")


class LookerConnection(DashboardCommon):
    """How to reach Looker."""

    type: Literal["Looker"] = Field("Looker", description="OpenMetadata's service type.")
    clientId: str = Field(description="Client id of an API key of a user.")
    clientSecret: SecretStr = Field(description="Client secret of that key.")
    hostPort: str = Field(
        min_length=1, description="URL of Looker, `https://looker.example.com`; a port if needed."
    )
    gitCredentials: Annotated[NoGit | GitHub | str | None, Choice()] = Field(
        None,
        description="The LookML: the path of a folder on this machine, or a repository at a git host.",
    )


@contextmanager
def _sdk() -> Generator[None]:
    """Raises MissingDriver without the SDK."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in PACKAGES:
            raise MissingDriver("looker", PACKAGES[package]) from None
        raise


def _prepare(settings: Settings, catalogue: Readable | None) -> Any:
    with _sdk():
        from rayingest.connectors.dashboard._looker.shared import prepare

        return prepare(settings, catalogue)


def _source(settings: Settings, context: Any) -> "LookerSource":
    with _sdk():
        from rayingest.connectors.dashboard._looker.source import LookerSource
    return LookerSource(settings, context)


def _check(settings: Settings) -> Iterator[CheckResult]:
    """Log in, and try one call of each kind that a run makes."""
    with _sdk():
        from rayingest.connectors.dashboard._looker.shared import connect
    looker = connect(settings)
    try:
        looker.log_in()
        yield from _checked(looker, owners=settings.options.includeOwners)
    finally:
        looker.close()


def _checked(looker: "Looker", *, owners: bool) -> Iterator[CheckResult]:
    tries: list[tuple[str, Callable[[], object], str]] = [
        ("dashboards", lambda: next(looker.dashboards("id"), None), "access_data, see_looks"),
        ("data models", looker.explores, "see_lookml_dashboards, explore"),
        ("projects", looker.folders, "access to the folders"),
    ]
    if owners:
        tries.append(("owners", lambda: next(looker.users(), None), "see_users"))
    for name, attempt, grant in tries:
        yield tried(name, attempt, f"A role with: {grant}.")


CONNECTOR = Custom(
    service_type="Looker",
    family="dashboard",
    extra="looker",
    connection=LookerConnection,
    source=_source,
    prepare=_prepare,
    check=_check,
    # A call for each.
    batching=dict.fromkeys((MODEL, DASHBOARD), Batching(1, 5)),
    max_connections=200,
    capabilities=frozenset(
        {
            Capability.DASHBOARDS,
            Capability.CHARTS,
            Capability.DATA_MODELS,
            Capability.COLUMNS,
            Capability.PROJECTS,
            Capability.OWNERS,
            Capability.TAGS,
            Capability.LINEAGE,
            Capability.VIEWS,
            Capability.USAGE,
        }
    ),
)
