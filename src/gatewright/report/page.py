"""One page for a browser: no network, light and dark, on a phone and on paper."""

import base64
import hashlib
from collections.abc import Iterable

from gatewright.core.escape import html_text

__all__ = ["STYLE", "folded", "isolated", "page"]

SHOWN_CHARACTERS = 280
MOST_CHARACTERS = 20_000
"""Of one text; nobody reads on, and a page must open."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1a2029; --quiet: #586271; --rule: #dde2e9;
  --fail: #b3261e; --fail-soft: #fdecea; --pass: #1b6e3c; --pass-soft: #e3f4e9;
  --doubt: #7a5200; --doubt-soft: #fff1cf; --focus: #1f5fbf;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #11151b; --card: #1a2029; --ink: #e6eaf0; --quiet: #9ba6b5; --rule: #303947;
    --fail: #ff8f86; --fail-soft: #2f1b1e; --pass: #7fd6a0; --pass-soft: #12331f;
    --doubt: #f4c45b; --doubt-soft: #3a2d0c; --focus: #7fb2ff;
  }
}
@media print {
  :root {
    --page: #ffffff; --card: #ffffff; --ink: #000000; --quiet: #444444; --rule: #bbbbbb;
    --fail: #a01008; --fail-soft: #fdecea; --pass: #1b6e3c; --pass-soft: #e3f4e9;
    --doubt: #6b4600; --doubt-soft: #fff4d6;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  @page { size: A4 landscape; margin: 12mm; }
  h2 { break-after: avoid; }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 2rem clamp(1rem, 4vw, 3rem) 3rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 92rem; margin: 0 auto; }
h1 { margin: 0 0 .25rem; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .75rem; font-size: 1.1rem; }
code { font-family: ui-monospace, "Cascadia Code", "SF Mono", Menlo, Consolas, monospace; }
.facts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0 0; }
.facts div { display: flex; flex-direction: column; }
.facts dt { color: var(--quiet); font-size: .8rem; }
.facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.FAIL { color: var(--fail); } .PASS { color: var(--pass); } .INCONCLUSIVE { color: var(--doubt); }
.command {
  display: block; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--rule);
  border-radius: .4rem; overflow-wrap: anywhere;
}
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
@media (max-width: 44rem) { body { padding: 1rem; } }
@media print { body { padding: 0; font-size: 9pt; } }
""".strip()


def page(title: str, style: str, body: Iterable[str], *, script: str = "", icon: str = "") -> str:
    """The page. Its policy lets nothing load and nothing run but what is written here.

    Args:
        title: plain text.
        style: of this page, after the style that all pages share.
        body: the elements of the page, as HTML.
        script: what it runs, if anything.
        icon: an SVG for the browser's tab.
    """
    styles, scripts = f"\n{STYLE}\n{style}\n", f"\n{script}\n"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy(styles, script and scripts)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{html_text(title)}</title>",
            *([f'<link rel="icon" href="{data_url(icon)}">'] if icon else []),
            f"<style>{styles}</style>",
            "</head>",
            "<body>",
            "<main>",
            *body,
            "</main>",
            *([f"<script>{scripts}</script>"] if script else []),
            "</body>",
            "</html>",
            "",
        ]
    )


def policy(styles: str, scripts: str) -> str:
    """A policy that allows this style and this script by their digests, and nothing else (W3C CSP 3)."""
    allowed = ["default-src 'none'", f"style-src {source(styles)}", "img-src data:"]
    allowed += [f"script-src {source(scripts)}"] if scripts else []
    return "; ".join([*allowed, "base-uri 'none'", "form-action 'none'"])


def source(text: str) -> str:
    """The digest of an inline element's text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def data_url(svg: str) -> str:
    """A picture as an address that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def folded(text: str, most: int = SHOWN_CHARACTERS) -> str:
    """Text, of which only so many characters are shown at first where it has more."""
    if len(text) <= most:
        return isolated(text)
    short = isolated(f"{text[:most]}…")
    left_out = (
        f" … and {len(text) - MOST_CHARACTERS:,} more characters" if len(text) > MOST_CHARACTERS else ""
    )
    return f"<details><summary>{short}</summary>{isolated(text[:MOST_CHARACTERS] + left_out)}</details>"


def isolated(text: str) -> str:
    """Text that is only text, and turns no direction but its own."""
    return f'<bdi dir="ltr">{html_text(text)}</bdi>'
