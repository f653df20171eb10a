"""Reads a report back as a reader sees it: tables, lists of pictures, and text, by section."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "img", "br"}


@dataclass
class Page(HTMLParser):
    """A parsed report."""

    path: Path
    tables: dict[str, list[list[str]]] = field(default_factory=dict)  # by the heading above, head row first
    galleries: list[list[str]] = field(default_factory=list)  # file names of each list of tiles, in order
    pictures: list[str] = field(default_factory=list)  # src of every <img>
    addresses: list[str] = field(default_factory=list)  # every src and href
    tags: set[str] = field(default_factory=set)
    text: str = ""
    preformatted: dict[str, str] = field(default_factory=dict)  # <pre> by id

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)
        self._stack: list[tuple[str, dict[str, str | None]]] = []
        self._heading = ""
        self.source = self.path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert not self._stack, f"never closed: {self._stack}"
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.addresses += [given[k] or "" for k in ("src", "href", "xlink:href") if k in given]
        if tag == "img":
            self.pictures.append(given["src"] or "")
        if tag == "ol":
            self.galleries.append([])
        if tag == "li" and self._stack[-1][0] == "ol":
            self.galleries[-1].append(given["title"] or "")
        if tag in ("h2", "h3"):
            self._heading = ""
        if tag == "table":
            self.tables[self._heading.strip()] = []
        if tag == "tr":
            self.tables[self._heading.strip()].append([])
        if tag in ("th", "td"):
            self.tables[self._heading.strip()][-1].append("")
        if tag not in VOID:
            self._stack.append((tag, given))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._stack.pop()
        assert opened == tag, f"<{opened}> closed by </{tag}>"

    def handle_data(self, data: str) -> None:
        if self._inside("style") or self._inside("script"):
            return
        self.text += data
        if self._inside("h2") or self._inside("h3"):
            self._heading += data
        if self._inside("th") or self._inside("td"):
            self.tables[self._heading.strip()][-1][-1] += data
        if self._inside("pre"):
            name = next(given.get("id") or "" for tag, given in self._stack if tag == "pre")
            self.preformatted[name] = self.preformatted.get(name, "") + data

    def _inside(self, tag: str) -> bool:
        return any(opened == tag for opened, _ in self._stack)
