"""How a job talks to whoever launched it: files where it is a subprocess, objects in S3 where it runs on Glue."""

import json
from io import StringIO
from threading import Lock
from typing import Any

from dagster_pipes import (
    PipesCliArgsParamsLoader,
    PipesContext,
    PipesMessage,
    PipesParams,
    PipesS3ContextLoader,
    PipesS3MessageWriter,
    PipesS3MessageWriterChannel,
    open_dagster_pipes,
)


class _AtOnce(PipesS3MessageWriter):
    """Writes each message to an object of its own before the job goes on, so that none is lost where it dies."""

    def make_channel(self, params: PipesParams) -> PipesS3MessageWriterChannel:
        """A channel to the objects below the prefix that the launcher names."""
        return _Channel(self._client, params["bucket"], params["key_prefix"], interval=self.interval)


class _Channel(PipesS3MessageWriterChannel):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lock = Lock()

    def write_message(self, message: PipesMessage) -> None:
        """Write one message."""
        with self._lock:
            self.upload_messages_chunk(StringIO(json.dumps(message)), self._counter)
            self._counter += 1


def open_pipes() -> PipesContext:
    """The session with the launcher, to be used as a context manager."""
    loader = PipesCliArgsParamsLoader()  # type: ignore[no-untyped-call]
    if not loader.is_dagster_pipes_process():
        return open_dagster_pipes()
    from concert_assets.resources.s3.aws import s3_client

    client = s3_client()
    return open_dagster_pipes(
        params_loader=loader, context_loader=PipesS3ContextLoader(client), message_writer=_AtOnce(client)
    )
