"""A coordinator of ours on loopback: the protocol of Trino or Presto, over catalogs that DuckDB answers for.

It pages, hesitates, cuts connections, throttles and refuses as it is told; what it was asked is on record.
"""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

from rayingest.testing._trino.catalogs import Refusal
from rayingest.testing._trino.cluster import Cluster
from rayingest.testing._trino.protocol import Handler
from rayingest.testing._trino.story import Field, Relation

__all__ = ["Cluster", "Field", "Refusal", "Relation", "serving"]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def serving(cluster: Cluster, certificate: Path | None = None) -> Iterator[str]:
    """Serve a cluster until the block ends; yields `host:port`. A PEM file with a key makes it speak TLS."""
    more = {"cluster": cluster, "queries": {}, "lock": threading.Lock()}
    with _Server(("127.0.0.1", 0), type("Ours", (Handler,), more)) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
