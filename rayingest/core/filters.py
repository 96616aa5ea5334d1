"""OpenMetadata's filter patterns, with its exact semantics, and the reason for each decision.

`re.match` (anchored at the start only), case-insensitive, a list is an OR, empty lists are absent,
excludes win over includes; a pattern that is present drops an empty name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from rayingest.errors import ConfigError
from rayingest.model import EntityType

KEYS = {
    "databaseFilterPattern": EntityType.DATABASE,
    "schemaFilterPattern": EntityType.DATABASE_SCHEMA,
    "tableFilterPattern": EntityType.TABLE,
    "storedProcedureFilterPattern": EntityType.STORED_PROCEDURE,
    "dashboardFilterPattern": EntityType.DASHBOARD,
    "chartFilterPattern": EntityType.CHART,
    "dataModelFilterPattern": EntityType.DASHBOARD_DATA_MODEL,
    "pipelineFilterPattern": EntityType.PIPELINE,
    "topicFilterPattern": EntityType.TOPIC,
    "containerFilterPattern": EntityType.CONTAINER,
    "mlModelFilterPattern": EntityType.ML_MODEL,
    "searchIndexFilterPattern": EntityType.SEARCH_INDEX,
}
PROJECTS = "projectFilterPattern"  # about what the tool calls so: there is no such entity


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a name is kept, and which pattern decided."""

    kept: bool
    why: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """Includes and excludes for one entity type; `key` is where the user wrote them."""

    key: str
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for expression in (*self.includes, *self.excludes):
            try:
                re.compile(expression)
            except re.error as error:
                raise ConfigError(
                    f"{self.key}: {expression!r} is not a regular expression: {error}",
                    hint="Escape characters that are meant literally, such as '\\.' or '\\*'; '.*' matches anything.",
                ) from error

    def judge(self, name: str) -> Verdict:
        """Decide about one name."""
        if not self.includes and not self.excludes:
            return Verdict(True, f"{self.key} is empty")
        if not name:
            return Verdict(False, f"{self.key} drops empty names")
        for expression in self.excludes:
            if re.match(expression, name, re.IGNORECASE):
                return Verdict(False, f"{self.key}.excludes {expression!r} matches")
        if not self.includes:
            return Verdict(True, f"no {self.key}.excludes matches")
        for expression in self.includes:
            if re.match(expression, name, re.IGNORECASE):
                return Verdict(True, f"{self.key}.includes {expression!r} matches")
        return Verdict(False, f"no {self.key}.includes matches")


@dataclass(frozen=True, slots=True)
class Filters:
    """All filter patterns of one config; `drafts`: what is not published is read, too.

    `select` and `exclude` are what `--select` and `--exclude` add: they look at FQNs and tables only.
    """

    patterns: Mapping[EntityType, Pattern] = field(default_factory=dict)
    use_fqn: bool = False
    projects: Pattern | None = None
    drafts: bool = True

    @classmethod
    def from_options(cls, options: Mapping[str, object]) -> "Filters":
        """Read `sourceConfig.config`; keys that are no filter are passed over. Raises ConfigError."""
        found = {
            kind: _pattern(key, options[key]) for key, kind in KEYS.items() if options.get(key)
        }
        drafts = bool(options.get("includeDraftDashboard", True))
        projects = _pattern(PROJECTS, options[PROJECTS]) if options.get(PROJECTS) else None
        return cls(found, bool(options.get("useFqnForFiltering", False)), projects, drafts)

    def judge(self, entity_type: EntityType, name: str, fqn: str) -> Verdict:
        """Decide about one entity and say why."""
        pattern = self.patterns.get(entity_type)
        if pattern is None:
            return Verdict(True, f"no filter for {entity_type.value}")
        return pattern.judge(fqn if self.use_fqn else name)

    def keeps(self, entity_type: EntityType, name: str, fqn: str) -> bool:
        """Whether the entity passes."""
        pattern = self.patterns.get(entity_type)
        return pattern is None or pattern.judge(fqn if self.use_fqn else name).kept

    def keeps_project(self, name: str) -> bool:
        """Whether what lies in this project (folder, workspace) passes; '' is in none."""
        return self.projects is None or self.projects.judge(name).kept


def _pattern(key: str, value: object) -> Pattern:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{key}: expected includes and excludes, found {value!r}")
    unknown = set(value) - {"includes", "excludes"}
    if unknown:
        first = min(map(str, unknown))
        near = get_close_matches(first, ["includes", "excludes"], cutoff=0.5)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"{key}: unknown key {first!r}.{meant}")
    return Pattern(key, _listed(key, value.get("includes")), _listed(key, value.get("excludes")))


def _listed(key: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Sequence) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise ConfigError(f"{key}: expected a list of regular expressions, found {value!r}")
