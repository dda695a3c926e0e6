"""Every link, anchor and path that the documentation names exists."""

from __future__ import annotations

import re

import pytest

from support.docs.links import anchors, links
from support.docs.pages import ROOT, pages, text

PAGES = [*pages(), "README.md", "CHANGELOG.md", "benchmarks/README.md"]
ELSEWHERE = re.compile(r"^(https?|mailto):")
PATH = re.compile(r"`((?:nescord_core|nescord_cli|tests|templates|docs|benchmarks|protos|\.ci)/[\w./-]+)`")
ADDRESS = re.compile(r"https?://\S+")
SOURCES = (".py", ".cfg", ".js", ".cjs", ".mjs", ".j2")
NAMED = re.compile(r"\bdocs/[\w/-]+\.(?:md|json)\b")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings(page: str) -> None:
    wrong = []
    for link in links(text(page)):
        if ELSEWHERE.match(link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists():
            wrong.append(f"{link}: there is no such file")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8")):
            wrong.append(f"{link}: there is no such heading")
    assert wrong == []


@pytest.mark.parametrize("page", PAGES)
def test_paths_of_the_repository_exist(page: str) -> None:
    assert [path for path in PATH.findall(text(page)) if not (ROOT / path).exists()] == []


def test_pages_that_the_code_names_exist() -> None:
    tops = ("nescord_core", "nescord_cli", "templates", "tests")
    places = [ROOT / "setup.cfg", *(path for top in tops for path in (ROOT / top).rglob("*.*"))]
    named = {
        (found, path.relative_to(ROOT).as_posix())
        for path in places
        if path.suffix in SOURCES and path.is_file()
        for found in NAMED.findall(ADDRESS.sub("", path.read_text(encoding="utf-8")))
    }
    assert [(name, path) for name, path in named if not (ROOT / name).exists()] == []


def test_every_page_says_who_it_is_for() -> None:
    first = {page: text(page).split("\n\n")[1] for page in pages() if page.startswith("docs/")}
    assert [page for page, paragraph in first.items() if not paragraph.startswith("This page is for ")] == []


def test_a_page_has_one_title() -> None:
    fences = re.compile(r"^(```+).*?^\1$", re.MULTILINE | re.DOTALL)
    titles = {page: len(re.findall(r"^# ", fences.sub("", text(page)), re.MULTILINE)) for page in pages()}
    assert [page for page, number in titles.items() if number != 1] == []


def test_the_navigation_of_the_site_has_every_page() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    found = [page.removeprefix("docs/") for page in pages() if page.startswith("docs/")]
    assert [page for page in found if f"- {page}\n" not in navigation] == []
