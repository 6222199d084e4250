"""Versions of the code: a hash of the source files that a result depends on."""

import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent


@cache
def code_version(*places: str) -> str:
    """A version of the Python and SQL files below some folders or at some paths of the package, 12 hex digits.

    A changed comment changes it too: what is made again needlessly costs less than what is not made again.
    """
    digest = hashlib.sha256()
    for place in places:
        path = _PACKAGE / place
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix in (".py", ".sql"))
        if not files:
            raise FileNotFoundError(f"no source file at {place!r}")
        for file in files:
            digest.update(f"{file.relative_to(_PACKAGE)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]
