"""What the platform asks of object storage. Standard library only, so that every room may name it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

# Where people drop files, under the names that they give them.
INBOX_PREFIX = "inbox/"
# What is not there, not allowed or something else than was expected stays so.
_LASTING = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)


class ObjectNotFound(Exception):
    """There is no object under that key."""


class ObjectChanged(OSError):
    """Under that key lies another version than the one that is read; what lies there now is found by a new look."""


class ObjectExists(Exception):
    """The object was to be created once and is there already."""


class KeyRefused(Exception):
    """The store cannot hold an object under that key."""


class StoreBusy(ConnectionError):
    """The store does not answer, or not as it should, time and again; it may be over later."""


class StoreUnavailable(Exception):
    """The store refuses what is asked with these settings; trying again does not help."""


def may_pass(error: BaseException) -> bool:
    """Whether an error of a store, a disk or a connection may be gone when the same is tried a little later."""
    return isinstance(error, OSError) and not isinstance(error, _LASTING)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One version of one object: its key, size in bytes and a token that changes whenever the bytes do.

    ``changed_at`` is when it last changed, in seconds since 1970 by the store's clock.
    """

    key: str
    size_bytes: int
    version: str
    changed_at: float = 0.0


class ObjectStore(Protocol):
    """Buckets of objects. A reader sees a whole object or none; nothing half-written is ever visible."""

    def read(self, bucket: str, key: str, version: str = "") -> bytes:
        """All bytes of an object, of one version; ObjectNotFound where there is none.

        ``version`` is the one that is meant, of an ObjectInfo; ObjectChanged where another has taken its place.
        """
        ...

    def write(self, bucket: str, key: str, data: bytes) -> ObjectInfo:
        """Write an object whole, in place of what was there."""
        ...

    def create(self, bucket: str, key: str, data: bytes) -> ObjectInfo:
        """Write an object that must not exist yet; ObjectExists for all but one of any number of racers."""
        ...

    def open_write(self, bucket: str, key: str) -> AbstractContextManager[BinaryIO]:
        """A stream whose bytes become the object when the context ends without an error, and vanish otherwise."""
        ...

    def fetch(self, bucket: str, key: str, version: str = "") -> AbstractContextManager[Path]:
        """A local file that holds the object's bytes for as long as the context lasts; ObjectNotFound as for ``read``.

        ObjectChanged where it is not the version that is meant, which may show only at the end of the context: what
        was read in it then is not to be used.
        """
        ...

    def head(self, bucket: str, key: str) -> ObjectInfo | None:
        """What is known of an object without reading it, or None where there is none."""
        ...

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """The objects under a prefix in the order of their keys."""
        ...

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object; nothing happens where there is none."""
        ...

    def uri(self, bucket: str, key: str = "") -> str:
        """Where an object or bucket lies, for people and programs."""
        ...
