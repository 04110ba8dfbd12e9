"""Takes the pictures of the verdict page that the documentation shows, of gates with planted evidence.

Run: `PYTHONPATH=src:tests python tests/report/html/pictures.py docs/images`.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from fakes.gate_runs import FakeGate
from fakes.gate_stories import STORIES
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
MOMENT = "2026-11-23T18:40:00Z"
"""When the pages are looked at; they tell how old they are."""
SCREEN, PHONE = {"width": 1180, "height": 1300}, {"width": 390, "height": 1180}
PICTURES: dict[str, tuple[str, dict[str, Any], str]] = {
    "pass": ("pass", {"viewport": SCREEN}, "body"),
    "fail": ("fail", {"viewport": SCREEN}, "body"),
    "dark": ("fail", {"viewport": SCREEN, "color_scheme": "dark"}, "#races"),
    "phone": ("fail", {"viewport": PHONE}, "body"),
}
"""By name: the story, the browser's look, and the element at the top."""


def take(browser: Browser, gate: FakeGate, look: dict[str, Any], first: str, path: Path) -> None:
    """One picture, from the element `first` downwards."""
    context = browser.new_context(offline=True, reduced_motion="reduce", **look)
    page = context.new_page()
    page.clock.set_fixed_time(MOMENT)
    page.goto(gate.latest.as_uri())
    page.locator(first).evaluate("each => scrollTo(0, each.getBoundingClientRect().top + scrollY - 24)")
    page.screenshot(path=path)
    context.close()


def main() -> None:
    """Take all of them."""
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        gates = {
            story: STORIES[story](Path(scratch) / story)
            for story in {story for story, _, _ in PICTURES.values()}
        }
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, (story, look, first) in PICTURES.items():
            path = folder / f"gate-report-{name}.png"
            take(browser, gates[story], look, first, path)
            sys.stdout.write(f"{path}\n")
        browser.close()


if __name__ == "__main__":
    main()
