"""Finds the links of a Markdown page, and the anchors that its headings give."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

__all__ = ["anchors", "links"]

_CODE = re.compile(r"^(```+).*?^\1$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_ATTRIBUTE = re.compile(r"\{ *#([\w-]+) *\}")


def links(text: str) -> Iterator[str]:
    """Yield the targets of links and pictures; code is left out."""
    for inline, reference in _LINK.findall(_CODE.sub("", text)):
        yield inline or reference


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and the site make them."""
    without_fences = re.sub(r"^(```+).*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    seen: Counter[str] = Counter()
    found = set(_ATTRIBUTE.findall(without_fences))
    for heading in _HEADING.findall(without_fences):
        name = _slug(heading)
        found |= {f"{name}_{seen[name]}", f"{name}-{seen[name]}"} if seen[name] else {name}
        seen[name] += 1
    return found


def _slug(heading: str) -> str:
    shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    plain = re.sub(r"[^\w\s-]", "", re.sub(r"[`*]", "", shown).lower()).strip()
    return re.sub(r"[\s]+", "-", plain)
