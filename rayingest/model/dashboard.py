"""Dashboard services, dashboards, their charts, and the data models behind them."""

from typing import ClassVar

from rayingest.model.database import Column
from rayingest.model.entity import Entity, EntityType, Service


class DashboardService(Service, frozen=True, kw_only=True):
    """One dashboard tool as the catalogue knows it."""

    type: ClassVar[EntityType] = EntityType.DASHBOARD_SERVICE


class Chart(Entity, frozen=True, kw_only=True):
    """One tile of a dashboard; `service` is an FQN, `chart_type` one of OpenMetadata's."""

    type: ClassVar[EntityType] = EntityType.CHART
    service: str
    chart_type: str = "Other"


class Dashboard(Entity, frozen=True, kw_only=True):
    """A dashboard or report; `charts` and `data_models` are FQNs, `project` the folder that it lies in."""

    type: ClassVar[EntityType] = EntityType.DASHBOARD
    service: str
    dashboard_type: str = "Dashboard"
    project: str | None = None
    charts: tuple[str, ...] = ()
    data_models: tuple[str, ...] = ()


class DashboardDataModel(Entity, frozen=True, kw_only=True):
    """What dashboards ask for data: a LookML explore, a published data source; `service` is an FQN."""

    type: ClassVar[EntityType] = EntityType.DASHBOARD_DATA_MODEL
    service: str
    data_model_type: str
    service_type: str | None = None
    columns: tuple[Column, ...] = ()
    sql: str | None = None
    project: str | None = None
