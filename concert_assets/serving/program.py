"""The program ``serve`` of a container: loads the model of the package that it lies in, and answers requests."""

import argparse
import sys
from collections.abc import Sequence

from concert_assets.learning.persistence import ModelRefused
from concert_assets.serving.application import PORT, serve
from concert_assets.serving.handler import model_fn


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the process is ended; 1, with one line, where the model is refused.

    Without arguments as SageMaker starts it, which gives the word ``serve`` and unpacks into /opt/ml/model.
    """
    parser = argparse.ArgumentParser(prog="serve", description="Answer /ping and /invocations by a packed model.")
    parser.add_argument("command", nargs="?", choices=("serve",), default="serve", help="what SageMaker says")
    parser.add_argument("--model-dir", default="/opt/ml/model", metavar="DIR", help="folder of the unpacked package")
    parser.add_argument("--host", default="0.0.0.0", metavar="HOST", help="address to listen on")  # noqa: S104 - a container's
    parser.add_argument("--port", type=int, default=PORT, metavar="N", help=f"port to listen on (default {PORT})")
    options = parser.parse_args(arguments)
    try:
        model = model_fn(options.model_dir)
    except ModelRefused as error:
        sys.stderr.write(f"serve: {error}\n")
        return 1
    serve(model, options.host, options.port)
    return 0
