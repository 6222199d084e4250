"""S3 on a free port of 127.0.0.1, by moto in a process of its own: the real wire protocol, with a clock to set.

Run as ``python -m concert_assets_tests.support_moto`` it serves until its standard input ends, so it cannot outlive who
started it. Requests are answered one at a time: moto looks and writes in two steps, between which S3 admits nobody.
"""

import logging
import os
import subprocess
import sys
import threading
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concert_assets.resources.s3.aws import S3ObjectStore

ACCOUNT = "123456789012"  # moto's own
BUCKETS = ("raw", "processed", "one", "two", "another", "concert-data-raw", "concert-data-processed")
# What boto3 reads of the environment, so that neither a person's settings nor a proxy has a part in a test.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00",
    "AWS_SECRET_ACCESS_KEY": "canary-secret-of-the-tests",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}


def open_store(url: str, read_seconds: float = 60) -> "S3ObjectStore":
    """The store behind a server of this module, or behind a proxy before it."""
    from concert_assets.resources.s3.aws import S3ObjectStore, s3_client

    return S3ObjectStore(s3_client(endpoint_url=url, read_seconds=read_seconds))


def amiss(store: "S3ObjectStore", bucket: str, expected: dict[str, bytes]) -> int:
    """How many objects are lost, doubled under another key, or not what they should be."""
    found = {info.key: store.read(bucket, info.key) for info in store.list(bucket)}
    return len(found.items() ^ expected.items())


def uploads(store: "S3ObjectStore", bucket: str) -> int:
    """How many uploads in parts are left open."""
    return len(store.client.list_multipart_uploads(Bucket=bucket).get("Uploads", ()))


class MotoServer:
    """A running server; ``url`` is where it listens."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.store = open_store(url)

    def empty(self) -> "S3ObjectStore":
        """The store with empty buckets, and the clock going again."""
        self.clock(None)
        self._post("/moto-api/reset", b"")
        for bucket in BUCKETS:
            self.store.client.create_bucket(Bucket=bucket)
        return self.store

    def clock(self, at: float | None) -> None:
        """Let the server's clock stand at so many seconds since 1970, or go again."""
        self._post("/clock", b"" if at is None else str(at).encode())

    def page(self, keys: int) -> None:
        """Answer listings in pages of so many keys; S3's have 1,000."""
        self._post("/page", str(keys).encode())

    def _post(self, path: str, data: bytes) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(self.url + path, data, method="POST"), timeout=30) as answer:
            answer.read()


@contextmanager
def running(module: str = "concert_assets_tests.support_moto") -> Iterator[MotoServer]:
    """A server that is stopped at the end, with the environment that boto3 needs to speak to it.

    ``module`` is what to run in place of this one, which has to call ``serve``.
    """
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    process = subprocess.Popen([sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        server = MotoServer(process.stdout.readline().decode().strip())
        yield server
        server.store.client.close()
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Application:
    """moto, one request at a time, and the two paths by which a test sets clock and pages."""

    def __init__(self, moto: Callable[..., Iterable[bytes]]) -> None:
        self._moto = moto
        self._lock = threading.Lock()
        self._at: datetime | None = None

    def now(self) -> datetime:
        """The server's time, without a zone as moto has it."""
        return self._at or datetime.now(UTC).replace(tzinfo=None)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER", ACCOUNT) != ACCOUNT:  # which moto does not look at
            start_response("403 Forbidden", [("Content-Type", "application/xml")])
            told = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [told]
        if environ["PATH_INFO"] not in ("/clock", "/page"):
            with self._lock:
                return list(self._moto(environ, start_response))
        value = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
        if environ["PATH_INFO"] == "/page":
            os.environ["MOTO_S3_DEFAULT_MAX_KEYS"] = value
        else:
            self._at = datetime.fromtimestamp(float(value), UTC).replace(tzinfo=None) if value else None
        start_response("200 OK", [("Content-Length", "0")])
        return []


def serve() -> None:
    """Answer requests until standard input ends; the first line of standard output is the URL."""
    from moto.lakeformation.models import LakeFormationBackend
    from moto.moto_server.utilities import RegexConverter
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from moto.s3 import models
    from werkzeug.routing import BaseConverter
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)

    def any_key(self: RegexConverter, url_map: Any, *items: Any) -> None:
        BaseConverter.__init__(self, url_map)
        self.regex = f"(?s:{items[0]})"  # a key may hold line breaks, at which moto's own pattern ends

    made = LakeFormationBackend.__init__

    def tagless(self: LakeFormationBackend, *given: Any, **named: Any) -> None:
        made(self, *given, **named)
        self.lf_table_tags = defaultdict(list)  # moto fails where it is asked for the tags of a table that has none

    LakeFormationBackend.__init__ = tagless  # type: ignore[method-assign]
    RegexConverter.__init__ = any_key  # type: ignore[method-assign]
    served = _Application(DomainDispatcherApplication(create_backend_app))
    models.utcnow = served.now
    server = make_server("127.0.0.1", 0, served, threaded=True, request_handler=MotoRequestHandler)  # type: ignore[arg-type]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    serve()
