"""A TCP server that answers a driver's first packet: as a listener that refuses, as anything else, or not at all."""

import socket
import threading
from contextlib import contextmanager, suppress

# A packet of Oracle Net: length, checksum, type 4 (refuse), flags; then reasons and the length of the text.
HEAD = b"\0\0\4\0\0\0\x22\0"


def refusal(number):
    """What a listener says that does not pass a connection on."""
    text = (
        f"(DESCRIPTION=(TMP=)(VSNNUM=0)(ERR={number})(ERROR_STACK=(ERROR=(CODE={number})(EMFI=4))))"
    )
    body = HEAD + len(text).to_bytes(2, "big") + text.encode()
    return (len(body) + 2).to_bytes(2, "big") + body


@contextmanager
def listening(answer=b"", *, silent=False):
    """The port of a server that gives this answer to whoever says something."""
    over, heard = threading.Event(), []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        heard.append(_asked(connection))
                        if silent:
                            over.wait()
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], heard
        finally:
            over.set()
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def _asked(connection):
    """What is asked for; a long descriptor comes behind the first packet, in one of its own."""
    packet = connection.recv(8192)
    if packet[4:5] == b"\1" and b"(" not in packet:
        packet += connection.recv(8192)
    return packet
