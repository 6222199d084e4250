"""Glue runs that go well: what is uploaded is what runs, what it reports arrives, and the job is what it should be."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from concert_assets_tests.support_glue import GlueDouble, glue_double
from concert_assets_tests.support_glue_jobs import REPORTS, launch, resource
from concert_assets_tests.support_moto import MotoServer


@pytest.fixture
def double(moto: MotoServer, tmp_path: Path) -> Iterator[GlueDouble]:
    moto.empty()
    with glue_double(moto.url, tmp_path / "runs") as double:
        yield double


def test_the_uploaded_code_runs_and_what_it_reports_arrives(double: GlueDouble, tmp_path: Path) -> None:
    done = launch(resource(double, tmp_path, REPORTS), {"deliveries": ["one", "two"]})
    assert done.failure is None
    told, *others = done.messages
    assert others == [{"delivery": "one"}, {"delivery": "two"}]
    assert Path(told["package"]).is_relative_to(double.folder / double.runs[0].run_id), "not the repository"
    assert told["arguments"]["--JOB_NAME"] == "concert-assets-curate"
    assert done.logged("curated one")
    assert double.orphans() == []
