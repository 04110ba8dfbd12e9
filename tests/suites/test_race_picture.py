"""The picture of an interleaving: one harmless page that tells all there is to tell."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from planted.dispatch_programs import RacyDispatch

from gatewright.race import Budget, Operation, PreemptionBounding, Response, explore
from gatewright.race.interleaving import TakenStep, interleaving
from gatewright.suites.race.evidence import exploration_result
from gatewright.suites.race.picture import render_counterexample, render_picture

VOID = {"meta", "br"}


class Page(HTMLParser):
    """What a browser would make of a page: its elements, their attributes, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></table></html>",
    "\u202egnp.exe\u2066",
    "nul\x00 and escape \x1b[2J",
    "lone \ud800 surrogate",
    "x" * 10_000,
    "&lt;b&gt; &amp; 'quotes'",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_name_says_it_stays_text(text: str) -> None:
    """In every place where a name can stand; nothing is hidden, nothing is turned, nothing runs."""
    picture = interleaving(
        [TakenStep(text, text, waited=True), TakenStep("bob", text, preempts=text)],
        operations=[Operation(text, "POST", text, {text: text}, Response(200, text), 0, 1, text)],
        violations={text: (text, text)},
    )
    page = Page(render_picture(text, {"verdict": "FAIL", text: text}, {text: (text,)}, picture, text))
    assert not {"script", "img", "b", "iframe", "object", "form", "a", "link"} & set(page.tags)
    assert page.tags.count("style") == page.tags.count("body") == page.tags.count("table") == 1
    assert not any(name.startswith("on") or name in {"src", "href"} for name, _ in page.attributes)
    assert not {"\u202e", "\u2066", "\x00", "\x1b"} & set(page.text)
    if text.isascii() and text.isprintable():
        assert text in page.text


def test_the_page_needs_nothing_from_anywhere() -> None:
    """No network and no script, by its own policy; light and dark, narrow screens and paper have their looks."""
    html = render_picture("race", {}, {}, interleaving([TakenStep("alice", "COMMIT")]), "gatewright replay T")
    assert "default-src 'none'" in html
    assert "://" not in html
    assert "url(" not in html
    for look in ("prefers-color-scheme: dark", "max-width", "@media print", "color-scheme: light dark"):
        assert look in html


def test_the_table_is_one_for_screen_readers_and_keyboards() -> None:
    """With a caption, headers of columns and rows, and a region that the keyboard scrolls."""
    picture = interleaving([TakenStep("alice", "COMMIT"), TakenStep("bob", "COMMIT")])
    page = Page(render_picture("race", {}, {}, picture, "gatewright replay T"))
    assert page.tags.count("table") == page.tags.count("caption") == page.tags.count("h1") == 1
    assert page.attributes.count(("scope", "col")) == 3
    assert page.attributes.count(("scope", "row")) == 2
    assert ("tabindex", "0") in page.attributes
    assert ("lang", "en") in page.attributes


def test_a_counterexample_shows_requests_statements_and_what_broke() -> None:
    """All that its report holds, with the command that shows it again."""
    found = explore(RacyDispatch(), strategies=[PreemptionBounding(1)], budget=Budget(failures=1, replays=3))
    example = exploration_result(RacyDispatch, found, Path("out")).counterexample
    assert example is not None
    text = Page(render_counterexample(example)).text
    for part in (
        "racy-dispatch",
        "reproduced 3 of 3",
        "POST /dispatch",
        "UPDATE task SET",
        "bob",
        "is stopped here",
        "single-dispatch is broken at the end: dispatched 2 times",
        example.command,
    ):
        assert part in text
    assert example.picture_file.endswith(".html")


def test_folded_texts_are_there_in_full() -> None:
    """Behind a summary that the keyboard opens."""
    page = Page(render_picture("race", {}, {}, interleaving([TakenStep("alice", "x" * 3000)]), "c"))
    assert page.tags.count("details") == page.tags.count("summary") == 1
    assert "x" * 3000 in page.text
