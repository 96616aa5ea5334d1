"""A line in between: it can be cut, and be one with TLS."""

import socket
import ssl
import threading
from contextlib import closing, contextmanager, suppress


class Relay:
    def __init__(self, target, context=None):
        host, _, port = target.partition(":")
        self._target = host, int(port)
        self._context = context
        self._open = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.host_port = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.port = self._listening.getsockname()[1]
        self._pumps = []
        self._server = threading.Thread(target=self._serve, daemon=True)
        self._server.start()

    def _serve(self):
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                self._join(near)

    def _join(self, near):
        if self._context:
            try:
                near = self._context.wrap_socket(near, server_side=True)
            except (OSError, ssl.SSLError):
                near.close()
                return
        far = socket.create_connection(self._target)
        self._open += [near, far]
        for source, sink in ((near, far), (far, near)):
            self._pumps.append(threading.Thread(target=_pump, args=[source, sink], daemon=True))
            self._pumps[-1].start()

    def cut(self):
        pairs, self._pumps = self._pumps, []
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for each in pairs:
            each.join()
        for each in self._open:
            each.close()
        self._open.clear()

    def close(self):
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._server.join()
        self._listening.close()
        self.cut()


def _pump(source, sink):
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(target, context=None):
    with closing(Relay(target, context)) as made:
        yield made
