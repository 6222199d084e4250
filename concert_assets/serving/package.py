"""The package that an endpoint runs from: ``model.tar.gz`` as SageMaker unpacks it, the same bytes for the same model.

It holds the stored bytes of a version and its manifest, and in ``code/`` the handler with the modules of this package
that it needs. Who makes it has verified the version by the key; its manifest's hash is put beside the code.
"""

import gzip
import hashlib
import io
import tarfile
from importlib.metadata import version
from pathlib import Path

from concert_assets.serving.handler import MANIFEST_FILE, MODEL_FILE, PIN_FILE

# What the handler imports and what that imports in turn: the versions installed here are those that are tested.
MODULES = (
    "cloudpickle",
    "joblib",
    "narwhals",
    "numpy",
    "packaging",
    "pandas",
    "prettytable",
    "pyarrow",
    "python-dateutil",
    "scikit-learn",
    "scipy",
    "six",
    "skops",
    "threadpoolctl",
    "wcwidth",
)
_ROOMS = ("learning", "serving")
_PACKAGE = Path(__file__).parent.parent
# The module in which the container for scikit-learn looks for its functions, and the program of any other container.
_INFERENCE = """\
from concert_assets.serving.handler import input_fn, model_fn, output_fn, predict_fn

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]
"""
_SERVE = """\
import sys

from concert_assets.serving.program import main

if __name__ == "__main__":
    sys.exit(main())
"""


def packed(data: bytes, manifest: bytes) -> bytes:
    """The package of a model's stored bytes and its stored manifest, which the caller has verified."""
    files = {
        MODEL_FILE: data,
        MANIFEST_FILE: manifest,
        PIN_FILE: hashlib.sha256(manifest).hexdigest().encode() + b"\n",
        "code/inference.py": _INFERENCE.encode(),
        "code/serve.py": _SERVE.encode(),
        "code/requirements.txt": requirements().encode(),
        "code/concert_assets/__init__.py": (_PACKAGE / "__init__.py").read_bytes(),
    }
    for room in _ROOMS:
        for path in (_PACKAGE / room).glob("*.py"):
            files[f"code/concert_assets/{room}/{path.name}"] = path.read_bytes()
    target = io.BytesIO()
    # Without time and name of the file, which gzip would note.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=target, mtime=0) as stream,
        tarfile.open(mode="w", fileobj=stream, format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)  # owner, group and time are 0
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def requirements() -> str:
    """The modules with their versions, as pip reads them: what an image needs beside the package."""
    return "".join(f"{module}=={version(module)}\n" for module in MODULES)
