"""HTTP against a port that hangs or refuses: what the server does not say is said by its status."""

import socket
import threading
import time
from contextlib import closing

import pytest

from rayingest.errors import Denied, SessionLost, Throttled, Unauthorised
from rayingest.kit.sql.hive.wire import Web


def asked(listening, seconds=60):
    web = Web(f"http://127.0.0.1:{listening.getsockname()[1]}/cliservice", {}, seconds, None)
    web.write(b"x")
    return closing(web)


def test_a_call_that_hangs_is_broken_off():
    """To close the client is not enough: whoever reads goes on reading."""
    with socket.create_server(("127.0.0.1", 0)) as deaf, asked(deaf) as web:
        timer = threading.Timer(0.3, web.hang_up)
        timer.start()
        started = time.monotonic()
        with pytest.raises(ConnectionError):
            web.flush()
        timer.join()
        assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("status", "header", "kind", "wait"),
    [
        ("401 No", "", Unauthorised, None),
        ("403 No", "", Denied, None),
        ("404 Not Found", "", SessionLost, None),
        ("503 Busy", "", Throttled, None),
        ("429 Slow", "Retry-After: 7.5\r\n", Throttled, 7.5),
        ("503 Busy", "Retry-After: Mon, 01 Jan 2001 00:00:00 GMT\r\n", Throttled, 0.0),
    ],
)
def test_what_a_status_means(status, header, kind, wait):
    with socket.create_server(("127.0.0.1", 0)) as listening, asked(listening) as web:

        def answer():
            line, _ = listening.accept()
            with line:
                line.recv(65_536)
                line.sendall(f"HTTP/1.1 {status}\r\n{header}Content-Length: 0\r\n\r\n".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(kind) as caught:
            web.flush()
        thread.join()
        assert getattr(caught.value, "wait", None) == wait
