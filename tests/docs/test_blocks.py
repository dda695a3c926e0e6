"""Every code block of the documentation is run, type-checked or parsed, or says why not."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from nescord_core import config
from nescord_core.sandbox.seeds.reading import parse_seed
from support.docs.blocks import REASONS, Block
from support.docs.pages import FOLLOWED_ELSEWHERE, blocks, pages, text

ALL = [block for page in (*pages(), *FOLLOWED_ELSEWHERE) for block in blocks(page)]
WORLDS = "docs/sandbox/worlds.md"
RUN = ("bash", "sh", "console", "")
SKIPPED = {
    "docker": 1,
    "example": 8,
    "kubernetes": 1,
    "network": 11,
    "other": 4,
    "systemd": 1,
    "terminal": 5,
    "tests": 1,
    "token": 6,
}
"""How many blocks may be left out for each reason: whoever adds one has to say so here."""


def of(*languages: str) -> list[Block]:
    return [block for block in ALL if block.language in languages and "skip" not in block.marks]


def test_only_so_many_blocks_are_left_out() -> None:
    skipped = Counter(block.marks["skip"] for block in ALL if "skip" in block.marks)
    assert {reason: number for reason, number in skipped.items() if number > SKIPPED.get(reason, 0)} == {}
    assert SKIPPED.keys() <= REASONS.keys()


def indented(page: str) -> Iterator[str]:
    """Yield what Markdown takes for code because it is indented; within lists it is text."""
    before = ""
    for paragraph in re.sub(r"^( *)(```+).*?^ *\2$", "", text(page), flags=re.MULTILINE | re.DOTALL).split(
        "\n\n"
    ):
        if paragraph.startswith("    ") and not re.match(r" *([-*]|\d+\.) ", before):
            yield paragraph
        elif not paragraph.startswith("  "):
            before = paragraph


@pytest.mark.parametrize("page", [*pages(), *FOLLOWED_ELSEWHERE])
def test_no_code_hides_in_indentation(page: str) -> None:
    assert list(indented(page)) == [], "write a fenced block"


def test_every_block_has_a_language_that_is_checked() -> None:
    known = (*RUN, "python", "toml", "json", "yaml", "mermaid", "text")
    unknown = [str(block) for block in ALL if "skip" not in block.marks and block.language not in known]
    assert not unknown, "a block of another language needs <!-- test: skip=... -->"


def test_every_text_is_output_or_a_file_or_says_that_it_is_an_example() -> None:
    assert [str(block) for block in of("text") if not {"output", "file"} & block.marks.keys()] == []


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_python_can_be_compiled(block: Block) -> None:
    compile(block.text, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_the_world_that_a_page_shows_is_one() -> None:
    (block,) = [each for each in of("toml") if each.page == WORLDS]
    assert [each.name for each in parse_seed(block.text, str(block)).guilds] == ["Book club"]


@pytest.mark.parametrize("block", [each for each in of("toml") if each.page != WORLDS], ids=str)
def test_toml_is_a_configuration_that_nescord_accepts(block: Block, tmp_path: Path) -> None:
    (tmp_path / "nescord.toml").write_text(block.text, encoding="utf-8")
    config.load(tmp_path, environ={})


def test_json_and_yaml_can_be_parsed() -> None:
    for block in of("json"):
        json.loads(block.text)
    for block in of("yaml"):
        yaml.safe_load(block.text)
