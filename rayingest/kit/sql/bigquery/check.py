"""`rayingest check` for BigQuery: each project in turn, and the role that mends what is missing.

Queries are only judged (`dryRun`), not run: that costs nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice

from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import Denied, RayingestError
from rayingest.kit.sql.bigquery import queries
from rayingest.kit.sql.bigquery.changes import statement
from rayingest.kit.sql.bigquery.connect import Connection, connect, projects
from rayingest.kit.sql.bigquery.listing import members
from rayingest.kit.sql.bigquery.policies import PERMISSION, URL, items
from rayingest.kit.sql.bigquery.queries import View
from rayingest.kit.sql.bigquery.session import BigQuerySession
from rayingest.kit.sql.facts import Wants

TRIALS: dict[Capability, tuple[View, dict[str, str]]] = {
    Capability.COLUMNS: (queries.COLUMNS, {}),
    Capability.COMMENTS: (queries.FIELDS, {}),
    Capability.VIEWS: (queries.VIEWS, {}),
    Capability.KEYS: (queries.KEYS, {}),
    Capability.TAGS: (queries.OPTIONS, {}),
    Capability.PROCEDURES: (queries.ROUTINES, {"language": "r.routine_body"}),
}


def check(session: BigQuerySession, settings: Settings) -> Iterator[CheckResult]:
    """List each project's datasets, then one dataset's tables, then have each query judged."""
    yield from _project(session, settings)
    for name in projects(settings)[1:]:
        with closing(connect(settings, name)) as other:
            yield from _project(other, settings)


def _project(session: BigQuerySession, settings: Settings) -> Iterator[CheckResult]:
    project = session.database
    try:
        datasets = [each["datasetReference"]["datasetId"] for each in session.datasets()]
    except RayingestError as error:
        yield _failed("connect", f"project {project}: {error}", error)
        return
    yield CheckResult("connect", "ok", f"project {project}, datasets: {len(datasets)}")
    if not datasets:
        yield CheckResult(
            Capability.SCHEMAS,
            "warning",
            f"project {project} shows this account no dataset",
            "Grant roles/bigquery.metadataViewer on the project, if it has any.",
        )
        return
    first = datasets[0]
    yield CheckResult(
        Capability.SCHEMAS,
        "ok",
        f"{project}: {', '.join(datasets[:5])}{', …' if datasets[5:] else ''}",
    )
    wants = Wants.of(settings.options)

    def listed() -> str:
        found = len(list(islice(members(session, wants, first), 1000)))
        return f"{project}.{first}: {found} tables and routines listed"

    yield _tried(Capability.TABLES, listed)
    yield from _queries(session, first)
    if wants.margin is not None:

        def telling() -> str:
            session.judge(*statement(session, first))
            return f"{project}.{first}.__TABLES__ tells what was modified"

        yield _tried(Capability.INCREMENTAL, telling)
    if settings.connection.includePolicyTags and wants.tags and not session.emulated:
        yield from _policies(session, settings.connection)


def _policies(session: BigQuerySession, config: Connection) -> Iterator[CheckResult]:
    """Without this right columns come without their policy tags."""
    for project in config.taxonomyProjectID or [session.database]:
        place = f"projects/{project}/locations/{config.taxonomyLocation or 'us'}"

        def seen(place: str = place) -> str:
            found = items(session, f"{URL}/{place}/taxonomies", "taxonomies")
            return f"{place}: policy tags of {len(found)} taxonomies"

        result = _tried(Capability.TAGS, seen)
        if result.status == "ok":
            yield result
            continue
        grant = f"Grant {PERMISSION} and datacatalog.taxonomies.list, or includePolicyTags: false."
        yield CheckResult(Capability.TAGS, "warning", f"policy tags: {result.why}", grant)


def _queries(session: BigQuerySession, dataset: str) -> Iterator[CheckResult]:
    (location,) = session.by_location({dataset: ()}) or ("US",)
    for capability, (view, columns) in TRIALS.items():
        if view.absent and session.emulated:
            yield CheckResult(capability, "warning", "an emulator has no such view")
            continue

        def judged(view: View = view, columns: dict[str, str] = columns) -> str:
            for text, parameters in queries.by_dataset(
                view, session.database, {dataset: [""]}, columns
            ):
                session.judge(text, parameters, location)
            return f"{session.database}.{dataset} can be asked"

        yield _tried(capability, judged)


def _tried(capability: Capability, trial: Callable[[], str]) -> CheckResult:
    try:
        return CheckResult(capability, "ok", trial())
    except RayingestError as error:
        return _failed(capability, str(error), error)


def _failed(capability: str, why: str, error: RayingestError) -> CheckResult:
    denied = isinstance(error, Denied)
    return CheckResult(capability, "denied" if denied else "failed", why, error.hint)
