"""Reads a plot back from its SVG: elements by class, the places of marks, the texts."""

import re
from xml.etree import ElementTree as ET

__all__ = ["Plotted"]

NUMBER = r"-?\d+(?:\.\d+)?"


class Plotted:
    """What a browser would make of a plot; refuses what is not well-formed."""

    def __init__(self, svg: str) -> None:
        self.root = ET.fromstring(svg)
        _, _, self.width, self.height = map(float, self.root.attrib["viewBox"].split())

    def of_class(self, *names: str) -> list[ET.Element]:
        return [e for e in self.root.iter() if set(names) <= set(e.get("class", "").split())]

    def marks(self, form: str) -> list[tuple[float, float]]:
        """The places of all marks of a form that lie below the legend's first rows."""
        paths = [path.get("d", "") for path in self.of_class(form)]
        found = [re.findall(rf"M({NUMBER}) ({NUMBER})", path) for path in paths]
        return [(float(x), float(y)) for path in found for x, y in path if path is not found[0]]

    def curve(self) -> list[tuple[float, float]]:
        (path,) = [e for e in self.of_class("stroke-a") if e.tag == "path"]
        return [(float(x), float(y)) for x, y in re.findall(rf"[ML]({NUMBER}) ({NUMBER})", path.get("d", ""))]

    @property
    def texts(self) -> list[str]:
        return [element.text or "" for element in self.root.iter("text")]

    @property
    def description(self) -> str:
        return self.root.findtext("desc") or ""

    def numbers(self) -> list[float]:
        """Every number that places anything."""
        geometry = ("x", "y", "x1", "x2", "y1", "y2", "width", "height", "points", "d")
        return [
            float(number)
            for element in self.root.iter()
            for name in geometry
            for number in re.findall(NUMBER, element.get(name, ""))
        ]
