#!/usr/bin/env python
"""Fail if a page of a built site loads anything from another host: scripts, styles, fonts, pictures."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
LINKS_THAT_LOAD = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "prefetch", "manifest"}
ELSEWHERE = re.compile(r"^(https?:)?//")
STYLE_LOAD = re.compile(r"""(?:url\(|@import\s+)["']?((?:https?:)?//[^"')\s]+)""")


class Loads(HTMLParser):
    """Collects what a page loads from other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element if it loads something."""
        given = {name: value or "" for name, value in attrs}
        address = given.get(LOADS.get(tag, ""), "")
        if tag == "link" and LINKS_THAT_LOAD & set(given.get("rel", "").split()):
            address = given.get("href", "")
        if ELSEWHERE.match(address):
            self.found.append(address)


def loads(path: Path) -> list[str]:
    """Return what a page or a style sheet loads from other hosts."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".css":
        return STYLE_LOAD.findall(text)
    page = Loads()
    page.feed(text)
    return page.found


def main(site: str) -> int:
    pages = [*Path(site).rglob("*.html"), *Path(site).rglob("*.css")]
    found = [f"{path}: {address}" for path in pages for address in loads(path)]
    print("\n".join(found) or f"{len(pages)} pages and style sheets load nothing from another host.")
    return int(bool(found) or not pages)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
