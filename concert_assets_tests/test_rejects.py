"""Refused rows are told with delivery, rule, column, value and reason; what cannot be asked is said in one line."""

from pathlib import Path

import pytest

from concert_assets_tests.support_core import CLEAN, Core, broken
from concert_assets_tests.support_upkeep import ENGINE, Said, ask, sales, told


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(tmp_path / "home", ENGINE)


def test_rows_are_told_with_rule_column_value_and_reason(core: Core, capsys: Said) -> None:
    core.deliver("base", **CLEAN)
    core.deliver("more", ticket_sales=sales({"quantity": 0}, {"quantity": "\x1b[31mtwo"}, {"concert_id": "c9"}, {}))
    core.process()
    found = told(core, capsys)
    assert found["is_published"]
    assert [(r["delivery"], r["row"], r["rule"], r["column"], r["value"]) for r in found["rows"]] == [
        ("more", 1, "quantity_range", "quantity", "0"),
        ("more", 2, "quantity_readable", "quantity", "\x1b[31mtwo"),
    ]
    assert all(row["reason"] for row in found["rows"])
    assert {(line["table"], line["rule"], line["rows"]) for line in found["by_rule"]} == {
        ("ticket_sales", "quantity_range", 1),
        ("ticket_sales", "quantity_readable", 1),
    }
    assert ask(core) == 0
    page = capsys.readouterr().out
    assert "2 rejected rows" in page
    assert "quantity must lie in 1 to 20" in page
    assert "\x1b" not in page, "a value must not steer the terminal"
    assert [row["rule"] for row in told(core, capsys, "--outcome", "pending")["rows"]] == ["concert_id_exists"]
    assert [row["row"] for row in told(core, capsys, "--rule", "quantity_range")["rows"]] == [1]
    assert told(core, capsys, "--limit", "1")["rows_found"] == 2
    assert len(told(core, capsys, "--limit", "1")["rows"]) == 1
    assert told(core, capsys, "--table", "artists")["rows"] == []
    assert told(core, capsys, "--delivery", "base")["rows"] == []
    assert len(told(core, capsys, "--delivery", "2")["rows"]) == 2


def test_what_no_run_has_published_is_told_as_it_was_judged(core: Core, capsys: Said) -> None:
    core.deliver("base", **CLEAN)
    core.process()
    core.deliver("bad", ticket_sales=sales(*[{"quantity": 0}] * 30))
    verdict, _ = core.process(must_pass=False)
    assert broken(verdict) == {("ticket_sales", "refused_share")}
    found = told(core, capsys)
    assert (found["is_published"], found["rows_found"]) == (False, 30)
    core.process()
    assert told(core, capsys)["is_published"]
    assert told(core, capsys, "--delivery", "bad")["rows_found"] == 30, "a held delivery's faults stay in sight"


def test_an_object_refused_as_a_whole_is_told(core: Core, capsys: Said) -> None:
    core.deliver("base", **CLEAN)
    core.deliver("cut", ticket_sales=b"\x1f\x8b\x08\x00broken")
    core.process(must_pass=False)
    (item,) = told(core, capsys)["refused_objects"]
    assert (item["delivery"], item["number"]) == ("cut", 2)
    assert "gzip" in item["reason"]
    assert ask(core) == 0
    assert "refused as a whole: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--limit", "-1"), 2, "--limit: -1"),
        (("--limit", "few"), 2, "whole number"),
        (("--table", "people"), 2, "artists"),
        (("--outcome", "published"), 2, "rejected"),
        (("--delivery", "nobody"), 1, "no delivery 'nobody'; the log knows: base"),
        (("--rule", "no_such_rule"), 1, "'no_such_rule'"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(
    core: Core, capsys: Said, arguments: tuple[str, ...], code: int, said: str
) -> None:
    core.deliver("base", **CLEAN)
    core.process()
    assert ask(core, *arguments) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err


def test_an_empty_home_is_not_made(core: Core, capsys: Said) -> None:
    assert ask(core) == 1
    assert "nothing is judged yet" in capsys.readouterr().err
    assert not core.home.exists()
