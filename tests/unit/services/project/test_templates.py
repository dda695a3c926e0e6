"""Projects made from templates."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from nescord_core.errors import ConfigError
from nescord_core.services.project import templates
from nescord_core.services.project.templates import State


def test_every_template_has_a_description_and_renders(tmp_path: Path) -> None:
    found = templates.templates()
    assert "minimal" in found
    for name, about in found.items():
        assert about
        plan = templates.plan(name, tmp_path / "my bot!")
        paths = {str(file.path) for file in plan}
        assert {"nescord.toml", ".gitignore", ".env.example", "README.md"} <= paths
        assert not any(path.endswith((".j2", "template.toml")) or path.startswith("dot_") for path in paths)
        for file in plan:
            assert "{{" not in file.text
            if file.path.suffix == ".py":
                compile(file.text, str(file.path), "exec")
            if file.path.suffix == ".toml":
                tomllib.loads(file.text)


def test_a_plan_writes_nothing_and_distinguishes_new_same_and_different_files(tmp_path: Path) -> None:
    plan = templates.plan("minimal", tmp_path)
    assert {file.state for file in plan} == {State.NEW}
    assert not list(tmp_path.iterdir())
    templates.write(plan, tmp_path)
    assert {file.state for file in templates.plan("minimal", tmp_path)} == {State.SAME}
    (tmp_path / "nescord.toml").write_text("other")
    states = {str(file.path): file.state for file in templates.plan("minimal", tmp_path)}
    assert states.pop("nescord.toml") is State.DIFFERS
    assert set(states.values()) == {State.SAME}


def test_a_directory_in_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "nescord.toml").mkdir()
    plan = templates.plan("minimal", tmp_path)
    with pytest.raises(ConfigError, match=r"nescord\.toml"):
        templates.write(plan, tmp_path)


def test_an_unknown_template_and_a_file_as_the_directory_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="minimal"):
        templates.plan("nope", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="not a directory"):
        templates.plan("minimal", tmp_path / "file")


def test_a_removed_template_says_what_to_use_instead(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'cogs' has been removed\. Use discordpy") as refused:
        templates.plan("cogs", tmp_path)
    assert refused.value.exit_code == 2
    assert not templates.REMOVED.keys() & templates.templates().keys()
