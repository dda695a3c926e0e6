"""Discord's markdown, construct by construct, as elements in a real Chromium."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.sandbox.browser import Page, binary, browser
from support.sandbox.running import running_sandbox

pytestmark = pytest.mark.skipif(binary() is None, reason="there is no chromium on this machine")

CONSTRUCTS = {
    # spans
    "*a* _b_ __c__ **d** ~~e~~": "<i>a</i> <i>b</i> <u>c</u> <b>d</b> <s>e</s>",
    "***a***": "<i><b>a</b></i>",
    "**a *b* c**": "<b>a <i>b</i> c</b>",
    "__**a**__": "<u><b>a</b></u>",
    "_**a**_": "<i><b>a</b></i>",
    "snake_case_name and 2 * 3 * 4": "snake_case_name and 2 * 3 * 4",
    r"\*a\* \_b\_ \`c\` \# d \\ \a": r"*a* _b_ `c` # d \ \a",
    "`a`": "<code>a</code>",
    "``a ` b``": "<code>a ` b</code>",
    "`` `a` ``": "<code>`a`</code>",
    "`**a**`": "<code>**a**</code>",
    "**not closed": "**not closed",
    # blocks
    "# a\n## b\n### c\n#### d": '<h3 class="h1">a</h3><h3 class="h2">b</h3><h3 class="h3">c</h3>#### d',
    "# **a** b": '<h3 class="h1"><b>a</b> b</h3>',
    "a # b": "a # b",
    "#a": "#a",
    "-# small": '<small class="subtext">small</small>',
    "> a\n> b\nc": "<blockquote>a\nb</blockquote>c",
    "a\n> b": "a\n<blockquote>b</blockquote>",
    "a > b": "a > b",
    ">>> a\nb\n\nc": "<blockquote>a\nb\n\nc</blockquote>",
    "> # a": '<blockquote><h3 class="h1">a</h3></blockquote>',
    "> - a\n> - b": "<blockquote><ul><li>a</li><li>b</li></ul></blockquote>",
    "- a\n- b": "<ul><li>a</li><li>b</li></ul>",
    "* a\n  more": "<ul><li>a\nmore</li></ul>",
    "- a\n  - b\n    - c\n- d": "<ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li><li>d</li></ul>",
    "1. a\n2. b": '<ol start="1"><li>a</li><li>b</li></ol>',
    "3. a\n   - b": '<ol start="3"><li>a<ul><li>b</li></ul></li></ol>',
    "x\n- **a** `b`\ny": "x\n<ul><li><b>a</b> <code>b</code></li></ul>y",
    "-a": "-a",
    "```\na\n\nb\n```": '<pre tabindex="0"><code>a\n\nb</code></pre>',
    "a\n```\nb\n```\nc": 'a\n<pre tabindex="0"><code>b</code></pre>c',
    "```one line```": '<pre tabindex="0"><code>one line</code></pre>',
    "```nolanguage\n**a**\n```": '<pre tabindex="0"><code>**a**</code></pre>',
    # mentions and links
    "<@1> <@!1> <@&2> <#3>": (
        '<span class="mention" data-user="1">@u1</span> <span class="mention" data-user="1">@u1</span>'
        ' <span class="mention">@r2</span> <span class="mention" data-channel="3">#c3</span>'
    ),
    "</roll dice:5> @everyone @here": (
        '<span class="mention" data-command="roll dice">/roll dice</span>'
        ' <span class="mention">@everyone</span> <span class="mention">@here</span>'
    ),
    "<id:customize>": '<span class="mention">Channels &amp; Roles</span>',
    "a@here.example": "a@here.example",
    "`<@1>`": "<code>&lt;@1&gt;</code>",
}
LINKS = {
    "https://a.example/b_c_d?x=*1*.": ("https://a.example/b_c_d?x=*1*", "https://a.example/b_c_d?x=*1*"),
    "(https://a.example/b)": ("https://a.example/b", "https://a.example/b"),
    "https://a.example/b_(c)": ("https://a.example/b_(c)", "https://a.example/b_(c)"),
    "<https://a.example>": ("https://a.example/", "https://a.example"),
    "[**t** [x]](https://a.example)": ("https://a.example/", "t [x]"),
    '[t](<https://a.example/x> "Title")': ("https://a.example/x", "t"),
}
NAMES = "{ user: (id) => `u${id}`, role: (id) => `r${id}`, channel: (id) => `c${id}` }"


async def drawn(page: Page, text: str, take: str = "innerHTML") -> Any:
    made = f"markdown({json.dumps(text)}, {NAMES}).{take}"
    return await page.evaluate(f"import('/markdown/markdown.js').then(({{ markdown }}) => {made})")


async def test_each_construct_is_shown_as_by_discord(tmp_path: Path) -> None:
    async with running_sandbox() as sandbox, browser(tmp_path) as page:
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#link').dataset.state === 'live'")
        found = {text: await drawn(page, text) for text in CONSTRUCTS}
        assert found == {text: html.replace(" > ", " &gt; ") for text, html in CONSTRUCTS.items()}
        for text, (address, label) in LINKS.items():
            assert await drawn(page, text, "querySelector('a').href") == address, text
            assert await drawn(page, text, "querySelector('a').textContent") == label, text
        assert await drawn(page, "[a](javascript:alert)") == "[a](javascript:alert)"

        styles = {style: await drawn(page, f"<t:1700000000:{style}>", "textContent") for style in "tTdDfF"}
        assert len(set(styles.values())) == 6, styles
        assert await drawn(page, "<t:1700000000>", "textContent") == styles["f"]
        assert "2023" not in styles["t"]
        hour_ago = await page.evaluate("Math.floor(Date.now() / 1000) - 3600")
        assert await drawn(page, f"<t:{hour_ago}:R>", "textContent") == "1 hour ago"
        assert await drawn(page, "<t:9999999999999:R>", "textContent") == "<t:9999999999999:R>"

        spoiler = "querySelector('.spoiler').textContent"
        assert await drawn(page, "||a **b**||", spoiler) == "a b"
        assert await drawn(page, "🎉 👍🏽", "className") == "text jumbo"
        assert await drawn(page, "🎉 a", "className") == "text"
        assert await drawn(page, "12", "className") == "text"
        deep = "**__" * 300 + "a" + "__**" * 300
        assert await drawn(page, deep, "textContent.length > 0")

        await sandbox.post("/say", channel="general", user="alice", content="```py\nimport os  # x\n```")
        await page.until("document.querySelector('pre .hl-keyword')?.textContent === 'import'")
        assert await page.evaluate("document.querySelector('#messages pre').textContent") == "import os  # x"
        assert page.problems == []
