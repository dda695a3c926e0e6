"""The checks of `nescord doctor`."""

from __future__ import annotations

import socket
from pathlib import Path

from nescord_core import config
from nescord_core.services import checkup
from nescord_core.services.checkup import Finding, Verdict


def examine(project: Path, **environ: str) -> dict[str, Finding]:
    found = checkup.examine(config.load(project, environ=environ))
    return {finding.subject: finding for finding in found}


def test_a_project_with_a_token_has_nothing_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "bot_main").mkdir()
    (tmp_path / "bot_main" / "app.py").write_text("")
    found = examine(tmp_path, DISCORD_BOT_TOKEN="secret.token", DISCORD_INTENTS="guilds,message_content")
    assert Verdict.BAD not in {finding.verdict for finding in found.values()}
    assert found["token"].text == "set (DISCORD_BOT_TOKEN in the environment)"
    assert found["main.entry"].verdict is Verdict.GOOD
    assert "message_content" in found["intents"].text
    assert "Developer Portal" in found["intents"].text
    assert not any("secret.token" in finding.text for finding in found.values())


def test_no_token_and_no_code_are_worth_a_look(tmp_path: Path) -> None:
    found = examine(tmp_path)
    assert found["token"].verdict is Verdict.WARNING
    assert found["main.entry"].verdict is Verdict.WARNING
    assert "bot_main/app.py" in found["main.entry"].text
    assert Verdict.BAD not in {finding.verdict for finding in found.values()}


def test_an_open_address_without_a_secret_is_in_the_way(tmp_path: Path) -> None:
    environ = {"DISCORD_BOT_TOKEN": "t", "NESCORD_REST_HOST": "0.0.0.0"}
    found = checkup.examine(config.load(tmp_path, environ=environ))
    (bad,) = [finding for finding in found if finding.verdict is Verdict.BAD]
    assert bad.subject == "rest"
    assert "NESCORD_SECRET" in bad.text


def test_a_taken_port_names_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        found = examine(tmp_path, NESCORD_REST_PORT=str(port))
    (taken,) = [finding for finding in found.values() if f":{port} is taken by" in finding.text]
    assert taken.verdict is Verdict.WARNING


def test_the_report_as_one_object_masks_secrets(tmp_path: Path) -> None:
    effective = config.load(
        tmp_path, environ={"DISCORD_BOT_TOKEN": "secret.token", "NESCORD_SECRET": "s3cr3t"}
    )
    report = checkup.as_json(effective, checkup.examine(effective))
    assert report["values"]["token"]["value"] == "***"
    assert "secret.token" not in str(report)
    assert "s3cr3t" not in str(report)
    assert {check["verdict"] for check in report["checks"]} <= {"good", "warning", "bad"}
