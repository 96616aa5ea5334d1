"""A server with little room: a token bucket, or latency that explodes above so many calls at once.

    python -m rayingest.testing.busy [--rate 50 --burst 5] [--crowd 16 --seconds 0.1]

It prints its URL and serves until its standard input ends; `GET /stats` says what it saw.
"""

import argparse
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Room:
    """What the server has room for, and what it saw. Seconds; `rate` in calls per second.

    A call takes `seconds`, times (n / crowd) squared when n > crowd are under way.
    """

    rate: float | None = None
    burst: int = 1
    crowd: int | None = None
    seconds: float = 0.0
    retry_after: float | None = None
    tokens: float = field(init=False)
    at: float = field(default_factory=time.monotonic)
    in_flight: int = 0
    most: int = 0
    refused: list[float] = field(default_factory=list)
    served: list[tuple[float, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.tokens = float(self.burst)

    def enter(self) -> float | None:
        """Seconds that the call takes; None when it is refused."""
        with self.lock:
            now = time.monotonic()
            if self.rate is not None:
                self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
                self.at = now
                if self.tokens < 1:
                    self.refused.append(now)
                    return None
                self.tokens -= 1
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            self.served.append((now, self.in_flight))
            crowded = max(1.0, self.in_flight / self.crowd) ** 2 if self.crowd else 1.0
            return self.seconds * crowded

    def leave(self) -> None:
        """A call is over."""
        with self.lock:
            self.in_flight -= 1

    def stats(self) -> dict[str, object]:
        """Times of calls that were served, with how many were under way, and of those refused."""
        with self.lock:
            return {"served": self.served, "refused": self.refused, "most": self.most}


def server(room: Room) -> ThreadingHTTPServer:
    """A server on a random port of the loopback interface, not yet serving."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if self.path == "/stats":
                self._answer(200, json.dumps(room.stats()).encode())
                return
            seconds = room.enter()
            if seconds is None:
                self._answer(429, b"{}")
                return
            time.sleep(seconds)
            room.leave()
            self._answer(200, b"{}")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 429 and room.retry_after is not None:
                self.send_header("Retry-After", str(room.retry_after))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 1024

    return Server(("127.0.0.1", 0), Handler)


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--burst", type=int, default=1)
    parser.add_argument("--crowd", type=int)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--retry-after", type=float)
    room = Room(**vars(parser.parse_args()))
    with server(room) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        print(f"http://127.0.0.1:{serving.server_port}", flush=True)  # noqa: T201 - a program
        sys.stdin.read()


if __name__ == "__main__":
    main()
