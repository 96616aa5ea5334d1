"""Where entities live in OpenMetadata's API."""

from urllib.parse import quote

from rayingest.core import fqn

COLLECTIONS = {
    "databaseService": "services/databaseServices",
    "database": "databases",
    "databaseSchema": "databaseSchemas",
    "table": "tables",
    "storedProcedure": "storedProcedures",
    "dashboardService": "services/dashboardServices",
    "dashboard": "dashboards",
    "chart": "charts",
    "dashboardDataModel": "dashboard/datamodels",
    "pipelineService": "services/pipelineServices",
    "pipeline": "pipelines",
    "topic": "topics",
    "container": "containers",
    "mlmodel": "mlmodels",
    "searchIndex": "searchIndexes",
}
_LEVELS = ("service", "database", "databaseSchema")
# What the API documents that a list can be filtered by. A parameter that it does not know, it
# ignores: everything there is would be counted.
_FILTERS: dict[str, tuple[str, ...]] = {
    "database": ("service",),
    "databaseSchema": ("database",),
    "table": ("database", "databaseSchema"),
    "storedProcedure": ("databaseSchema",),
}


def level(entity_type: str, scope: str) -> str | None:
    """What an FQN is to entities of a type below it: service, database or databaseSchema."""
    depth = len(fqn.split(scope))
    deepest = len(_LEVELS) if entity_type in _FILTERS else 1
    return _LEVELS[depth - 1] if 0 < depth <= deepest else None


def list_filter(entity_type: str, scope: str) -> dict[str, str]:
    """The parameter that restricts a list to what is below an FQN, if there is one."""
    named = level(entity_type, scope)
    if named is None or (named == "service" and scope.startswith('"')):
        return {}  # a service is compared by its name, which is not its FQN if that is quoted
    return {named: scope}


def is_exact(entity_type: str, parameters: dict[str, str]) -> bool:
    """Whether the API documents that it looks at these parameters of a list."""
    return parameters.keys() <= set(_FILTERS.get(entity_type, ("service",)))


def by_name(entity_type: str, fqn: str) -> str:
    """The path of an entity by its FQN."""
    return f"/{COLLECTIONS[entity_type]}/name/{escape(fqn)}"


def escape(text: str) -> str:
    """Percent-encode a whole path segment."""
    return quote(text, safe="")
