"""What was published last, noted in an object beside the warehouse.

Sensors ask every few seconds. A query each time would keep a serverless workgroup from ever pausing, at full price.
"""

import json

from concert_assets.resources.s3.protocol import ObjectNotFound, ObjectStore

_KEY = "redshift-published.json"


class Noted:
    """The note of one bucket. It may lag behind the ledger, where a process died between the two, never the reverse."""

    def __init__(self, store: ObjectStore, bucket: str) -> None:
        """Nothing is read yet."""
        self._store = store
        self._bucket = bucket

    def write(self, number: int, fingerprint: str, position: int) -> None:
        """Note a publication in place of the one before."""
        told = {"number": number, "fingerprint": fingerprint, "position": position}
        self._store.write(self._bucket, _KEY, json.dumps(told).encode())

    def position(self) -> int:
        """The position of the log that was published; 0 where nothing is noted."""
        try:
            return int(json.loads(self._store.read(self._bucket, _KEY))["position"])
        except ObjectNotFound:
            return 0

    def forget(self) -> None:
        """Nothing is published any more."""
        self._store.delete(self._bucket, _KEY)
