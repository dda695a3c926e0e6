"""The rules by which pages are read: blocks and their marks, shown output, links."""

from __future__ import annotations

import pytest

from support.docs.blocks import PageError, parse
from support.docs.links import anchors, links
from support.docs.printed import difference, missing

PAGE = """
<!-- test: run="say 'hi'" -->
<!-- test: file=a/b.py -->
```python
x = 1
```

1. In a list:

    <!-- test: background until="it runs" -->
    ```bash
    nescord dev
    ```
<!-- test: ask=!ping answer=^Pong -->
"""


def test_blocks_come_in_order_with_their_marks() -> None:
    step, file, command, ask = parse("page.md", PAGE)
    assert (step.language, step.marks) == ("", {"run": "say 'hi'"})
    assert (file.language, file.text, file.marks) == ("python", "x = 1\n", {"file": "a/b.py"})
    assert (command.text, command.marks) == ("nescord dev\n", {"background": "", "until": "it runs"})
    assert ask.marks == {"ask": "!ping", "answer": "^Pong"}
    assert str(file) == "page.md:4"


@pytest.mark.parametrize(
    ("page", "error"),
    [
        ("```bash\nnescord dev", "no end"),
        ("<!-- test: skip=lazy -->\n```bash\n```", "no reason"),
        ("<!-- test: skipped -->\n```bash\n```", "no mark"),
        ("<!-- test: file=a -->\ntext", "no code block"),
        ("text\n<!-- test: file=a -->", "no code block"),
    ],
)
def test_what_nobody_can_read_is_an_error(page: str, error: str) -> None:
    with pytest.raises(PageError, match=error):
        parse("page.md", page)


def test_shown_output_follows_what_was_printed() -> None:
    printed = ["starting", "ready after 12 ms", "", "a   b", "22:18:18.490  0-a1b2c3-4  done"]
    assert difference(["ready after 3456 ms", "a b"], printed) is None
    assert difference(["starting", "...", "18:00:00.000  0-77-8  d..."], printed) is None
    assert difference(["starting", "a b"], printed) == "a b"
    assert difference(["a b", "ready after 1 ms"], printed) == "ready after 1 ms"
    assert difference(["nothing of it"], printed) == "nothing of it"


def test_background_output_may_come_in_any_order() -> None:
    printed = ["\x1b[1mws\x1b[0m    | ready", "main  | ready"]
    assert missing(["main | ready", "...", "ws | ready"], printed) == []
    assert missing(["rest | ready"], printed) == ["rest | ready"]


def test_links_and_anchors() -> None:
    page = (
        "# A `b` [c](d.md)\n\n## A b\n\n## A b\n\n`[no](x)` ![p](p.png)\n```\n[no](y)\n# no\n```\n[r]: z.md\n"
    )
    assert set(links(page)) == {"d.md", "p.png", "z.md"}
    assert {"a-b-c", "a-b", "a-b-1", "a-b_1"} == anchors(page)
