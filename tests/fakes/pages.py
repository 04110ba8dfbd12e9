"""What a browser would make of a page, without a browser."""

from html.parser import HTMLParser

__all__ = ["ParsedPage"]

VOID = {"meta", "br", "input", "link"}
UNSEEN = {"style", "script"}


class ParsedPage(HTMLParser):
    """A page by its elements, attributes and texts; refuses elements that are not closed in order.

    Args:
        source: the page as HTML.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.links: list[tuple[str, str]] = []
        self._texts: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    @property
    def text(self) -> str:
        """All that is shown, one piece on a line."""
        return "\n".join(self._texts)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "a" and "data-inner" in dict(attrs):
            self.links.append((dict(attrs)["href"], dict(attrs)["data-inner"]))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, tag

    def handle_data(self, data):
        if not UNSEEN & set(self._open) and data.strip():
            self._texts.append(" ".join(data.split()))
