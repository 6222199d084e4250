"""The job ``curate`` itself on the double of Glue: the objects that it leaves in S3 are those of the embedded run.

On Spark too, as Glue has it, where it is set up; in CI it has to be.
"""

from collections.abc import Iterator
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from concert_assets.deliveries.curated import read_manifest
from concert_assets.deliveries.log import DeliveryLog
from concert_assets.resources.glue.aws import AwsGlueJobs
from concert_assets.resources.s3.protocol import ObjectStore
from concert_assets.resources.s3.resource import AwsS3
from concert_assets_tests.support_core import PROCESSED, RAW, RULES, Core
from concert_assets_tests.support_glue import GlueDouble, glue_double
from concert_assets_tests.support_glue_jobs import launch
from concert_assets_tests.support_moto import MotoServer
from concert_assets_tests.support_spark import interpreters, missing_in_ci

ARTISTS = [
    {"artist_id": "a1", "name": "Nina Simone", "popularity_score": "91.5"},
    {"artist_id": "a2", "name": "Bjo\u0308rk", "updated_at": "2024-05-06T07:08:09Z"},
    {"artist_id": "", "name": "nobody"},
]
VENUES = [
    {"venue_id": "v1", "name": "The Hall", "venue_type": "hall", "city": "Leeds", "country": "GB", "capacity": "900"},
    {"venue_id": "v2", "name": "The Yard", "venue_type": "outdoor", "city": "Leeds", "country": "GB", "capacity": "?"},
]


@pytest.fixture(params=interpreters(), ids=lambda given: Path(given.python).parents[1].name)
def double(moto: MotoServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[GlueDouble]:
    moto.empty()
    with glue_double(moto.url, tmp_path / "runs", request.param) as double:
        yield double


def rows(store: ObjectStore, content_id: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of a curated delivery by the name of their file, and its counts."""
    manifest = read_manifest(store, PROCESSED, content_id, RULES)
    assert manifest is not None
    found = {
        item.table or item.kind: sorted(
            pq.read_table(BytesIO(store.read(PROCESSED, item.key))).to_pylist(), key=lambda row: str(row.values())
        )
        for item in manifest.files
    }
    return found | {"counts": [asdict(count) for count in (*manifest.counts, *manifest.rule_counts)]}


def test_ci_plays_the_job_on_spark() -> None:
    assert missing_in_ci() == ()


def test_what_glue_leaves_is_what_the_embedded_run_leaves(double: GlueDouble, moto: MotoServer, tmp_path: Path) -> None:
    embedded, aws = Core(tmp_path / "embedded"), Core(tmp_path / "aws")
    aws.store = moto.store  # type: ignore[assignment]
    aws.log = DeliveryLog(moto.store, RAW)
    entries = [core.deliver("one", artists=ARTISTS, venues=VENUES) for core in (embedded, aws)]
    entries += [core.deliver("two", venues=VENUES) for core in (embedded, aws)]
    embedded.curate()
    s3 = AwsS3(region="us-east-1", raw_bucket=RAW, processed_bucket=PROCESSED, endpoint_url=double.moto_url)
    glue = AwsGlueJobs(
        region="us-east-1",
        processed_bucket=PROCESSED,
        role="arn:aws:iam::123456789012:role/glue",
        endpoint_url=double.url,
        deadline_seconds=300,
        poll_seconds=0.5,
        log_seconds=5,
    )
    asked = [
        {
            "name": entry.delivery,
            "content_id": entry.content_id,
            "rules_version": RULES,
            "objects": [asdict(item) for item in entry.objects],
        }
        for entry in aws.log.entries()
    ]
    extras = {"store": s3.url, "raw_bucket": RAW, "processed_bucket": PROCESSED, "deliveries": asked}
    done = launch(glue, extras)
    assert done.failure is None
    assert [(told["rows_in"], told["rejected"]) for told in done.messages] == [(5, 1), (2, 0)]
    assert done.logged("curated delivery one: 5 rows in")
    for entry in entries:
        assert rows(aws.store, entry.content_id) == rows(embedded.store, entry.content_id)
    again = launch(glue, extras)
    assert (again.failure, again.messages) == (None, []), "what is curated stays as it is"
    assert double.orphans() == []
