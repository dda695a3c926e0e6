"""Invalid arguments: what is wrong, where, and what to do. In-process, for speed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from nescord_cli.app import app
from nescord_core.errors import ConfigError


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (("run", "main", "bot.py", "--entry", "a:b"), ("two bots", "Pass only one")),
        (("dev", "--exec", 'say "hi'), ("--exec", "Check its quotes")),
        (("status", "-C", "nowhere"), ("no such directory", "nescord init")),
        (("events", "replay", "some.zst", "--all"), ("some.zst is a recording", "cannot be combined")),
        (("generate",), ("the target is missing", "compose, k8s, systemd, grafana")),
        (("generate", "helm"), ("'helm'", "compose, k8s, systemd, grafana")),
        (("generate", "k8s", "-o", "/proc/x"), ("cannot write", "Choose another location")),
        (("generate", "compose", "-o", "."), ("exist and differ: .env.example", "--force")),
        (("events", "replay"), ("nothing to replay", "nescord events failed")),
        (("events", "replay", "nofile.zst"), ("nofile.zst", "no such file")),
        (("events", "replay", "nescord.toml"), ("not a recording", "nescord events record")),
        (("events", "record", "nescord.toml"), ("exists", "--force")),
        (("events", "record", "x", "--scrub", "ids"), ("--scrub", "'ids'", "names, content")),
        (("events", "tail", "-t", "mesage_create"), ("--type", "message_create")),
    ],
)
def test_invalid_arguments(
    project: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], texts: tuple[str, ...]
) -> None:
    monkeypatch.chdir(project)
    with pytest.raises(ConfigError) as refused:
        CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    said = f"{refused.value}"
    assert [text for text in texts if text not in said] == []
