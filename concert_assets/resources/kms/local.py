"""The Dagster resource ``signing``: a key of this home, made on first use, that models are signed with."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from dagster import ConfigurableResource
from pydantic import Field


class Signing(Protocol):
    """What assets see of the resource."""

    def key(self) -> bytes:
        """The secret key."""
        ...


class LocalSigning(ConfigurableResource):  # type: ignore[type-arg]
    """A random key in a file that only its owner can read."""

    path: str = Field(description="File of the key")

    def key(self) -> bytes:
        """The key, made where there is none yet."""
        path = Path(self.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(secrets.token_bytes(32))
            with suppress(FileExistsError):
                os.link(temporary, path)  # of several processes one makes the key
            temporary.unlink()
        return path.read_bytes()
