from __future__ import annotations

import json
from pathlib import Path

import pytest

from nescord_core.reload.swapping.preload_list import PreloadList, load_preload_list, save_preload_list


def test_what_was_imported_is_known_at_the_next_start(tmp_path: Path) -> None:
    save_preload_list(tmp_path, ["json", "discord"], {"uvloop"})
    assert load_preload_list(tmp_path) == PreloadList(("json", "discord"), frozenset({"uvloop"}))


def test_other_packages_make_it_worthless(tmp_path: Path) -> None:
    save_preload_list(tmp_path, ["json"], ())
    path = tmp_path / "preload.json"
    fields = json.loads(path.read_text())
    fields["packages"][-1] += "0"
    path.write_text(json.dumps(fields))
    assert load_preload_list(tmp_path) == PreloadList()


@pytest.mark.parametrize("text", ["", "[]", "{}", "\0", '{"packages": []}'])
def test_a_damaged_file_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "preload.json").write_text(text)
    assert load_preload_list(tmp_path) == PreloadList()


def test_nothing_is_left_of_a_write_that_failed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save_preload_list(tmp_path / "gone", ["json"], ())
    assert not list(tmp_path.iterdir())
