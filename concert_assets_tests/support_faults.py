"""A loopback proxy before an HTTP server that answers as a service on a bad day: errors, silence, connections that end."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Fault = Literal["500", "503", "400", "409", "drop", "hang", "half answer", "half request", "lost answer"]
_ERRORS: dict[str, tuple[int, str]] = {
    "500": (500, "InternalError"),
    "503": (503, "SlowDown"),
    "400": (400, "InvalidURI"),
    "409": (409, "ConditionalRequestConflict"),
}
HANG_SECONDS = 1.5


class FaultyProxy:
    """``url`` is where it listens; ``plan`` says what befalls the requests of a method that come next, one after another."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[str] = []
        self._plan: dict[str, list[Fault]] = {}
        self._lock = threading.Lock()

    def plan(self, method: str, *faults: Fault) -> None:
        """What befalls the next requests of that method; those after them are answered as they should be."""
        self.requests.clear()
        self._plan[method] = list(faults)

    def next_fault(self, method: str, path: str) -> Fault | None:
        """What befalls this request."""
        with self._lock:
            self.requests.append(f"{method} {path}")
            waiting = self._plan.get(method)
            return waiting.pop(0) if waiting else None


@contextmanager
def faulty(upstream: str) -> Iterator[FaultyProxy]:
    """A proxy before ``upstream`` that is stopped at the end."""
    place = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

        def answer(self) -> None:
            fault = proxy.next_fault(self.command, self.path)
            length = int(self.headers.get("Content-Length") or 0)
            self.close_connection = fault is not None
            if fault == "half request":
                self.rfile.read(length // 2)
                return
            body = self.rfile.read(length)
            if fault in _ERRORS:
                status, code = _ERRORS[fault]
                self.send(status, {}, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())
            elif fault == "hang":
                time.sleep(HANG_SECONDS)
            elif fault != "drop":
                self.forward(body, fault)

        def forward(self, body: bytes, fault: Fault | None) -> None:
            connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
            connection.request(self.command, self.path, body, dict(self.headers))
            found = connection.getresponse()
            data = found.read()
            connection.close()
            if fault != "lost answer":
                self.send(found.status, dict(found.headers), data, is_half=fault == "half answer")

        def send(self, status: int, headers: dict[str, str], data: bytes, is_half: bool = False) -> None:
            length = headers.get("Content-Length", str(len(data)))
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                    self.send_header(name, value)
            self.send_header("Content-Length", length if self.command == "HEAD" else str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data[: len(data) // 2] if is_half else data)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, address: object) -> None:
            """A client that has gone is what this is for."""

    server = Server(("127.0.0.1", 0), Handler)
    proxy = FaultyProxy(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        with suppress(OSError):
            server.socket.close()
