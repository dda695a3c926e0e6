from __future__ import annotations

import pytest

from nescord_core.reload.watching import gitignore
from nescord_core.reload.watching.matcher import Matcher

WATCHED = ["bot_main/app.py", "nescord.toml", ".env", ".env.local", "bot_main/pages/help.html", "x/mail.j2"]
LEFT_ALONE = [
    ".venv/lib/python3.11/site-packages/x.py",
    "venv/lib/x.py",
    "bot_main/__pycache__/app.cpython-311.pyc",
    "bot_main/app.pyc",
    ".nescord/state.py",
    "logs/today.py",
    ".git/hooks/x.py",
    "node_modules/x/index.html",
    "bot.egg-info/x.py",
    "bot_main/data.json",
    "bot_main/levels.db",
    "bot_main/.env",
    "bot_main/.#app.py",
    "bot_main/app.py~",
    "bot_main/.app.py.swp",
    "bot_main/4913",
    "bot_main/app.py___jb_tmp___",
    "bot_main/sedAbC123",
    "bot_main/app.tmp.py",
    "bot_main/flycheck_app.py",
    "bot_main/.hidden.py",
]


@pytest.mark.parametrize("path", WATCHED)
def test_code_configuration_and_templates_are_watched(path: str) -> None:
    assert Matcher().wants(path)


@pytest.mark.parametrize("path", LEFT_ALONE)
def test_what_is_not_the_projects_own_source_is_left_alone(path: str) -> None:
    assert not Matcher().wants(path)


def test_a_state_dir_of_another_name_is_left_alone() -> None:
    assert not Matcher(state_dir="var/state").wants("var/state/x.py")
    assert Matcher(state_dir="var/state").wants("var/other/x.py")
    assert Matcher(state_dir=None).wants("var/state/x.py")


def test_gitignore_decides_except_for_env() -> None:
    matcher = Matcher(gitignore.parse(".env\n/generated/\n*_local.py\n"))
    assert matcher.wants(".env")
    assert not matcher.wants("generated/tables.py")
    assert matcher.wants("bot/generated/tables.py")
    assert not matcher.wants("bot/settings_local.py")


@pytest.mark.parametrize(
    ("patterns", "path", "is_dir", "ignored"),
    [
        ("*.py", "a/b/c.py", False, True),
        ("/c.py", "a/c.py", False, False),
        ("/c.py", "c.py", False, True),
        ("a/*.py", "a/c.py", False, True),
        ("a/*.py", "b/a/c.py", False, False),
        ("a/*.py", "a/b/c.py", False, False),
        ("a/**/c.py", "a/c.py", False, True),
        ("a/**/c.py", "a/x/y/c.py", False, True),
        ("**/old", "x/y/old", True, True),
        ("old/**", "old/x/y.py", False, True),
        ("old/", "old", True, True),
        ("old/", "old", False, False),
        ("*.py\n!keep.py", "keep.py", False, False),
        ("!keep.py\n*.py", "keep.py", False, True),
        ("# comment\n\n", "# comment", False, False),
        (r"\#odd.py", "#odd.py", False, True),
        ("v[0-9].py", "v7.py", False, True),
        ("v[!0-9].py", "v7.py", False, False),
        ("v?.py", "v7.py", False, True),
        ("v?.py", "v/7.py", False, False),
        ("a.py", "axpy", False, False),
        ("*\n!*/\n!*.py", "a", True, False),
        ("*\n!*/\n!*.py", "a/b.py", False, False),
        ("*\n!*/\n!*.py", "a/b.html", False, True),
        ("a/**\n!a/b.py", "a", True, False),
        ("a/**\n!a/b.py", "a/b.py", False, False),
        ("a/**\n!a/b.py", "a/c.py", False, True),
        ("/*\n!/bot/", "bot", True, False),
        ("/*\n!/bot/", "other", True, True),
        ("/**/c.py", "a/b/c.py", False, True),
        ("/**", "a", True, True),
        ("a.py  \r\nb.py\r\n", "a.py", False, True),
        ("\ufeffa.py", "a.py", False, True),
        ("v[[:digit:]].py", "v7.py", False, True),
        ("v[!]].py", "v7.py", False, True),
        ("v[]7].py", "v7.py", False, True),
        ("v[", "v[", False, False),
        ("v[9-0].py", "v7.py", False, False),
    ],
)
def test_gitignore_patterns(patterns: str, path: str, is_dir: bool, ignored: bool) -> None:
    assert gitignore.parse(patterns).matches(path, is_dir=is_dir) is ignored


@pytest.mark.parametrize(
    ("path", "watched"),
    [
        ("logs/today.py", True),
        ("logs/deep/x.py", True),
        ("build/lib/x.py", True),
        ("build/other.py", False),
        ("build/cogs/other.py", False),
        ("build/lib/env/x.py", False),
        (".hidden/x.py", True),
        ("dist/x.py", False),
        ("gen/x.py", False),
        (".nescord/x.py", False),
    ],
)
def test_what_the_bot_has_imported_is_watched_whatever_its_name_unless_it_is_ignored(
    path: str, watched: bool
) -> None:
    matcher = Matcher(gitignore.parse("gen/")).importing(["logs", "build/lib"]).importing([".hidden", "gen"])
    assert matcher.importing([".nescord"]).wants(path) is watched


@pytest.mark.parametrize(
    ("directory", "reason"),
    [
        ("build", ""),
        ("bot/logs", ""),
        ("gen", ".gitignore"),
        ("node_modules", None),
        (".git", None),
        ("bot.egg-info", None),
        ("state", None),
    ],
)
def test_a_directory_is_missed_if_it_might_hold_code(directory: str, reason: str | None) -> None:
    assert Matcher(gitignore.parse("gen/"), "state").reason_against(directory) == reason


def test_only_a_newline_ends_a_pattern() -> None:
    assert gitignore.parse("a\x0cb.py\nc.py\r\n").matches("a\x0cb.py", is_dir=False)
    assert not gitignore.parse("a\x0cb.py").matches("b.py", is_dir=False)
    assert gitignore.parse("c.py\r\n").matches("c.py", is_dir=False)
