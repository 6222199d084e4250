"""The page: well-formed, self-contained, escaped, and telling the analyst what the JSON reports hold."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from concert_assets.reporting.build import build_model_report, build_pipeline_report, render_html
from concert_assets.reporting.facts import CurvePoint, DaySales, FigureFacts, LedgerFacts, ModelFacts
from concert_assets.reporting.page.figures import nice_scale
from concert_assets.reporting.page.markup import el, identifier
from concert_assets.reporting.page.show import count, money, score, seconds, share
from concert_assets_tests import reporting_music as music
from concert_assets_tests import reporting_samples as samples

EVIL = "<script>alert('x')</script>\"&\x00\u202e<b>"


class Reader(HTMLParser):
    """Checks nesting, and gathers tags, attributes and the text shown."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attributes, self.shown = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in ("meta", "br", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "title"} & set(self.open):
            self.shown.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.shown))


def page(run=None, ledger=None, models=None, figures=None):
    models = models or build_model_report(music.models(), music.rankings(), music.forecasts(), generated_at=samples.NOW)
    report = build_pipeline_report(
        run or samples.run(), samples.ledger() if ledger is None else ledger, generated_at=samples.NOW
    )
    return render_html(report, models, music.figures() if figures is None else figures)


def evil_page():
    """A page with hostile text in every place that comes from outside."""
    figures = music.figures()
    figures = replace(
        figures,
        top_artists=[replace(item, name=EVIL, genre=EVIL) for item in figures.top_artists],
        top_venues=[replace(item, name=EVIL, place=EVIL, venue_type=EVIL) for item in figures.top_venues],
        purchase_curve=(),
        skipped={"purchase_curve": EVIL},
    )
    quality = [
        row | {"sample": [{EVIL: EVIL}], "description": EVIL, "rule": EVIL, "is_passed": False}
        for row in samples.quality_rows()
    ]
    ledger = samples.ledger(
        ledger=[
            row | {"object_key": EVIL, "note": EVIL, "delivery": EVIL, "state": "held"} for row in samples.ledger_rows()
        ],
        quality=quality,
    )
    rankings = [row | {"venue_name": EVIL, "city": EVIL} for row in music.rankings()]
    forecasts = [row | {"artist_name": EVIL, "venue_name": EVIL} for row in music.forecasts()]
    models = build_model_report(
        [*music.models(), ModelFacts(EVIL, skipped_reason=EVIL)], rankings, forecasts, generated_at=samples.NOW
    )
    run = replace(
        samples.failed_run(), steps=samples.steps(4, error=EVIL), settings={EVIL: EVIL}, home=EVIL, job_name=EVIL
    )
    return page(run, ledger, models, figures)


PAGES = {
    "success": page,
    "failed": lambda: page(samples.failed_run()),
    "killed": lambda: render_html(build_pipeline_report(samples.killed_run(), None, generated_at=samples.NOW)),
    "empty": lambda: page(
        samples.run(steps=(), checks=(), planned_steps=()),
        LedgerFacts(),
        build_model_report([], generated_at=samples.NOW),
        FigureFacts(),
    ),
    "evil": evil_page,
}


@pytest.fixture(scope="module", params=PAGES)
def any_page(request):
    return PAGES[request.param]()


