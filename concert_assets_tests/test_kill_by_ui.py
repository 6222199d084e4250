"""A run that was launched in the web UI, killed while it publishes and re-executed there ends as an undisturbed one.

``python -m concert_assets_tests.benchmarks.kills`` does the same at every step boundary and statement, also by sensor.
"""

from pathlib import Path

import pytest

from concert_assets_tests.support_kill_launched import web

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*expected_writer_count:dagster.PreviewWarning"),  # Dagster's own Pipes client
    pytest.mark.filterwarnings("ignore:.*Context.(run_id|dagster_run) is deprecated:DeprecationWarning"),  # the same
]


def test_a_run_killed_while_it_publishes_is_taken_up_from_there(tmp_path: Path) -> None:
    with web(tmp_path) as by_hand:
        told = by_hand.survive("publish.11")
        assert "made mart_artist_performance" in told, "what was done before is not made again"
        assert by_hand.kills.statements()["publish.11"].startswith("alter table concert_dw.candidate__venues")
