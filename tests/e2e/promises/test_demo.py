"""`nescord demo --check`, the first command that users run."""

from __future__ import annotations

import subprocess
from pathlib import Path

from nescord_core.services.dev.demo import make_project
from support.processes.commands import NESCORD, PATIENCE, clean_environment


def demo(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*NESCORD, "demo", "--check", *arguments),
        cwd=directory,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


def test_it_shows_the_answer_before_and_after_a_change_of_the_code(tmp_path: Path) -> None:
    ended = demo(tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    answers = [line.split("(")[0].split(":", 1)[1].strip() for line in _said_by("bot", ended.stdout)]
    assert answers[0] == "Pong!"
    assert "Pong! (new code)" in _said_by("bot", ended.stdout)[-1]
    assert len(_said_by("alice", ended.stdout)) == 2
    assert ended.stderr == ""
    assert "Both answers arrived and everything has stopped" in ended.stdout
    assert not list(tmp_path.iterdir())


def test_broken_code_of_the_bot_is_an_exit_code_of_1_and_says_where(tmp_path: Path) -> None:
    project = tmp_path / "bot"
    make_project(project)
    source = project / "bot_main" / "app.py"
    lines = source.read_text(encoding="utf-8").splitlines()
    source.write_text("\n".join([*lines, "def broken(:", ""]), encoding="utf-8")
    ended = demo(tmp_path, "--project", str(project))
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert f"app.py:{len(lines) + 1}" in ended.stderr
    assert "def broken(:" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Both answers arrived" not in ended.stdout


def _said_by(name: str, transcript: str) -> list[str]:
    return [line for line in transcript.splitlines() if line.startswith(f"{name}:")]
