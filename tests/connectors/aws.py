"""AWS on a random loopback port: moto's server, which counts requests and fails when it is told to."""

import contextlib
import io
import json
import re
import threading
from importlib import import_module
from importlib.metadata import version

import pytest

from ..conftest import SERVERS_REQUIRED

KEYS = {"awsAccessKeyId": "AKIAIOSFODNN7EXAMPLE", "awsSecretAccessKey": "canary-of-a-secret-key"}
ACCOUNT = "123456789012"
JSON = "application/x-amz-json-1.1"
XML = "<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"
LISTS = {"GetTables": "TableList", "GetDatabases": "DatabaseList"}


def paged(key, asked, answer):
    """What moto answers at once, in pages as AWS has them; the length of the first is told: it is padded."""
    told = json.loads(answer)
    start, most = int(asked.get("NextToken") or 0), asked.get("MaxResults", 100)
    if len(told.get(key, ())) <= most:
        return answer
    page = told | {key: told[key][start : start + most]}
    if start + most < len(told[key]):
        page["NextToken"] = str(start + most)
    return json.dumps(page).encode().ljust(len(answer))


class Aws:
    """A running server: `requests` are operations, or services that have no word for them."""

    def __init__(self, app):
        self._app = app
        self._clients = {}
        self.url = ""
        self.requests = []
        self.faults = []  # (operation or '', status, code, message), each used once
        self.xml_faults = []  # the same without an operation, as STS tells it
        self.ends = None  # when credentials of a role do, each time
        self.pages = []  # (status, body) of somebody who is not AWS
        self.environs = []
        self.bodies = []

    def __call__(self, environ, start):
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        if not environ["PATH_INFO"].startswith("/moto-api"):
            signed = environ.get("HTTP_AUTHORIZATION", "").split("/")
            self.requests.append(operation or "".join(signed[3:4]))
            self.environs.append(environ)
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            self.bodies.append(body)
            environ["wsgi.input"] = io.BytesIO(body)
        if self.xml_faults:
            status, code, message = self.xml_faults.pop(0)
            start(f"{status} Told", [("Content-Type", "text/xml")])
            return [XML.format(code, message).encode()]
        if self.pages:
            status, page = self.pages.pop(0)
            start(f"{status} Told", [("Content-Type", "text/html")])
            return [page.encode()]
        for fault in self.faults:
            if fault[0] in ("", operation):
                self.faults.remove(fault)
                _, status, code, message = fault
                start(f"{status} Told", [("Content-Type", JSON)])
                return [json.dumps({"__type": code, "message": message}).encode()]
        answer = list(self._app(environ, start))
        if self.ends and self.requests[-1:] == ["sts"]:
            told = f"<Expiration>{self.ends:%Y-%m-%dT%H:%M:%SZ}</Expiration>".encode()
            old = re.search(rb"<Expiration>[^<]*</Expiration>", b"".join(answer))[0]
            answer = [b"".join(answer).replace(old, told.ljust(len(old)))]  # its length is told
        if operation in LISTS:
            answer = [paged(LISTS[operation], json.loads(self.bodies[-1]), b"".join(answer))]
        return answer

    def config(self, region="eu-west-1", **more):
        """`awsConfig` of somebody who may do everything."""
        return {"awsRegion": region, "endPointURL": self.url, **KEYS, **more}

    def client(self, service, region="eu-west-1"):
        """The vendor's own client."""
        if (service, region) not in self._clients:
            self._clients[service, region] = import_module("boto3").client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=KEYS["awsAccessKeyId"],
                aws_secret_access_key=KEYS["awsSecretAccessKey"],
            )
        return self._clients[service, region]

    @contextlib.contextmanager
    def counted(self):
        """The operations that are asked for inside."""
        before, found = len(self.requests), []
        yield found
        found += self.requests[before:]

    def reset(self):
        """Forget everything."""
        for backend in ("glue", "dynamodb", "s3", "sts", "iam", "athena", "quicksight"):
            import_module("moto.backends").get_backend(backend).reset()
        del self.faults[:]


def needed(module):
    """Import it; where servers are required its absence is an error, elsewhere a reason to skip."""
    return import_module(module) if SERVERS_REQUIRED else pytest.importorskip(module)


@contextlib.contextmanager
def serving():
    """Start one; what it holds is forgotten at its end: all servers of a process hold the same."""
    needed("moto.server")
    needed("boto3")
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    aws = Aws(DomainDispatcherApplication(create_backend_app))
    http = make_server("127.0.0.1", 0, aws, threaded=True)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    aws.url = f"http://127.0.0.1:{http.server_port}"
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
                patch.delenv(name, raising=False)
            patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
            patch.setenv("NO_PROXY", "127.0.0.1")
            yield aws
            aws.reset()
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def server_name():
    return f"moto {version('moto')}"
