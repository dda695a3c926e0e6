"""The link that adds a bot to a guild."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from nescord_core.config import load
from nescord_core.discord_api.tokens import application_id
from nescord_core.errors import ConfigError
from nescord_core.payloads.flags import Permissions
from nescord_core.services.project.invitation import invitation, parsed_permissions

NUMBER = 123456789012345678
TOKEN = f"{base64.urlsafe_b64encode(str(NUMBER).encode()).decode().rstrip('=')}.Gabcde.{'x' * 38}"


def test_a_token_begins_with_the_id() -> None:
    assert application_id(TOKEN) == NUMBER
    for other in ("", "abc", "no.token.x", f"{NUMBER}", "MTA.x.y", "ü.x.y", "Ω" * 20 + ".x.y"):
        assert application_id(other) is None


def test_the_link_has_id_scopes_and_permissions_and_no_token(tmp_path: Path) -> None:
    config = load(tmp_path, environ={"DISCORD_BOT_TOKEN": TOKEN})
    found = invitation(config, permissions="send_messages, manage_roles")
    fields = parse_qs(urlsplit(found.link).query)
    assert fields == {
        "client_id": [str(NUMBER)],
        "scope": ["bot applications.commands"],
        "permissions": [str(1 << 11 | 1 << 28)],
    }
    assert TOKEN not in repr(found) + found.link
    assert found.source == "token: DISCORD_BOT_TOKEN in the environment"
    assert found.portal == f"https://discord.com/developers/applications/{NUMBER}/bot"


def test_privileged_intents_are_named(tmp_path: Path) -> None:
    (tmp_path / "nescord.toml").write_text('[bot]\nintents = ["guilds", "message_content"]\n')
    config = load(tmp_path, environ={"DISCORD_BOT_TOKEN": TOKEN})
    assert invitation(config).privileged == ("message_content",)


def test_without_permissions_a_bot_may_read_and_write(tmp_path: Path) -> None:
    asked = invitation(load(tmp_path, environ={}), application=str(NUMBER)).permissions
    assert Permissions.SEND_MESSAGES in asked
    assert Permissions.ADMINISTRATOR not in asked


def test_permissions_are_checked_by_name_and_number() -> None:
    assert (
        parsed_permissions("Send Messages,ADMINISTRATOR")
        == Permissions.SEND_MESSAGES | Permissions.ADMINISTRATOR
    )
    assert parsed_permissions("8") == Permissions.ADMINISTRATOR
    assert parsed_permissions("none") == Permissions(0)
    with pytest.raises(ConfigError, match=r"'manage_rolls'.*Did you mean manage_roles"):
        parsed_permissions("manage_rolls")
    with pytest.raises(ConfigError, match="bits that are no permissions"):
        parsed_permissions(str(1 << 60))


@pytest.mark.parametrize(("application", "says"), [("12ab", "not the id"), (None, "there is no token")])
def test_an_id_is_needed(tmp_path: Path, application: str | None, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        invitation(load(tmp_path, environ={}), application=application)
