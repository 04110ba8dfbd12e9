"""The verdict page in a real browser: its looks, keyboard, links, accessibility, and that it is at rest.

All of this module is skipped where there is no Chromium, and fails there in CI.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes.gate_runs import FakeGate
from fakes.gate_stories import STORIES

from gatewright.gate.decision import VerdictDocument

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "has_touch": True},
    "dark phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}

pytestmark = pytest.mark.browser

if not CHROMIUM and not os.environ.get("CI"):
    pytest.skip("there is no Chromium: apt-get install chromium", allow_module_level=True)

if not os.environ.get("CI"):
    pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """One browser for all tests."""
    if not CHROMIUM:
        pytest.fail("there is no Chromium: apt-get install chromium", pytrace=False)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where there is none, all is skipped

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """The accessibility engine axe-core, as a script."""
    import axe_playwright_python  # noqa: PLC0415 - likewise

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


class Gates(dict):
    """A gate for each story, made when it is first asked for."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory

    def __missing__(self, story: str) -> FakeGate:
        self[story] = STORIES[story](self._factory.mktemp(story))
        return self[story]


@pytest.fixture(scope="module")
def gates(tmp_path_factory) -> Gates:
    """The gates whose pages are looked at."""
    return Gates(tmp_path_factory)


@dataclass
class Opened:
    """A page in the browser, and what it asked for and complained of."""

    page: object
    asked: list[str]
    complaints: list[str]


@pytest.fixture
def opened(browser) -> Iterator:
    """Opens a page without any network, by its path and look."""
    contexts = []

    def open_page(path: Path, look: str = "light", **options: object) -> Opened:
        context = browser.new_context(offline=True, **(LOOKS[look] | options))
        contexts.append(context)
        page = context.new_page()
        seen = Opened(page, [], [])
        page.on("request", lambda request: seen.asked.append(request.url))
        page.on("console", lambda message: seen.complaints.append(message.text))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (seen.complaints.append("a dialog"), dialog.dismiss()))
        page.goto(path.as_uri())
        return seen

    yield open_page
    for context in contexts:
        context.close()


def document_of(gate: FakeGate) -> VerdictDocument:
    return VerdictDocument.model_validate_json(gate.project.latest_json.read_bytes())


def shown_rows(page) -> list[str]:
    return page.locator("table.checks tbody:visible > tr:first-child > th summary").all_inner_texts()


def violations(page, axe: str, part: str) -> list[tuple[str, str]]:
    """What axe-core finds in a part of the page: the rule, and the first element that breaks it."""
    session = page.context.new_cdp_session(page)
    # Past the page's own policy, as a debugger may.
    session.send("Runtime.evaluate", {"expression": axe})
    answer = session.send(
        "Runtime.evaluate",
        {
            "expression": f"axe.run({part}).then(({{violations, passes}}) => "
            "JSON.stringify({violations, passes: passes.length}))",
            "awaitPromise": True,
            "returnByValue": True,
        },
    )
    found = json.loads(answer["result"]["value"])
    assert found["passes"] > 10
    return [(each["id"], each["nodes"][0]["html"][:200]) for each in found["violations"]]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("story", STORIES)
def test_a_page_fits_asks_for_nothing_and_complains_of_nothing(gates, opened, story, look, tmp_path) -> None:
    """No request but for itself, no error, nothing wider than the screen, in light, dark and on a phone."""
    seen = opened(gates[story].latest, look)
    page = seen.page
    assert [url for url in seen.asked if not url.startswith("data:")] == [gates[story].latest.as_uri()]
    assert seen.complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= LOOKS[look]["viewport"]["width"]
    assert page.locator("h1").is_visible()
    assert document_of(gates[story]).verdict.value in page.locator("h1").inner_text()
    picture = tmp_path / "page.png"
    page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 20_000
    assert page.evaluate("window.owned") is None


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
@pytest.mark.parametrize("story", ["pass", "fail", "doubt", "waived", "hostile"])
def test_axe_finds_no_violation(gates, opened, axe, story, look) -> None:
    """Also where details are open; rules of WCAG 2.2 A and AA, and good practice."""
    page = opened(gates[story].latest, look).page
    page.evaluate(
        "for (const each of [...document.querySelectorAll('details')].slice(0, 12)) each.open = true"
    )
    assert violations(page, axe, "document") == []


@pytest.mark.parametrize("look", ["light", "dark"])
def test_axe_finds_no_violation_in_a_table_of_two_hundred_checks(gates, opened, axe, look) -> None:
    """Asked about the table alone: all of so long a page takes a while."""
    page = opened(gates["many"].latest, look).page
    assert violations(page, axe, "'.tools, .scroll'") == []


