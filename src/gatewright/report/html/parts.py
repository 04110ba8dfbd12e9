"""Small parts of the page: notes, commands, states, figures; and the guard around whatever is drawn."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from gatewright.core.errors import GatewrightError
from gatewright.core.escape import html_text
from gatewright.core.verdict import State
from gatewright.evidence.strict import EvidenceError
from gatewright.report.command import as_typed
from gatewright.report.page import isolated

__all__ = [
    "SIGNS",
    "Tone",
    "command",
    "cut",
    "drawn",
    "heading",
    "note",
    "notes",
    "seconds",
    "short",
    "size",
    "state_badge",
    "tone_of",
]

Tone = Literal["pass", "warn", "fail", "doubt"]
SIGNS: dict[Tone, str] = {"pass": "✓", "warn": "!", "fail": "✗", "doubt": "?"}
MINUTE, HOUR = 60, 3600
LONGEST = 2_000
KIB = 1024
DIGEST_CHARACTERS = 12


def drawn(what: str, draw: Callable[[], Iterable[str]]) -> list[str]:
    """A part of the page; where it can't be drawn, a note.

    The page is made from files that may be hostile, and making it must never keep a run from its verdict: so
    whatever goes wrong costs this part alone.
    """
    try:
        return list(draw())
    except (EvidenceError, GatewrightError) as error:
        why = error.message
    except Exception as error:  # noqa: BLE001 - see above
        why = type(error).__name__
    return [note(f"{what} can't be shown: {why}")]


def note(text: str) -> str:
    """A remark on what is left out."""
    return f'<p class="note">{isolated(cut(text))}</p>'


def notes(texts: Sequence[str], most: int = 8) -> list[str]:
    """Remarks, of very many the first."""
    left_out = [f"and {len(texts) - most} more such remarks"] if len(texts) > most else []
    return [note(text) for text in [*texts[:most], *left_out]]


def cut(text: str, most: int = LONGEST) -> str:
    """A text of bounded length, which says how much is left out."""
    return text if len(text) <= most else f"{text[:most]}… and {len(text) - most:,} more characters"


def heading(identity: str, title: str, aside: str = "") -> str:
    """A heading of a section, with something quiet beside it."""
    beside = f' <span class="aside">{html_text(aside)}</span>' if aside else ""
    return f'<h2 id="{identity}">{html_text(title)}{beside}</h2>'


def command(text: str) -> str:
    """A command as it is typed here; the script adds a button that copies it."""
    return f'<code class="command" tabindex="0">{html_text(cut(as_typed(text)))}</code>'


def tone_of(state: State) -> Tone:
    """The colour of a state."""
    if state is State.PASS:
        return "pass"
    if state is State.WARN:
        return "warn"
    return "fail" if state is State.FAIL or state.breaks_integrity else "doubt"


def state_badge(state: State) -> str:
    """A state with its sign, which the ear need not hear."""
    tone = tone_of(state)
    return f'<span class="state {tone}"><span aria-hidden="true">{SIGNS[tone]}</span> {state.value}</span>'


def seconds(duration_s: float) -> str:
    """A duration as people say it."""
    if duration_s < MINUTE:
        return f"{duration_s:.1f} s"
    if duration_s < HOUR:
        minutes, rest = divmod(round(duration_s), MINUTE)
        return f"{minutes} min {rest:02d} s"
    hours, rest = divmod(round(duration_s / MINUTE), MINUTE)
    return f"{hours:,} h {rest:02d} min"


def size(count: int) -> str:
    """An amount of bytes."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB"):
        if amount < KIB:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= KIB
    return f"{amount:,.1f} GiB"


def short(digest: str) -> str:
    """The beginning of a digest or commit, the whole of which shows where a pointer rests."""
    bare = digest.removeprefix("sha256:")
    if len(bare) <= DIGEST_CHARACTERS:
        return isolated(bare)
    return f'<code title="{html_text(bare)}">{html_text(bare[:DIGEST_CHARACTERS])}</code>'
