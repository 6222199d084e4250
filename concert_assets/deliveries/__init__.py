"""The delivery log, manifests and the arithmetic over them: pure, over an object store handed in."""
