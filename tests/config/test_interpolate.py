"""References are filled in after YAML is parsed, in every value, and a missing one is named."""

import pytest


def loaded(written, short, text, environ):
    return written.load(short.replace("serviceName: shop", f"serviceName: {text}"), environ=environ)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${NAME}", "x: #y"),
        ("a-${NAME}-b", "a-x: #y-b"),
        ("${NONE:-shop}", "shop"),
        ("${EMPTY:-shop}", "shop"),
        ("'${NONE:-}z'", "z"),
        ("$${NAME}", "${NAME}"),
        ("'$NAME $'", "$NAME $"),
        ("${NAME}${NAME}", "x: #yx: #y"),
    ],
)
def test_a_reference_becomes_its_value(written, short, text, value):
    environ = {"NAME": "x: #y", "EMPTY": ""}
    assert loaded(written, short, text, environ).service == value


def test_a_file_is_read_without_its_last_newline(written, short, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("pa:ss\n\n")
    assert loaded(written, short, f"${{file:{secret}}}", {}).service == "pa:ss\n"


def test_numbers_and_flags_may_come_from_variables(written, short):
    options = "{type: DatabaseMetadata, threads: '${N}', includeDDL: '${DDL}'}"
    text = short.replace("{type: DatabaseMetadata}", options)
    config = written.load(text, environ={"N": "4", "DDL": "true"})
    assert (config.options.threads, config.options.includeDDL) == (4, True)
    assert config.execution.parallelism == 4


def test_a_missing_variable_is_named_with_key_and_line_and_not_twice(complain, short):
    text = short.replace("{type: DatabaseMetadata}", "{threads: '${N}'}").replace("db:5432", "${H}")
    assert complain(text.replace("${H}", "'${H}'")) == [
        (
            "config.yaml:5:42: source.serviceConnection.config.hostPort: the variable H is not set\n"
            "    export H=…, or give a default: ${H:-…}"
        ),
        (
            "config.yaml:7:23: source.sourceConfig.config.threads: the variable N is not set\n"
            "    export N=…, or give a default: ${N:-…}"
        ),
    ]


@pytest.mark.parametrize("text", ["${}", "${1X}", "${X", "${X:?no}", "${X-y}"])
def test_a_broken_reference_is_explained(complain, short, text):
    (line,) = complain(short.replace("serviceName: shop", f"serviceName: '{text}'"))
    assert "'${' begins no reference here" in line
    assert "$${" in line


def test_a_missing_file_is_named(complain, short):
    (line,) = complain(short.replace("serviceName: shop", "serviceName: '${file:/no/such}'"))
    assert "source.serviceName: cannot read the file /no/such: No such file or directory" in line


def test_a_worker_without_the_file_uses_the_value_sent(written, short, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("shop-2\n")
    config = loaded(written, short, f"${{file:{secret}}}", {})
    secret.unlink()
    assert type(config).from_bundle(config.bundle(), {}).service == "shop-2"