def test_the_page_is_well_formed(any_page):
    reader = Reader(any_page)
    assert reader.tags.count("h1") == 1
    ids = [value for _, name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = {value[1:] for tag, name, value in reader.attributes if tag == "a" and name == "href"}
    assert links <= set(ids)


def test_every_figure_is_well_formed_and_named(any_page):
    for drawing in re.findall(r"<svg.*?</svg>", any_page, flags=re.S):
        root = ElementTree.fromstring(drawing)
        assert root.find("title").text
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert "nan" not in drawing.lower().replace(root.find("title").text.lower(), "").split("aria-label")[0]


def test_the_page_asks_nothing_of_the_outside(any_page):
    reader = Reader(any_page)
    outside = {"script", "link", "iframe", "img", "object", "embed", "base", "form", "video", "audio", "use", "image"}
    assert not outside & set(reader.tags)
    for _, name, value in reader.attributes:
        assert not name.startswith("on")
        assert name not in ("src", "srcset", "action", "data", "xlink:href")
        if name == "href":
            assert value.startswith("#")
        assert "url(" not in (value or "")
    style = re.search(r"<style>(.*?)</style>", any_page, flags=re.S).group(1)
    assert not re.search(r"url\(|@import|https?:|</|<!--", style)


def test_the_policy_forbids_what_a_mistake_might_load(any_page):
    policy = next(
        value for tag, name, value in Reader(any_page).attributes if name == "content" and "default-src" in value
    )
    assert policy.startswith("default-src 'none'")


def test_hostile_names_are_shown_and_not_run():
    shown = evil_page()
    reader = Reader(shown)
    assert "<script" not in shown
    assert "\x00" not in shown
    assert reader.text.count("<script>alert('x')</script>\"&") > 60
    assert set(reader.tags) <= set(Reader(page()).tags) | set(Reader(page(samples.failed_run())).tags)


def test_the_story_of_the_rows_is_told():
    text = Reader(page()).text
    assert "96,512 of 99,226 delivered rows are published." in text
    for value in ("50,615", "49,012", "331", "1,057", "1,903"):
        assert value in text
    assert "unaccounted" not in text
    assert "do not add up" not in text


def test_rows_that_do_not_add_up_are_said():
    rows = samples.ledger_rows()
    rows[0]["rows_in"] += 3
    assert "The counts do not add up: 3 rows have no outcome." in Reader(page(ledger=samples.ledger(ledger=rows))).text


def test_a_failed_run_has_a_banner_with_where_why_and_what_next():
    shown = page(samples.failed_run())
    banner = re.search(r'<section class="banner" role="alert">(.*?)</section>', shown, flags=re.S).group(1)
    text = Reader(banner).text
    for part in (
        "The run failed",
        "quality",
        "staging",
        "AuditFailed: 331 rows",
        "total_price_arithmetic",
        "concert-assets release",
    ):
        assert part in text
    assert 'class="banner"' not in page()


def test_a_killed_run_has_a_banner_and_its_steps_show_where_it_stood():
    text = Reader(page(samples.killed_run())).text
    assert "The run was killed during step warehouse." in text
    assert "Interrupted" in text
    assert text.count("Not started") == len(samples.STEPS) - 5


def test_held_deliveries_say_why_and_how_to_end_it():
    text = Reader(page(ledger=samples.ledger(ledger=samples.ledger_rows() + samples.held_rows()))).text
    assert "drop-2026-01-01 is held: audit: total_price_arithmetic failed on 488 rows of ticket_sales." in text
    assert "concert-assets retract drop-2026-01-01" in text


def test_skipped_parts_say_why():
    models = build_model_report(
        [ModelFacts("ticket_sales", skipped_reason="no concert has tickets_sold")], generated_at=samples.NOW
    )
    figures = FigureFacts(
        top_artists=music.figures().top_artists, skipped={"daily_sales": "the archive holds no sales"}
    )
    text = Reader(page(models=models, figures=figures)).text
    assert "Skipped: no concert has tickets_sold." in text
    assert "Not shown: the archive holds no sales." in text


def test_models_stand_beside_the_naive_rule():
    text = Reader(page()).text
    assert (
        "the model beats the best naive rule, type mean sell through: mean absolute error 470 against 790 (tickets sold)"
        in text
    )
    assert "the 90 % interval held 89.4 %" in text


def test_the_page_from_json_read_back_is_the_same():
    report = build_pipeline_report(samples.run(), samples.ledger(), generated_at=samples.NOW)
    models = build_model_report(music.models(), music.rankings(), music.forecasts(), generated_at=samples.NOW)
    again = (json.loads(json.dumps(part)) for part in (report, models))
    assert render_html(*again, music.figures()) == render_html(report, models, music.figures())


def test_the_page_stays_small():
    assert len(page().encode()) < 400_000
    many = [
        row | {"delivery": f"d{n}", "sequence": n, "object_id": f"{n}"}
        for n in range(2_000)
        for row in samples.ledger_rows()
    ]
    assert len(page(ledger=samples.ledger(ledger=many)).encode()) < 700_000


def test_days_without_sales_count_as_zero():
    figures = FigureFacts(daily_sales=[DaySales(date(2025, 1, 1), 4, 100.0), DaySales(date(2025, 1, 5), 4, 100.0)])
    line = re.search(r'<polyline class="line" points="([^"]+)"', page(figures=figures)).group(1)
    heights = [float(pair.split(",")[1]) for pair in line.split()]
    assert heights == [0.0, 1000.0, 1000.0, 1000.0, 0.0]


@pytest.mark.parametrize("daily", [[DaySales(date(2025, 1, 1), 0, 0.0)], [DaySales(date(2025, 1, 1), 2, 9.5)]])
def test_a_single_day_and_a_single_point_can_be_drawn(daily):
    Reader(page(figures=FigureFacts(daily_sales=daily, purchase_curve=[CurvePoint(0, 1.0)])))


def test_numbers_have_one_form_each():
    assert count(1234567) == "1,234,567"
    assert [share(value) for value in (0, 0.00001, 0.5, 0.99999, 1, None)] == [
        "0.0\xa0%",
        "<\xa00.1\xa0%",
        "50.0\xa0%",
        "99.9\xa0%",
        "100.0\xa0%",
        "–",
    ]
    assert [score(value) for value in (99.99, 100, None)] == ["99.9", "100.0", "–"]
    assert [money(value) for value in (0, 999_999, 61_000_000)] == ["$0", "$999,999", "$61.0\xa0M"]
    assert [seconds(value) for value in (0.04, 10.4, 125, 7260)] == [
        "40\xa0ms",
        "10.4\xa0s",
        "2\xa0min\xa005\xa0s",
        "2\xa0h\xa001\xa0min",
    ]


@pytest.mark.parametrize("top", [0.3, 1, 7, 19_999, 20_000, 1e9])
def test_an_axis_ends_at_a_round_number_just_above(top):
    scale = nice_scale(top)
    assert scale[0] == 0
    assert top * 0.999999 <= scale[-1] <= top * 1.7
    assert 3 <= len(scale) <= 7


def test_markup_escapes_children_and_attributes():
    assert el("p", "<b>", title='"><i>') == '<p title="&quot;&gt;&lt;i&gt;">&lt;b&gt;</p>'
    assert identifier("a_<b>") == "a_<wbr>&lt;b&gt;"


def test_importing_and_drawing_is_light():
    code = "import sys; import concert_assets.reporting.build; print([m for m in ('pandas', 'numpy', 'matplotlib', 'dagster', 'duckdb') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
