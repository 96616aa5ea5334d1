"""The collections of the REST API: one line each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Parents = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A collection: its entity type, its Create* schema, the fields that name other entities."""

    collection: str
    entity: str
    schema: str
    # The create request's fields that may name the parent, the first present wins,
    # each with the collections the parent may be in.
    parents: Parents = field(default_factory=dict)
    rooted: bool = False  # may have no parent although `parents` says which it could have
    infix: str = ""  # what the server puts between the parent's FQN and the name
    references: Mapping[str, str] = field(default_factory=dict)  # field of FQNs -> collection

    @property
    def is_service(self) -> bool:
        """Whether it is a service: the root of its entities' FQNs."""
        return self.collection.startswith("services/") and not self.parents


def _service(word: str, schema: str) -> Kind:
    return Kind(
        collection=f"services/{word}Services",
        entity=f"{word}Service",
        schema=f"api/services/{schema}.json",
    )


def _data(collection: str, entity: str, schema: str, parents: Parents, **more: object) -> Kind:
    return Kind(
        collection=collection,
        entity=entity,
        schema=f"api/data/{schema}.json",
        parents=parents,
        **more,  # type: ignore[arg-type]
    )


_SERVICES = (
    _service("database", "createDatabaseService"),
    _service("dashboard", "createDashboardService"),
    _service("pipeline", "createPipelineService"),
    _service("messaging", "createMessagingService"),
    _service("mlmodel", "createMlModelService"),
    _service("storage", "createStorageService"),
    _service("search", "createSearchService"),
    _service("metadata", "createMetadataService"),
    _service("api", "createApiService"),
)


def _of(word: str) -> Parents:
    return {"service": (f"services/{word}Services",)}


_SCHEMA: Parents = {"databaseSchema": ("databaseSchemas",)}
_DASHBOARD, _PIPELINE = _of("dashboard"), _of("pipeline")

_ASSETS = (
    _data("databases", "database", "createDatabase", _of("database")),
    _data(
        "databaseSchemas", "databaseSchema", "createDatabaseSchema", {"database": ("databases",)}
    ),
    _data("tables", "table", "createTable", _SCHEMA),
    _data("storedProcedures", "storedProcedure", "createStoredProcedure", _SCHEMA),
    _data("queries", "query", "createQuery", _of("database"), references={"users": "users"}),
    _data(
        "dashboards",
        "dashboard",
        "createDashboard",
        _DASHBOARD,
        references={"charts": "charts", "dataModels": "dashboard/datamodels"},
    ),
    _data("charts", "chart", "createChart", _DASHBOARD, references={"dashboards": "dashboards"}),
    _data(
        "dashboard/datamodels",
        "dashboardDataModel",
        "createDashboardDataModel",
        _DASHBOARD,
        infix="model",
    ),
    _data("pipelines", "pipeline", "createPipeline", _PIPELINE),
    _data("topics", "topic", "createTopic", _of("messaging")),
    _data("mlmodels", "mlmodel", "createMlModel", _of("mlmodel")),
    _data(
        "containers",
        "container",
        "createContainer",
        {"parent": ("containers",), **_of("storage")},
    ),
    _data("searchIndexes", "searchIndex", "createSearchIndex", _of("search")),
    _data("apiCollections", "apiCollection", "createAPICollection", _of("api")),
    _data(
        "apiEndpoints", "apiEndpoint", "createAPIEndpoint", {"apiCollection": ("apiCollections",)}
    ),
)

_VOCABULARY = (
    Kind(
        collection="classifications",
        entity="classification",
        schema="api/classification/createClassification.json",
    ),
    Kind(
        collection="tags",
        entity="tag",
        schema="api/classification/createTag.json",
        parents={"parent": ("tags",), "classification": ("classifications",)},
    ),
    _data("glossaries", "glossary", "createGlossary", {}),
    _data(
        "glossaryTerms",
        "glossaryTerm",
        "createGlossaryTerm",
        {"parent": ("glossaryTerms",), "glossary": ("glossaries",)},
    ),
    Kind(
        collection="domains",
        entity="domain",
        schema="api/domains/createDomain.json",
        parents={"parent": ("domains",)},
        rooted=True,
    ),
)

_PEOPLE = (
    Kind(collection="users", entity="user", schema="api/teams/createUser.json"),
    Kind(collection="teams", entity="team", schema="api/teams/createTeam.json"),
)

_RUNS = (
    Kind(
        collection="services/ingestionPipelines",
        entity="ingestionPipeline",
        schema="api/services/ingestionPipelines/createIngestionPipeline.json",
        parents={"service": tuple(service.collection for service in _SERVICES)},
    ),
)

KINDS: Mapping[str, Kind] = {
    kind.collection: kind for kind in (*_SERVICES, *_ASSETS, *_VOCABULARY, *_PEOPLE, *_RUNS)
}
BY_ENTITY: Mapping[str, Kind] = {kind.entity: kind for kind in KINDS.values()}
