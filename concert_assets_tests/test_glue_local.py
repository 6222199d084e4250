"""The embedded twin of Glue: a job that dies keeps what it reported, as on AWS."""

from pathlib import Path

import pytest

from concert_assets.resources.glue.local import LocalGlue
from concert_assets.resources.glue.package import script_of
from concert_assets.resources.glue.protocol import GlueJobFailed
from concert_assets_tests.support_glue_jobs import launch

REPORTS = """
import os
from dagster_pipes import open_dagster_pipes
with open_dagster_pipes() as pipes:
    pipes.report_custom_message({"delivery": pipes.extras["delivery"]})
    if pipes.extras["dies"]:
        os.kill(os.getpid(), 9)
"""


class LocalScript(LocalGlue):
    folder: str

    def script(self, job: str) -> Path:
        return Path(self.folder) / f"{job}.py"


@pytest.mark.parametrize("dies", [False, True])
def test_what_a_job_reported_is_kept_however_it_ends(tmp_path: Path, dies: bool) -> None:
    (tmp_path / "curate.py").write_text(REPORTS)
    done = launch(LocalScript(folder=str(tmp_path)), {"delivery": "one", "dies": dies})
    if dies:
        assert isinstance(done.failure, GlueJobFailed)
        assert "Glue job curate failed" in str(done.failure)
        assert done.failure.messages == [{"delivery": "one"}]
    else:
        assert (done.failure, done.messages) == (None, [{"delivery": "one"}])


def test_a_job_that_is_not_there_is_said_by_name() -> None:
    with pytest.raises(FileNotFoundError, match="'nonsense'"):
        script_of("nonsense")
