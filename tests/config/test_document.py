"""Whatever is written, reading it ends in a value with marks, or in problems."""

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rayingest.config import ConfigErrors, load
from rayingest.config.document import Document, parse
from rayingest.config.layers import laid_over
from rayingest.config.validation import at

KEYS = [
    "source",
    "type",
    "serviceName",
    "serviceConnection",
    "config",
    "sourceConfig",
    "sink",
    "password",
]
KEYS += [
    "workflowConfig",
    "distributedExecution",
    "tableFilterPattern",
    "includes",
    "authType",
    "x",
]
# YAML folds these line breaks; a plain dump writes them raw.
TEXT = st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(TEXT, max_size=5)
SCALARS |= st.sampled_from(
    ["postgres", "DatabaseMetadata", "${X}", "${X:-y}", "${", "memory", "file"]
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(TEXT, max_size=3), inner, max_size=5)
    ),
    max_leaves=20,
)
DICTS = st.dictionaries(st.sampled_from(KEYS), TREES, max_size=5)


def paths(tree, path=()):
    yield path
    items = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for key, value in items:
        yield from paths(value, (*path, key))


@settings(deadline=None)
@given(TREES)
def test_a_value_comes_back_and_every_path_has_its_mark(tree):
    text = yaml.safe_dump(tree, allow_unicode=True)
    document = parse(text, "x")
    assert document.problems == []
    assert yaml.safe_dump(document.tree) == yaml.safe_dump(tree)
    assert set(document.values) == (set(paths(tree)) if text.strip() else set())
    lines = text.splitlines()
    assert all(1 <= mark.line <= len(lines) + 1 for mark in document.values.values())
    assert set(document.keys) <= set(document.values)


@settings(deadline=None)
@given(st.text(alphabet="ab:-[]{}'\"#&*!|>%@`\n\t ,?<$1.=~\x00é\ufeff", max_size=40))
def test_any_text_is_read_or_refused_with_a_position(text):
    document = parse(text, "x")
    assert isinstance(document, Document)
    assert all(str(each).startswith("x") for each in document.problems)


@settings(deadline=None)
@given(DICTS, DICTS)
def test_laying_one_over_the_other_keeps_the_strong_and_fills_from_the_weak(strong, weak):
    one, two = parse(yaml.safe_dump(strong), "one"), parse(yaml.safe_dump(weak), "two")
    both = laid_over(one, two)
    for path in paths(both.tree):
        said = path in set(paths(strong))
        assert both.value_mark(path).file == ("one" if said or not path else "two")
        value = at(both.tree, path)
        if not isinstance(value, dict):
            assert yaml.safe_dump(value) == yaml.safe_dump(at(strong if said else weak, path))
    assert laid_over(both, two).tree == both.tree or "nan" in repr(both.tree)


@settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tree=DICTS, overlay=DICTS, block=TREES)
def test_any_config_loads_or_says_why(tmp_path, tree, overlay, block):
    for name, content in (("config", tree), ("overlay", overlay), ("rayingest", block)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    environ = {"RAYINGEST_DISTRIBUTED_EXECUTION": yaml.safe_dump(block)}
    try:
        load(tmp_path / "config.yaml", overlays=[tmp_path / "overlay.yaml"], environ=environ)
    except ConfigErrors as error:
        assert error.problems  # noqa: PT017


def test_aliases_cannot_make_a_small_file_large():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (problem,) = parse("\n".join(lines), "x").problems
    assert "there are more than 100,000 values" in problem.message


def test_deep_nesting_is_refused():
    (problem,) = parse("[" * 5000, "x").problems
    assert "nested too deeply" in problem.message
