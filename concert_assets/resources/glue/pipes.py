"""Dagster Pipes over S3 objects of one run: its context, and its messages read to the last one.

Of dagster-aws's own classes, the reader takes any error for the absence of messages and leaves ten seconds after the
session's end, however many are unread; both put their objects at the top of the bucket under random names.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster import PipesContextInjector, PipesMessageHandler, PipesMessageReader
from dagster_pipes import PipesContextData, PipesParams

from concert_assets.resources.glue.calls import Log
from concert_assets.resources.s3.protocol import ObjectNotFound, ObjectStore


class ObjectContext(PipesContextInjector):
    """Writes the context of a run to an object below its prefix."""

    def __init__(self, store: ObjectStore, bucket: str, prefix: str) -> None:
        """Nothing is written yet."""
        self._store = store
        self._bucket = bucket
        self._key = f"{prefix}context.json"

    @contextmanager
    def inject_context(self, context: PipesContextData) -> Iterator[PipesParams]:
        """Write it, and say where it is."""
        self._store.write(self._bucket, self._key, json.dumps(context).encode())
        yield {"bucket": self._bucket, "key": self._key}

    def no_messages_debug_text(self) -> str:
        """Where the job should have looked."""
        return f"The context is in {self._store.uri(self._bucket, self._key)}."


class ObjectMessages(PipesMessageReader):
    """Reads what a run reports from objects ``<prefix>messages/1.json``, ``2.json`` and so on, a message a line.

    Read when asked, not by a thread: a run that has ended reports nothing more, so one look after its end is enough.
    """

    def __init__(self, store: ObjectStore, bucket: str, prefix: str, log: Log) -> None:
        """``log`` takes warnings. ``prefix`` may be changed to that of another run before anything is read."""
        self._store = store
        self._bucket = bucket
        self.prefix = prefix
        self._log = log
        self._read = 0
        self._handler: PipesMessageHandler | None = None

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        """Say where a new run is to write its messages; ``read_on`` reads them."""
        self._handler = handler
        yield {"bucket": self._bucket, "key_prefix": self._folder}

    def read_on(self) -> None:
        """Handle the messages that have come since."""
        while True:
            try:
                chunk = self._store.read(self._bucket, f"{self._folder}/{self._read + 1}.json")
            except ObjectNotFound:
                return
            self._read += 1
            for line in chunk.decode(errors="replace").splitlines():
                self._handle(line)

    @property
    def custom_messages(self) -> list[dict[str, Any]]:
        """The custom messages that were read."""
        return [dict(message) for message in self._handler.get_custom_messages()] if self._handler else []

    def no_messages_debug_text(self) -> str:
        """Where they were looked for."""
        return f"Messages are looked for below {self._store.uri(self._bucket, self._folder)}."

    @property
    def _folder(self) -> str:
        return f"{self.prefix}messages"

    def _handle(self, line: str) -> None:
        if self._handler is None:
            raise RuntimeError("messages can be read only while the session is open")
        try:
            self._handler.handle_message(json.loads(line))
        except Exception as error:  # whatever it is, the run is not to end by it
            self._log(f"the Glue run reported what is no message, {line[:200]!r}: {error}")