def test_the_filter_works_by_keyboard(gates, opened) -> None:
    """Text and state together; how many are shown is told to those who don't see it."""
    page = opened(gates["many"].latest).page
    assert len(shown_rows(page)) == 200
    told = page.locator("form.tools output")
    page.locator("h2#checks").scroll_into_view_if_needed()
    page.locator("form.tools input[type=search]").focus()
    page.keyboard.type("service-01")
    assert shown_rows(page) == [f"service-{number:03}" for number in range(10, 20)]
    assert told.inner_text() == "10 of 200 shown"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.value") == "open"
    assert shown_rows(page) == ["service-011", "service-017"]
    page.keyboard.press("ArrowRight")
    assert shown_rows(page) == ["service-011"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("nothing has this name")
    assert shown_rows(page) == []
    assert told.inner_text() == "0 of 200 shown"


def test_columns_sort_by_keyboard_up_down_and_back(gates, opened) -> None:
    page = opened(gates["many"].latest).page
    names = shown_rows(page)
    head = page.locator("th.state")
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert shown_rows(page)[:5] == ["service-011", "service-042", "service-133", "service-017", "service-055"]
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert shown_rows(page)[-3:] == ["service-011", "service-042", "service-133"]
    page.locator("th.time button").press("Enter")
    assert head.get_attribute("aria-sort") is None
    times = page.locator("tbody td.time").evaluate_all("all => all.map(each => Number(each.dataset.key))")
    assert times == sorted(times)
    page.locator("th.time button").press("Enter")
    page.locator("th.time button").press("Enter")
    assert shown_rows(page) == names


@pytest.mark.parametrize("look", ["light", "phone"])
def test_the_details_of_a_check_open_by_keyboard(gates, opened, look) -> None:
    page = opened(gates["fail"].latest, look).page
    details = page.locator("tr.more").first
    assert not details.is_visible()
    page.locator("table.checks summary").first.focus()
    page.keyboard.press("Enter")
    assert details.is_visible()
    assert "python -m pytest" in details.inner_text()
    page.keyboard.press("Enter")
    assert not details.is_visible()


@pytest.mark.parametrize("story", ["fail", "many", "hostile"])
def test_every_link_leads_to_a_file_from_both_places(gates, opened, story) -> None:
    gate = gates[story]
    for place in (gate.latest, gate.page_of(document_of(gate))):
        page = opened(place).page
        links = page.locator("a[data-inner]").evaluate_all("all => all.map(each => each.href.split('#')[0])")
        assert links
        there = {path.as_uri() for path in gate.project.evidence.rglob("*") if path.is_file()}
        assert set(links) <= there


def test_a_click_opens_the_evidence_from_both_places_and_from_a_copied_run(gates, opened, tmp_path) -> None:
    """A run folder that was taken elsewhere has the same links."""
    gate = gates["fail"]
    run = gate.page_of(document_of(gate)).parent
    elsewhere = shutil.copytree(run, tmp_path / "downloaded run")
    for place in (gate.latest, run / "verdict.html", elsewhere / "verdict.html"):
        page = opened(place).page
        page.locator("ol.reasons a").first.click()
        page.wait_for_url(re.compile(r"/race-stress/report\.json#/scenarios/0/invariants/7$"))
        assert "one-rerun" in page.locator("body").inner_text()


def test_a_button_copies_a_command(gates, opened) -> None:
    page = opened(gates["fail"].latest).page
    button = page.locator(".reasons .copy").first
    command = page.locator(".reasons code.command").first.evaluate("each => each.firstChild.textContent")
    assert button.get_attribute("aria-label") == f"copy: {command}"
    button.press("Enter")
    page.locator(".reasons .copy", has_text="copied").wait_for()
    search = page.locator("form.tools input[type=search]")
    search.focus()
    page.keyboard.press("Control+V")
    assert search.input_value() == command


def test_without_scripts_everything_is_there_and_nothing_pretends_to_work(gates, opened) -> None:
    page = opened(gates["many"].latest, java_script_enabled=False).page
    assert page.locator("table.checks tbody:visible").count() == 200
    assert not page.locator("form.tools").is_visible()
    assert page.locator(".copy").count() == 0
    assert page.locator("noscript").inner_text()
    page.locator("table.checks summary").first.click()
    assert page.locator("tr.more").first.is_visible()


@pytest.mark.parametrize("story", ["pass", "fail", "many"])
def test_on_paper_there_is_what_can_be_read_and_nothing_to_press(gates, opened, story) -> None:
    page = opened(gates[story].latest, "dark").page
    paper = page.pdf(prefer_css_page_size=True)
    assert paper.startswith(b"%PDF")
    page.emulate_media(media="print")
    for pressed in ("nav", "form.tools", ".copy >> nth=0"):
        assert not page.locator(pressed).first.is_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    assert page.locator("table.checks tbody").last.is_visible()
