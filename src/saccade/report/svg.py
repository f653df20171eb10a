"""A figure's SVG made fit to stand inside the page: its colours become those of the page's style."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"


def inline(svg: str, *, colours: Mapping[str, str], title: str) -> str:
    """The SVG document as an ``<svg>`` element for HTML.

    Each colour of ``colours`` (name -> ``#rrggbb``) becomes ``var(--name)``, so that the page's light and
    dark styles apply to the figure too. The size goes (the page sets it), and so do metadata, unused ids
    and namespaces. ``title`` is what a screen reader says.
    """
    root = ElementTree.fromstring(svg)
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", svg))
    for element in list(root.findall(f"{_SVG}metadata")):
        root.remove(element)
    variables = {value.lower(): f"var(--{name})" for name, value in colours.items()}
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        if _HREF in element.attrib:
            element.set("href", element.attrib.pop(_HREF))
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        if "style" in element.attrib:
            element.set("style", _recoloured(element.attrib["style"], variables))
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", title)
    return ElementTree.tostring(root, encoding="unicode")


def _recoloured(style: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"#[0-9a-fA-F]{6}\b", lambda found: variables.get(found[0].lower(), found[0]), style)
