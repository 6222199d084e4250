"""Object storage in a folder: ``<root>/<bucket>/<key>``, durable and atomic. Standard library only: jobs use it too.

Python's and most libraries' writers fill a file in place, so a killed one leaves a part of it in sight. Here every
object is written to a sibling temporary file, synced, renamed, and the folder synced after it.

File names are encoded, so that any key can be held; below ``inbox/`` they stand as they are, for people put them there.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

from concert_assets.resources.s3.protocol import (
    INBOX_PREFIX,
    KeyRefused,
    ObjectChanged,
    ObjectExists,
    ObjectInfo,
    ObjectNotFound,
)

_TEMPORARY = ".writing-"  # an encoded segment never begins with a dot, so no key can collide with it
_EMPTY_SEGMENT = "%"  # no encoding yields a lone percent sign
_NO_TEXT = re.compile(r".*\ufffd.* \(bytes ((?:[0-9a-f]{2})+)\)", re.DOTALL)
_MOST_KEY_BYTES = 1024  # as in S3; encoded, it still fits into the longest path that Linux knows


def _encode_segment(segment: str) -> str:
    if not segment:
        return _EMPTY_SEGMENT
    # quote() leaves letters, digits and _.-~ alone; bytes beyond ASCII are escaped, so that twins which differ in
    # Unicode normalisation alone stay two files on every file system.
    encoded = quote(segment, safe="=")
    if encoded.startswith("."):
        encoded = "%2E" + encoded[1:]
    return encoded


def _decode_segment(name: str) -> str:
    return "" if name == _EMPTY_SEGMENT else unquote(name)


def _to_name(segment: str) -> str:
    """The file name of a part of a key below the inbox."""
    found = _NO_TEXT.fullmatch(segment)
    name = os.fsdecode(bytes.fromhex(found[1])) if found else segment
    # A file may be called as such a part is; it is then that file, and no way to another one.
    return name if _from_name(name) == segment and "/" not in name else segment


def _from_name(name: str) -> str:
    """The part of a key for a file name below the inbox: the name, and its bytes where they are no UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return f"{os.fsencode(name).decode('utf-8', 'replace')} (bytes {os.fsencode(name).hex()})"
    return name


