"""The YAML the user writes: OpenMetadata's, unchanged, plus distributedExecution."""

from rayingest.config.config import Config, SinkSpec
from rayingest.config.execution import DistributedExecution, Execution, ExecutionMode
from rayingest.config.load import load
from rayingest.config.options import DatabaseMetadata
from rayingest.config.problems import ConfigErrors, Mark, Problem
from rayingest.config.schema import json_schema
from rayingest.config.server import OpenMetadataServer
from rayingest.config.table import execution_table
from rayingest.config.template import environment, template

__all__ = [
    "Config",
    "ConfigErrors",
    "DatabaseMetadata",
    "DistributedExecution",
    "Execution",
    "ExecutionMode",
    "Mark",
    "OpenMetadataServer",
    "Problem",
    "SinkSpec",
    "environment",
    "execution_table",
    "json_schema",
    "load",
    "template",
]
