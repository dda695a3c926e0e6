from __future__ import annotations

import pytest

from nescord_core.config.keys import KEYS
from nescord_core.reload.watching.affected_services import KEYS as OWN_KEYS
from nescord_core.reload.watching.affected_services import SECTIONS, Effect, effect_of, services_of


@pytest.mark.parametrize("path", ["nescord.toml", ".env", ".env.local"])
def test_configuration_is_told_from_code(path: str) -> None:
    assert effect_of(path) is Effect.CONFIGURATION


@pytest.mark.parametrize("path", ["bot_main/app.py", "pyproject.toml", "bot_main/nescord.toml", "env.py"])
def test_all_else_is_code(path: str) -> None:
    assert effect_of(path) is Effect.CODE


@pytest.mark.parametrize(
    ("keys", "services"),
    [
        (["ws.shards"], ("ws",)),
        (["rest.global_limit"], ("rest",)),
        (["rest.url"], ("ws", "main")),
        (["bot.intents"], ("ws", "main")),
        (["main.drain_timeout", "sandbox.guilds"], ("sandbox", "main")),
        (["main.workers"], ("ws", "main")),
        (["rest.port"], ("rest", "ws", "main")),
        (["token"], ("sandbox", "rest", "ws", "main")),
        (["state_dir"], ("sandbox", "rest", "ws", "main")),
        ([], ()),
    ],
)
def test_a_changed_key_names_the_services_to_restart(keys: list[str], services: tuple[str, ...]) -> None:
    assert services_of(keys) == services


def test_every_section_of_the_configuration_is_a_service_here_or_concerns_all() -> None:
    sections = {key.name.partition(".")[0] for key in KEYS if "." in key.name and key.name not in OWN_KEYS}
    assert sections - set(SECTIONS) == {"security"}
