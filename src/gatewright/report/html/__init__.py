"""The verdict as one page for a browser."""

from gatewright.report.html.verdict import render_page

__all__ = ["render_page"]
