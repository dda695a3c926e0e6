"""`nescord doctor`: every value with its source, secrets masked; exits with 1 only after an error."""

from __future__ import annotations

import json
import re
from pathlib import Path

from nescord_core.config.keys import KEYS
from support.processes.one_shot import Nescord

TOKEN = "MTA.a-secret-token.xyz"
SECRET = "the-shared-secret"


def test_every_value_has_its_source_and_no_secret_is_shown(nescord: Nescord, project: Path) -> None:
    (project / ".env").write_text(f"DISCORD_BOT_TOKEN={TOKEN}\n")
    ended = nescord("doctor", "--json", NESCORD_SECRET=SECRET, DISCORD_SHARDS="3")
    assert ended.code == 0, ended
    assert TOKEN not in ended.output
    assert SECRET not in ended.output
    report = json.loads(ended.output)
    assert report["values"].keys() == {key.name for key in KEYS}
    assert report["values"]["token"] == {"value": "***", "source": "DISCORD_BOT_TOKEN in .env"}
    assert report["values"]["security.secret"]["source"] == "NESCORD_SECRET in the environment"
    assert report["values"]["ws.shards"] == {"value": "3", "source": "DISCORD_SHARDS in the environment"}
    assert report["values"]["rest.port"]["source"] == "default"
    assert all(check["text"] for check in report["checks"])


def test_the_text_lists_what_differs_from_the_default_and_with_all_every_value(nescord: Nescord) -> None:
    brief = nescord("doctor", DISCORD_BOT_TOKEN=TOKEN, DISCORD_SHARDS="3")
    ended = nescord("doctor", "--all", DISCORD_BOT_TOKEN=TOKEN)
    assert ended.code == brief.code == 0, ended
    assert TOKEN not in ended.output + ended.errors + brief.output
    shown = {
        line.split()[0] for line in brief.output.partition("Configuration")[2].splitlines() if line.strip()
    }
    assert {"token", "ws.shards"} <= shown
    assert "rest.port" not in shown
    for key in KEYS:
        assert any(line.split()[:1] == [key.name] for line in ended.output.splitlines()), key.name


def test_the_summary_comes_first_and_problems_before_what_passed(nescord: Nescord) -> None:
    lines = nescord("doctor", "--no-code").output.splitlines()
    assert re.match(r"\d+ passed, \d+ warnings?, 0 errors\.", lines[0])
    marks = [line[2] for line in lines if re.match(r"  [✓!✗] ", line)]
    assert marks == sorted(marks), "warnings before passed checks"
    assert not any(line.endswith("  (default)") for line in lines)


def test_an_error_makes_it_fail(nescord: Nescord) -> None:
    ended = nescord("doctor", DISCORD_BOT_TOKEN=TOKEN, NESCORD_REST_HOST="0.0.0.0")
    assert ended.code == 1
    assert "✗ rest:" in ended.output
    assert "NESCORD_SECRET" in ended.output


def test_no_token_and_a_taken_port_are_warnings(nescord: Nescord) -> None:
    assert nescord("doctor").code == 0
