"""`init` prints a config that works, `schema` describes every one that does."""

import re

import jsonschema
import pytest
import yaml

from rayingest.config import environment, json_schema, template
from rayingest.config.models import Workflow
from rayingest.config.shape import models_in
from rayingest.config.sinks import SINKS
from rayingest.core import registry
from rayingest.errors import ConfigError

CONNECTORS = sorted(registry.locations())


@pytest.mark.parametrize("sink", ["openmetadata", *SINKS])
@pytest.mark.parametrize("source", CONNECTORS)
def test_a_template_loads_when_its_variables_are_set(written, source, sink):
    text = template(source, sink)
    environ = {name: "1" for name, _ in environment(text)}
    config = written.load(text, environ=environ)
    assert config.connector == source
    assert config.sink.type == {"openmetadata": "metadata-rest"}.get(sink, sink)
    assert set(config.variables) == set(environ)
    assert config.warnings == ()


@pytest.mark.parametrize("source", CONNECTORS)
def test_every_variable_says_what_it_is_for(source):
    assert all(why for _, why in environment(template(source, "openmetadata")))


@pytest.mark.parametrize("source", CONNECTORS)
def test_every_key_in_a_comment_loads_when_it_is_no_comment(written, source):
    text = template(source, "openmetadata")
    uncommented = re.sub(r"^( +)# ", r"\1", text, flags=re.MULTILINE)
    environ = {name: "1" for name, _ in environment(uncommented)}
    config = written.load(uncommented, environ=environ)
    assert config.execution.engine == "ray"
    assert config.warnings == ()


@pytest.mark.parametrize("source", CONNECTORS)
def test_no_secret_is_to_be_written_into_the_file(source):
    """Not even where it is a comment: there stands the variable that holds it."""
    lines = template(source, "openmetadata").splitlines()
    told = [
        each for each in lines if re.search(r"\b(password|clientSecret|jwtToken): *(#|$)", each)
    ]
    assert told == []


@pytest.mark.parametrize("source", ["mssql", "synapse", "clickhouse", "mongodb", "postgres"])
def test_name_and_password_are_asked_for_where_one_mostly_signs_in_by_them(source):
    names = [name for name, _ in environment(template(source, "openmetadata"))]
    assert {f"{source.upper()}_USERNAME", f"{source.upper()}_PASSWORD"} <= {*names}


@pytest.mark.parametrize("source", ["hive", "impala", "sqlite"])
def test_they_are_not_where_one_mostly_does_not(source):
    names = [name for name, _ in environment(template(source, "openmetadata"))]
    assert not any("PASSWORD" in name for name in names)


def test_unknown_names_are_met_with_the_nearest():
    with pytest.raises(ConfigError, match=r"Did you mean 'postgres'\?"):
        template("postgrs", "file")
    with pytest.raises(ConfigError, match=r"Did you mean 'file'\?"):
        template("postgres", "fille")


@pytest.fixture(scope="module")
def schema():
    found = json_schema()
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


@pytest.mark.parametrize("source", CONNECTORS)
def test_the_schema_accepts_every_template(schema, source):
    for sink in SINKS:
        schema.validate(yaml.safe_load(template(source, sink)))


def test_the_schema_accepts_what_load_accepts(schema, documented, short):
    schema.validate(yaml.safe_load(documented))
    schema.validate(yaml.safe_load(short.replace("type: Dat", "threads: '${N}', type: Dat")))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("hostPort", "hostport"),
        ("type: postgres", "type: oracle"),
        ("type: DatabaseMetadata", "type: DatabaseMetadata, threads: many"),
        ("{type: memory}", "{type: file, config: {paht: x}}"),
        ("source:", "sauce:"),
    ],
)
def test_the_schema_refuses_what_load_refuses(schema, complain, short, before, after):
    text = short.replace(before, after)
    assert complain(text)
    assert not schema.is_valid(yaml.safe_load(text))


def everything():
    models = [Workflow, *SINKS.values()]
    models += [registry.load(each).connection for each in CONNECTORS]
    for model in models:
        for field in model.model_fields.values():
            models += [each for each in models_in(field.annotation) if each not in models]
    return models


@pytest.mark.parametrize("model", everything(), ids=lambda model: model.__name__)
def test_every_key_is_documented(model):
    assert [key for key, field in model.model_fields.items() if not field.description] == []
