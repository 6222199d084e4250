"""Services on a bad day: loopback proxies before HTTP and before PostgreSQL's wire, and the table of what came of it."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Refusal = tuple[int, str]  # status and code of an answer
Fault = Literal["500", "503", "400", "409", "drop", "hang", "half answer", "half request", "lost answer"] | Refusal
_ERRORS: dict[str, tuple[int, str]] = {
    "500": (500, "InternalError"),
    "503": (503, "SlowDown"),
    "400": (400, "InvalidURI"),
    "409": (409, "ConditionalRequestConflict"),
}
HANG_SECONDS = 1.5


def fault_line(fault: str, happened: str, amiss: int, orphans: int) -> None:
    """Print a row of the one table of faults of S3, Glue and Redshift.

    ``amiss`` are rows, objects, reports or runs that are lost or doubled, ``orphans`` what is left behind: runs,
    transactions, uploads. The table is what ``grep '^|'`` leaves of ``python -m pytest -q -s`` over
    ``concert_assets_tests/test_{object_store,glue,warehouse}_*.py``.
    """
    print(f"\n| {fault} | {happened} | {amiss} | {orphans} |")
    assert (amiss, orphans) == (0, 0), fault


class FaultyProxy:
    """``url`` is where it listens; ``plan`` says what befalls the requests of a method that come next, one after another."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[str] = []
        self._plan: dict[str, list[Fault | None]] = {}
        self._lock = threading.Lock()

    def plan(self, method: str, *faults: Fault | None) -> None:
        """What befalls the next requests of that method, None nothing; those after them are answered as they should be."""
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
            if fault in _ERRORS or isinstance(fault, tuple):
                status, code = fault if isinstance(fault, tuple) else _ERRORS[fault]
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
            if self.close_connection:
                self.send_header("Connection", "close")  # or the next request might meet the end of this one
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


class Wire:
    """A loopback proxy before the server that cuts a connection at the words of a test."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.words = b""
        self.lets_through = False  # whether the server still gets the words; the answer is lost in either case
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, words: bytes, *, lets_through: bool, times: int = 1) -> None:
        """Cut the next connections that send these words."""
        self.words, self.lets_through, self.cuts = words, lets_through, times

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(ours,), daemon=True).start()

    def _serve(self, ours: socket.socket) -> None:
        with ours, socket.create_connection(("127.0.0.1", self._server_port)) as theirs:
            answers = threading.Thread(target=self._answer, args=(theirs, ours), daemon=True)
            answers.start()
            while data := self._receive(ours):
                if self.cuts and self.words in data.lower():
                    self.cuts -= 1
                    ours.shutdown(socket.SHUT_RDWR)  # before the server can answer
                    if self.lets_through:
                        theirs.sendall(data)
                        answers.join(10)  # it ends at the server's answer, which nobody takes
                    break
                theirs.sendall(data)
            with suppress(OSError):
                theirs.shutdown(socket.SHUT_RDWR)  # closing alone would wait for the thread that reads it

    @staticmethod
    def _receive(side: socket.socket) -> bytes:
        try:
            return side.recv(1 << 16)
        except OSError:
            return b""

    def _answer(self, theirs: socket.socket, ours: socket.socket) -> None:
        with suppress(OSError):  # one of the two has gone, and then so does the other
            while data := self._receive(theirs):
                ours.sendall(data)
            ours.shutdown(socket.SHUT_RDWR)