class FolderObjectStore:
    """An :class:`~concert_assets.resources.s3.protocol.ObjectStore` below one folder."""

    def __init__(self, root: Path) -> None:
        """``root`` holds a folder per bucket and is made at the first write."""
        self.root = Path(root)

    def path(self, bucket: str, key: str) -> Path:
        """The file of an object; KeyRefused for a key or bucket that no file name can carry."""
        if not key or "\x00" in key:
            raise KeyRefused(f"key {key!r} is empty or holds a NUL character")
        try:
            size_bytes = len(key.encode())
        except UnicodeEncodeError as error:  # a file name that is no text reaches us as lone surrogates
            raise KeyRefused(f"key {key[:60]!r} is no Unicode text") from error
        if size_bytes > _MOST_KEY_BYTES:
            raise KeyRefused(f"key {key[:60]!r}… has {size_bytes} bytes, more than {_MOST_KEY_BYTES}")
        if key.startswith(INBOX_PREFIX):
            return self._dropped(bucket, key)
        segments = [_encode_segment(segment) for segment in key.split("/")]
        if any(len(segment) > 230 for segment in segments):
            raise KeyRefused(f"key {key[:60]!r}… has a part longer than a file name may be")
        return self._bucket(bucket).joinpath(*segments)

    def _dropped(self, bucket: str, key: str) -> Path:
        segments = key.split("/")
        if any(segment in ("", ".", "..") for segment in segments):
            raise KeyRefused(f"key {key[:60]!r}: a folder store holds no empty part and no dots alone below the inbox")
        return self._bucket(bucket).joinpath(*map(_to_name, segments))

    def _bucket(self, bucket: str) -> Path:
        if _encode_segment(bucket) != bucket:
            raise KeyRefused(f"{bucket!r} is no bucket name: letters, digits, dots and dashes are allowed")
        return self.root / bucket

    def read(self, bucket: str, key: str, version: str = "") -> bytes:
        """All bytes of an object, of that version where one is given."""
        try:
            with self.fetch(bucket, key, version) as path:
                return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise ObjectNotFound(f"no object {key!r} in bucket {bucket!r}") from error

    def write(self, bucket: str, key: str, data: bytes) -> ObjectInfo:
        """Write an object whole, in place of what was there."""
        with self.open_write(bucket, key) as stream:
            stream.write(data)
        return self._info(self.path(bucket, key), key)

    def create(self, bucket: str, key: str, data: bytes) -> ObjectInfo:
        """Write an object that must not exist yet."""
        target = self.path(bucket, key)
        with self._temporary(target) as (temporary, stream):
            stream.write(data)
            _sync_and_close(stream)
            try:
                os.link(temporary, target)  # fails where the name is taken, which rename would not
            except FileExistsError as error:
                raise ObjectExists(f"object {key!r} in bucket {bucket!r} exists") from error
        _sync_folder(target.parent)
        return self._info(target, key)

    @contextmanager
    def open_write(self, bucket: str, key: str) -> Iterator[BinaryIO]:
        """A stream whose bytes become the object at the end of the context."""
        target = self.path(bucket, key)
        with self._temporary(target) as (temporary, stream):
            yield stream
            _sync_and_close(stream)
            temporary.replace(target)
        _sync_folder(target.parent)

    @contextmanager
    def fetch(self, bucket: str, key: str, version: str = "") -> Iterator[Path]:
        """The object's own file: it is never written in place, so nothing needs copying.

        But for the inbox, where people write as they like. So a version is compared before and after: of what was the
        same at both, all that was read between is.
        """
        path = self.path(bucket, key)
        if not path.is_file():
            raise ObjectNotFound(f"no object {key!r} in bucket {bucket!r}")
        self._compare(path, key, version)
        yield path
        self._compare(path, key, version)

    def head(self, bucket: str, key: str) -> ObjectInfo | None:
        """Size and version of an object, or None."""
        path = self.path(bucket, key)
        try:
            return self._info(path, key) if path.is_file() else None
        except FileNotFoundError:
            return None

    def list(self, bucket: str, prefix: str = "") -> Iterator[ObjectInfo]:
        """The objects under a prefix in the order of their keys."""
        found: list[ObjectInfo] = []
        base = self._bucket(bucket)
        folder = base
        # Only the folders that the prefix names in full can be skipped to.
        for segment in prefix.split("/")[:-1]:
            folder = folder / _encode_segment(segment)
        for parent, _, names in os.walk(folder):
            for name in names:
                if name.startswith(_TEMPORARY):
                    continue
                path = Path(parent, name)
                parts = path.relative_to(base).parts
                decode = _from_name if parts[0] == INBOX_PREFIX.rstrip("/") and len(parts) > 1 else _decode_segment
                key = "/".join(map(decode, parts))
                if key.startswith(prefix):
                    # Removed while listing: then it is not there. In the inbox lies what people put there, links too.
                    with suppress(OSError if decode is _from_name else FileNotFoundError):
                        info = self._info(path, key)
                        if path.is_file():  # no pipe, socket or device
                            found.append(info)
        yield from sorted(found, key=lambda info: info.key)

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object; nothing happens where there is none."""
        path = self.path(bucket, key)
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            path.unlink()
            _sync_folder(path.parent)

    def unfinished(self, bucket: str) -> Iterator[Path]:
        """The files of writes that go on, or that a killed process left behind."""
        yield from sorted(self._bucket(bucket).rglob(f"{_TEMPORARY}*"))

    def uri(self, bucket: str, key: str = "") -> str:
        """The path of the object's file."""
        return str(self.path(bucket, key) if key else self._bucket(bucket))

    def _info(self, path: Path, key: str) -> ObjectInfo:
        status = path.stat()
        # The inode changes with every rename over the file, so the same size in the same tick still shows; the time of
        # the inode's change cannot be set, so that a copy that keeps the file's time still shows.
        times = f"{status.st_mtime_ns:x}-{status.st_ctime_ns:x}"
        return ObjectInfo(key, status.st_size, f"{times}-{status.st_ino:x}-{status.st_size:x}", status.st_ctime)

    def _compare(self, path: Path, key: str, version: str) -> None:
        """Raise ObjectChanged where the file is not of the version that is meant, if one is."""
        try:
            is_meant = not version or self._info(path, key).version == version
        except FileNotFoundError:
            is_meant = False
        if not is_meant:
            raise ObjectChanged(f"object {key!r} is another version now than the one that is read")

    @contextmanager
    def _temporary(self, target: Path) -> Iterator[tuple[Path, BinaryIO]]:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise KeyRefused(f"{target.parent} is an object; a folder store cannot hold keys below it") from error
        if target.is_dir():
            raise KeyRefused(f"{target} holds objects below it; a folder store cannot hold an object of that key")
        temporary = target.parent / f"{_TEMPORARY}{secrets.token_hex(8)}"
        stream = temporary.open("xb")
        try:
            yield temporary, stream
        finally:
            stream.close()
            temporary.unlink(missing_ok=True)


def _sync_and_close(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())
    stream.close()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
