"""Completes the documentation site: a hook of mkdocs, named in mkdocs.yml.

CHANGELOG.md and benchmarks/README.md become pages. A ``mermaid`` block becomes the pictures that
.ci/drawings.py has drawn from it, so that the site needs neither a script for it nor the network.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
DRAWINGS = "assets/drawings"
OUTSIDE = {"CHANGELOG.md": "changelog.md", "benchmarks/README.md": "contributing/benchmarks.md"}
"""Files of the repository that are pages of the site, and where."""
FENCE = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/."""
    for source, page in OUTSIDE.items():
        text = relinked((ROOT / source).read_text(encoding="utf-8"), source, page)
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Replace drawings, and links to files outside docs/ that are pages of the site."""
    path = page.file.src_uri
    drawn = FENCE.sub(lambda match: pictures(match[1], path, config), markdown)
    return drawn if path in OUTSIDE.values() else relinked(drawn, f"docs/{path}", path)


def relinked(text: str, source: str, page: str) -> str:
    """Rewrite the links of the file ``source`` of the repository as links of ``page`` of the site."""

    def moved(match: re.Match[str]) -> str:
        target = os.path.normpath(Path(source).parent / match[1])
        in_site = OUTSIDE.get(target) or target.removeprefix("docs/")
        if in_site == target:
            return match[0]
        return f"]({os.path.relpath(in_site, Path(page).parent)}{match[2] or ''})"

    return LINK.sub(moved, text)


def digest(drawing: str) -> str:
    """Return the name of the pictures of a drawing: a digest of its source."""
    return hashlib.sha256(drawing.encode()).hexdigest()[:12]


def pictures(drawing: str, page: str, config: MkDocsConfig) -> str:
    """Return the Markdown that shows a drawing, for the light and the dark colours of the page."""
    name = f"{DRAWINGS}/{digest(drawing)}"
    if not Path(config.docs_dir, f"{name}-light.svg").exists():
        raise PluginError(f"{page}: a drawing has changed and has no picture: run .ci/drawings.py.")
    up = os.path.relpath(name, Path(page).parent)
    return f"![]({up}-light.svg#only-light)\n![]({up}-dark.svg#only-dark)"
