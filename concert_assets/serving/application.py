"""The endpoint over HTTP: ``GET /ping`` and ``POST /invocations`` as SageMaker asks, and a server of the library.

SageMaker's contract for containers: port 8080, ``/ping`` answers 200 within 2 s once requests can be taken, and
``/invocations`` within 60 s. The model is loaded before the port is opened, so that whoever is answered is served.
"""

import sys
import traceback
from collections.abc import Callable, Iterable
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from concert_assets.learning.model import TrainedModel
from concert_assets.serving.handler import input_fn, output_fn, predict_fn
from concert_assets.serving.requests import JSON, MOST_BYTES, RequestRefused

PORT = 8080
_PLAIN = "text/plain; charset=utf-8"
_METHODS = {"/ping": "GET", "/invocations": "POST"}
_SECONDS = 60.0  # so long a connection may say nothing
_MOST_DRAINED = 8 * MOST_BYTES
_PIECE = 1 << 16

Environ = dict[str, Any]
Answer = tuple[int, str, str]


class Application:
    """A WSGI application (PEP 3333) that forecasts by one model. It keeps nothing between requests."""

    def __init__(self, model: TrainedModel) -> None:
        """Serve this model."""
        self._model = model

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request. What is wrong with it is one line, 4xx; what fails here is 500, told in the log alone."""
        try:
            status, kind, text = self._answer(environ)
        except RequestRefused as error:
            status, kind, text = error.status, _PLAIN, f"{error}\n"
        except Exception:  # the caller is told nothing of our insides, the log everything
            traceback.print_exc(file=environ["wsgi.errors"])
            status, kind, text = 500, _PLAIN, "the forecast failed; the log of the endpoint tells why\n"
        body = text.encode()
        start_response(
            f"{status} {HTTPStatus(status).phrase}", [("Content-Type", kind), ("Content-Length", str(len(body)))]
        )
        return [body]

    def _answer(self, environ: Environ) -> Answer:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if path not in _METHODS:
            raise RequestRefused(404, "there is /ping and /invocations, and nothing else")
        if method != _METHODS[path]:
            raise RequestRefused(405, f"{path} takes {_METHODS[path]}")
        if path == "/ping":
            return 200, _PLAIN, "\n"
        rows = input_fn(_body(environ), environ.get("CONTENT_TYPE") or JSON)
        text, kind = output_fn(predict_fn(rows, self._model), environ.get("HTTP_ACCEPT", ""))
        return 200, kind, text


def _body(environ: Environ) -> bytes:
    stated = environ.get("CONTENT_LENGTH") or ""
    if not stated.isascii() or not stated.isdecimal() or len(stated) > 18:
        raise RequestRefused(411, "Content-Length must tell the bytes of the body")
    length = int(stated)
    if length > MOST_BYTES:
        left = min(length, _MOST_DRAINED)
        # Who is still sending would be cut off by a closed connection, and never read why.
        while left > 0 and (piece := environ["wsgi.input"].read(min(left, _PIECE))):
            left -= len(piece)
        raise RequestRefused(413, f"the body has {length:,} bytes; {MOST_BYTES:,} are taken at most")
    body: bytes = environ["wsgi.input"].read(length)
    if len(body) != length:
        raise RequestRefused(400, f"the body ends after {len(body):,} bytes; Content-Length says {length:,}")
    return body


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a request, so that /ping is answered while a forecast is made."""

    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = _SECONDS

    def address_string(self) -> str:
        """The caller's address as it is: a name would have to be looked up."""
        return str(self.client_address[0])

    def log_message(self, format: str, *args: Any) -> None:
        """Only what goes wrong is worth a line: SageMaker asks /ping without end."""
        if len(args) < 2 or not str(args[1]).startswith("2"):
            super().log_message(format, *args)


def serve(model: TrainedModel, host: str, port: int) -> None:
    """Answer requests until the process is ended; the first line of standard output is where."""
    with make_server(host, port, Application(model), _Server, _Handler) as server:
        sys.stdout.write(f"http://{host}:{server.server_port} serves {model.version}\n")
        sys.stdout.flush()
        server.serve_forever()
