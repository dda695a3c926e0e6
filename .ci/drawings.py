#!/usr/bin/env python
"""Draw the ``mermaid`` blocks of docs/ as pictures of the site, with Chromium and the mermaid package of npm.

Only new drawings are drawn, and pictures without a drawing are removed. With --check, fail if there are such.
"""

from __future__ import annotations

import argparse
import base64
import re
import shutil
import subprocess
import sys
import tempfile
from html import unescape
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
OUTPUT = DOCS / "assets" / "drawings"
MERMAID = "mermaid@11.12.0"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")

sys.path.insert(0, str(Path(__file__).parent))
from docs_site import FENCE, digest  # noqa: E402 (the scripts of this directory are no package)

PAGE = """<!doctype html><meta charset="utf-8"><body><script>{script}</script><script>
const source = new TextDecoder().decode(Uint8Array.from(atob("{source}"), (c) => c.charCodeAt(0)));
mermaid.initialize({{
  startOnLoad: false, theme: "{theme}", htmlLabels: false, deterministicIds: true,
  fontFamily: "system-ui, sans-serif",
  flowchart: {{ htmlLabels: false, wrappingWidth: 400 }},
}});
mermaid.render("drawing", source).then(({{ svg }}) => {{
  document.body.innerHTML = ""; const pre = document.createElement("pre");
  pre.id = "result"; pre.textContent = svg; document.body.append(pre);
}}, (error) => {{ document.body.innerHTML = ""; document.body.append(String(error)); }});
</script>"""


def drawings() -> dict[str, str]:
    """Return the source of every drawing in docs/ by its digest."""
    pages = sorted(DOCS.rglob("*.md"))
    found = [source for page in pages for source in FENCE.findall(page.read_text(encoding="utf-8"))]
    return {digest(source): source for source in found}


def names(digests: dict[str, str]) -> set[str]:
    return {f"{each}-{theme}.svg" for each in digests for theme in ("light", "dark")}


def mermaid(directory: Path) -> str:
    """Download mermaid and return its script."""
    npm = shutil.which("npm") or "npm"
    subprocess.run([npm, "pack", "--silent", MERMAID], cwd=directory, check=True, stdout=subprocess.DEVNULL)
    (archive,) = directory.glob("mermaid-*.tgz")
    shutil.unpack_archive(archive, directory)
    return (directory / "package" / "dist" / "mermaid.min.js").read_text(encoding="utf-8")


def draw(script: str, source: str, theme: str, directory: Path) -> str:
    """Return a drawing as SVG."""
    page = directory / "page.html"
    encoded = base64.b64encode(source.encode()).decode()
    page.write_text(PAGE.format(script=script.replace("</script", "<\\/script"), source=encoded, theme=theme))
    browser = next(path for name in CHROMIUM if (path := shutil.which(name)))
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={directory / 'profile'}"]
    command = [browser, *options, "--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if not (found := re.search(r'<pre id="result">(.*?)</pre>', shown, re.DOTALL)):
        raise SystemExit(f"mermaid cannot draw this:\n{source}\n{shown[-2000:]}")
    return unescape(found[1]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail if pictures are missing or left over")
    wanted = drawings()
    there = {path.name for path in OUTPUT.glob("*.svg")}
    missing, left_over = names(wanted) - there, there - names(wanted)
    if parser.parse_args().check:
        if missing or left_over:
            print(f"docs/assets/drawings is stale: run .ci/drawings.py. {sorted(missing | left_over)}")
        return int(bool(missing or left_over))
    for name in left_over:
        (OUTPUT / name).unlink()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        script = mermaid(Path(scratch)) if missing else ""
        for name in sorted(missing):
            key, theme = name.removesuffix(".svg").split("-")
            style = "default" if theme == "light" else "dark"
            (OUTPUT / name).write_text(draw(script, wanted[key], style, Path(scratch)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
