"""Charts in a real browser: what is drawn, how one moves in it, what is saved of it, and notes on its days."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from perf import clock
from snapshots.models import Note, Snapshot
from snapshots.recording import Sighting, record
from tests import factories
from tests.browser.conftest import PHONE, WIDE, overflow

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DAYS = 20
ADDRESS = "/accounts/youtube/tides/?days=30"
SHOWN = """async () => {
  const { shown } = await import(document.querySelector("[data-module*='charts/card']").dataset.module);
  const { chart, lines, name, log } = shown(document.querySelector("[data-module*='charts/card']"));
  const { min, max } = chart.scales.x;
  return { days: [...chart.data[0]], values: lines.map((line) => [...line.values]), kinds: [...lines[0].kinds],
    bounds: [...lines[0].bounds], suspects: lines[0].suspects, labels: lines.map(({ label }) => label),
    window: (max - min) / 86400, shown: chart.series.slice(1).map(({ show }) => show), name, log,
    at: chart.cursor.idx ?? null };
}"""
RANGES = """async () => {
  const { interval } = await import("/static/tidemark/charts/views.js");
  return ["down", "nearest", undefined].map((how) => interval(1_200_000, 10_000, how));
}"""
FORMULA = """async () => (await import("/static/tidemark/charts/saving.js")).csv({
  lines: ["=1+1", "\u2003\ufe661", "a;=1"].map((label) => ({ label, values: [null] })),
  chart: { data: [[0], [null]], series: [{ idxs: [0, 0] }, { show: true }, { show: true }, { show: true }] },
})"""


@pytest.fixture
def tides(transactional_db):
    """Twenty days up to today: no figure 12 and 11 days ago, simulated before, suspect 5 days ago, rounded since 3."""
    account = factories.account("youtube", "tides")
    today = clock.today()
    record(
        Sighting(
            account.pk, today - timedelta(days=back), clock.now(), "simulated" if back > 12 else "observed",
            followers=1_230_000 if back <= 3 else 1_200_000 + 100 * (DAYS - back), followers_rounded=back <= 3,
            likes=0 if back == 9 else 12_000 + back, comments=0, shares=0,
        )
        for back in reversed(range(DAYS))
        if back not in {11, 12}
    )  # fmt: skip
    Snapshot.objects.filter(account=account, date=today - timedelta(days=5)).update(quality="suspect")
    return account


def drawn(page, view=""):
    """What the chart shows now, after `view` was picked."""
    if view:
        page.get_by_role("button", name=view, exact=True).click()
    page.locator("#history").scroll_into_view_if_needed()
    expect(page.locator("#history canvas")).to_be_visible()
    return page.evaluate(SHOWN)


def test_gaps_stay_gaps_and_each_view_says_only_what_is_known(open_page, editor, tides):
    page = open_page(WIDE, editor)
    page.goto(ADDRESS)
    followers = drawn(page)
    (values,) = followers["values"]
    assert len(values) == DAYS
    gaps = [at for at, value in enumerate(values) if value is None]
    assert gaps == [7, 8, 14]  # never joined, never 0: two days without a figure and a doubted one
    assert [at for at, kind in enumerate(followers["kinds"]) if kind == "simulated"] == list(range(7))
    assert followers["bounds"][16:] == [[1_230_000, 1_239_999]] * 4  # YouTube cuts to three digits
    either = [1_195_000, 1_209_999]
    assert page.evaluate(RANGES) == [[1_200_000, 1_209_999], [1_195_000, 1_205_000], either]
    assert len(followers["suspects"]) == 1
    legend = page.locator(".chart-legend")
    expect(legend).to_contain_text("hollow: simulated")
    expect(legend).to_contain_text("suspect, not counted")
    expect(legend).to_contain_text("≈ 1,230,000")
    (change,) = drawn(page, "Daily change")["values"]
    assert [at for at, value in enumerate(change) if value is None] == [0, 7, 8, 9, 14, 15]
    assert change[1] == 100
    (rate,) = drawn(page, "Engagement rate")["values"]
    assert [at for at, value in enumerate(rate) if value is None] == gaps
    assert rate[0] == pytest.approx(100 * 12_019 / 1_200_100)
    assert rate[10] == 0
    (growth,) = drawn(page, "Growth")["values"]
    assert (growth[0], growth[7], growth[19]) == (0, None, pytest.approx(1_230_000 / 1_200_100 - 1))


def test_the_keyboard_reads_zooms_and_is_refused_a_log_scale_of_zero(open_page, editor, tides):
    page = open_page(WIDE, editor)
    page.goto(ADDRESS)
    drawn(page)
    plot = page.get_by_role("application", name="tides: Followers")
    plot.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    told = page.locator(".chart p[role=status]").first
    day = clock.today() - timedelta(days=3)
    expect(told).to_have_text(f"{day.day} {day:%b %Y}: Followers ≈ 1,230,000")
    assert drawn(page)["at"] == 16
    page.keyboard.press("+")
    assert drawn(page)["window"] == pytest.approx((DAYS - 1) / 2)
    page.keyboard.press("Home")
    assert drawn(page)["at"] == 0
    page.keyboard.press("Escape")
    assert drawn(page)["window"] == DAYS - 1
    page.get_by_role("button", name="Log").click()
    assert drawn(page)["log"]
    log = page.get_by_role("button", name="Log")
    assert not drawn(page, "Engagement")["log"]  # a day without any engagement is 0
    expect(log).to_have_attribute("aria-disabled", "true")
    log.click(force=True)
    expect(page.get_by_text("A log scale shows values above zero only")).to_be_visible()
    assert not drawn(page)["log"]
    box = page.locator(".u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 50, steps=3)
    page.mouse.up()
    assert drawn(page)["window"] < DAYS / 3


def test_picture_csv_and_table_hold_what_is_shown(open_page, editor, tides):
    page = open_page(WIDE, editor, accept_downloads=True)
    page.goto(ADDRESS)
    drawn(page)
    page.locator(".chart-plot").focus()
    page.keyboard.press("End")
    page.keyboard.press("+")
    shown = drawn(page)
    saved = {}
    for kind in ("Picture (PNG)", "Figures (CSV)"):
        page.get_by_label("Save History").click()
        with page.expect_download() as download:
            page.get_by_role("button", name=kind).click()
        saved[kind] = Path(download.value.path()).read_bytes()
        assert download.value.suggested_filename.startswith("tides-history-followers-")
        page.keyboard.press("Escape")
    with Image.open(io.BytesIO(saved["Picture (PNG)"])) as picture:
        canvas = page.locator("#history canvas").evaluate("canvas => [canvas.width, canvas.height]")
        assert picture.format == "PNG"
        assert picture.width == canvas[0] + 32
        assert picture.height > canvas[1] + 32
        assert picture.convert("RGB").getpixel((2, 2)) == (251, 251, 249)
    lines = list(csv.reader(io.StringIO(saved["Figures (CSV)"].decode("utf-8-sig"))))
    assert lines[0] == ["Date", "Followers"]
    first = DAYS - len(lines) + 1
    assert first == DAYS - 1 - int(shown["window"])
    assert [line[1] for line in lines[1:]] == ["" if v is None else str(v) for v in shown["values"][0][first:]]
    assert lines[-1][0] == clock.today().isoformat()
    assert page.evaluate(FORMULA) == "Date,'=1+1,'\u2003\ufe661,\"a;=1\"\r\n1970-01-01,,,\r\n"
    page.get_by_label("Save History").click()
    page.get_by_role("button", name="Show as a table").click()
    expect(page.get_by_role("dialog").get_by_role("row")).to_have_count(len(lines))
    expect(page.get_by_role("dialog").get_by_role("row").nth(1)).to_contain_text("≈ 1,230,000")


def test_a_note_is_written_deleted_and_had_back_beside_its_chart(open_page, editor, tides):
    page = open_page(PHONE, editor)
    page.goto(ADDRESS)
    drawn(page)
    happened = page.locator(".chart-notes li")
    expect(happened).to_have_count(4)
    expect(happened.first).to_contain_text("No figures for 2 days.")
    page.locator(".chart-plot").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.get_by_role("link", name="Add a note on").click()
    page.get_by_role("textbox", name="Note").fill("Campaign begins")
    page.get_by_role("button", name="Add the note").click()
    expect(happened).to_have_count(5)
    expect(page.locator(".chart-flags button").last).to_contain_text("5")
    note = Note.objects.get()
    assert (note.day, note.account) == (clock.today() - timedelta(days=1), tides)
    page.locator(".chart-flags button").last.click()
    expect(happened.last).to_be_focused()
    page.get_by_role("link", name="Edit the note").click()
    page.get_by_role("button", name="Delete the note").click()
    expect(happened).to_have_count(4)
    expect(page.get_by_text("Note deleted.")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(happened).to_have_count(5)
    assert overflow(page) == 0
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.req("A53")
def test_a_chart_is_busy_until_it_has_figures_and_says_how_to_try_again(open_page, editor, tides):
    page = open_page(WIDE, editor)
    page.provoked += ["503", "ERR_FAILED", "net::"]
    held = []
    page.route("**/api/history/**", lambda route: held.append(route))  # noqa: PLW0108 - playwright takes no builtin
    page.goto(ADDRESS)
    chart, bare = page.locator("#history .chart"), "rgba(0, 0, 0, 0)"
    expect(chart).to_have_attribute("aria-busy", "true")
    expect(chart).not_to_have_css("background-color", bare)
    held[0].fulfill(status=503, body="{}")
    failed = page.get_by_role("alert").filter(has_text="could not be fetched")
    expect(failed.get_by_role("link", name="See the last 30 days as a table")).to_be_visible()
    page.unroute("**/api/history/**")
    page.get_by_role("button", name="Try again").click()
    assert len(drawn(page)["values"][0]) == DAYS
    expect(chart).not_to_have_attribute("aria-busy", "true")
    expect(chart).to_have_css("background-color", bare)
    record([Sighting(tides.pk, clock.today(), clock.now(), "observed", followers=1_300_000)])
    page.keyboard.press("r")
    expect(page.locator(".chart-legend")).to_contain_text("1,300,000")


def test_an_answer_that_comes_late_is_not_drawn_over_a_newer_one(open_page, editor, tides):
    page = open_page(WIDE, editor)
    held = []
    page.route("**/api/history/**", lambda route: held.append(route))  # noqa: PLW0108 - playwright takes no builtin
    page.goto(ADDRESS)
    expect(page.locator("#history .chart")).to_have_attribute("aria-busy", "true")
    with page.expect_request("**/api/history/**"):
        page.keyboard.press("r")
    while len(held) < 2:
        page.wait_for_timeout(20)
    first, second = held
    newer = second.fetch().json()
    second.fulfill(json=newer)
    expect(page.locator(".chart-legend")).to_contain_text("1,230,000")
    with page.expect_response(lambda response: response.request == first.request):
        first.fulfill(json=newer | {"followers": [None] * (DAYS - 1) + [7]})
    page.wait_for_timeout(300)  # for what must not happen
    expect(page.locator(".chart-legend")).to_contain_text("1,230,000")


def test_a_refresh_leaves_the_chart_as_its_reader_had_it(open_page, editor, roster):
    page = open_page(WIDE, editor)
    page.goto("/?days=30")
    trend = page.locator("#trend")
    trend.locator(".chart-legend button").first.click()
    for name in ("Log", "Zoom in"):
        trend.get_by_role("button", name=name).click()
    before = page.evaluate(SHOWN)
    assert before["log"]
    assert before["window"] < 20
    trend.locator("canvas").evaluate("canvas => (canvas.id = 'old')")
    page.keyboard.press("r")
    expect(page.locator("#old")).to_have_count(0)
    expect(trend.locator("canvas")).to_be_visible()
    after = page.evaluate(SHOWN)
    assert [after[name] for name in ("window", "log", "shown")] == [before["window"], True, before["shown"]]
    expect(trend.locator(".chart-legend button").first).to_have_attribute("aria-pressed", "false")


def test_several_accounts_are_told_apart_without_colour(open_page, editor, roster):
    page = open_page(WIDE, editor)
    page.goto("/?days=30&account=x/station00&account=x/station03")
    expect(page.locator(".chart canvas").first).to_be_visible()
    shown = page.evaluate(SHOWN)
    assert shown["labels"] == ["station00 · x", "station03 · x"]
    rows = page.locator(".chart-legend li button")
    assert [text.split(" · ")[0] for text in rows.all_inner_texts()] == ["station03", "station00"]  # highest first
    marks = page.locator(".chart-legend button svg").evaluate_all(
        "all => all.map(e => [...e.children].map(p => p.getAttribute('stroke-dasharray') + p.getAttribute('d')) + '')"
    )
    assert len(set(marks)) == 2
    rows.first.click()
    expect(rows.first).to_have_attribute("aria-pressed", "false")
