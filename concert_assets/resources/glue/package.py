"""The code that a Glue run uses: this package as a wheel, a script of it, and the pinned modules that they need.

Objects are named by the hash of their bytes, so a run keeps the code that it was started with.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import concert_assets
from concert_assets.resources.s3.protocol import ObjectExists, ObjectStore

CODE_PREFIX = "glue/code/"
# What the jobs import, and what that imports in turn: the versions that are installed here are those that are tested.
# pandas is what PySpark asks for where it exchanges Arrow. Glue's own boto3 is too old for conditional writes.
MODULES = (
    "boto3",
    "botocore",
    "dagster-pipes",
    "jmespath",
    "numpy",
    "pandas",
    "pyarrow",
    "python-dateutil",
    "s3transfer",
    "six",
    "sqlglot",
    "urllib3",
)
_PACKAGE = Path(concert_assets.__file__).parent
# Version 0: the package need not be installed, so it may have none; the hash in the key tells one from another.
_WHEEL_NAME = "concert_assets-0-py3-none-any.whl"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first day that a zip file knows
_WHEEL = "Wheel-Version: 1.0\nGenerator: concert-assets\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@dataclass(frozen=True, slots=True)
class Code:
    """Where the code of a run lies: URIs of script and wheel, and the modules to install beside, as pip names them."""

    script: str
    wheel: str
    modules: str

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments by which Glue uses it."""
        return {
            "--scriptLocation": self.script,
            "--additional-python-modules": f"{self.wheel},{self.modules}",
        }


def upload(store: ObjectStore, bucket: str, script: Path) -> Code:
    """Put script and wheel into the bucket where they are not there yet."""
    return Code(
        store.uri(bucket, _put(store, bucket, script.name, script.read_bytes())),
        store.uri(bucket, _put(store, bucket, _WHEEL_NAME, wheel())),
        ",".join(f"{module}=={version(module)}" for module in MODULES),
    )


def script_of(job: str) -> Path:
    """The program of a job; FileNotFoundError where the package has none of that name."""
    path = _PACKAGE / "glue_jobs" / f"{job}.py"
    if not path.is_file():
        raise FileNotFoundError(f"there is no Glue job {job!r} in {path.parent}")
    return path


@cache
def wheel() -> bytes:
    """This package as a wheel without requirements, the same bytes for the same files.

    Format: the binary distribution format of the Python Packaging Authority (PEP 427).
    """
    info = "concert_assets-0.dist-info"
    files = {
        f"concert_assets/{path.relative_to(_PACKAGE).as_posix()}": path.read_bytes()
        for path in _PACKAGE.rglob("*")
        if path.suffix in (".py", ".sql")
    }
    files[f"{info}/METADATA"] = b"Metadata-Version: 2.1\nName: concert-assets\nVersion: 0\n"
    files[f"{info}/WHEEL"] = _WHEEL.encode()
    record = "".join(f"{name},{_record(data)}\n" for name, data in sorted(files.items()))
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    target = BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            entry = ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix wherever it is made
            entry.external_attr = 0o644 << 16
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, data)
    return target.getvalue()


def _record(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(data)}"


def _put(store: ObjectStore, bucket: str, name: str, data: bytes) -> str:
    key = f"{CODE_PREFIX}{hashlib.sha256(data).hexdigest()[:32]}/{name}"
    if store.head(bucket, key) is None:
        try:
            store.create(bucket, key, data)
        except ObjectExists:
            return key  # another process was at it; the bytes are the same
    return key
