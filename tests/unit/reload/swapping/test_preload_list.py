from __future__ import annotations

import json
from pathlib import Path

import pytest

from nescord_core.reload.swapping.preload_list import PreloadList, recall, remember


def test_what_was_imported_is_known_at_the_next_start(tmp_path: Path) -> None:
    remember(tmp_path / "state", ["json", "discord"], {"uvloop"})
    assert recall(tmp_path / "state") == PreloadList(("json", "discord"), frozenset({"uvloop"}))


def test_other_packages_make_it_worthless(tmp_path: Path) -> None:
    remember(tmp_path, ["json"], ())
    path = tmp_path / "preload.json"
    fields = json.loads(path.read_text())
    fields["packages"][-1] += "0"
    path.write_text(json.dumps(fields))
    assert recall(tmp_path) == PreloadList()


@pytest.mark.parametrize("text", ["", "[]", "{}", "\0", '{"packages": []}'])
def test_a_damaged_file_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "preload.json").write_text(text)
    assert recall(tmp_path) == PreloadList()


def test_nothing_is_left_of_a_write_that_failed(tmp_path: Path) -> None:
    (tmp_path / "preload.json").mkdir()
    with pytest.raises(OSError, match="preload"):
        remember(tmp_path, ["json"], ())
    assert [path.name for path in tmp_path.iterdir()] == ["preload.json"]
