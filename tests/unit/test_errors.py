"""Every error prints its facts and, where a person can do something, the next step."""

from __future__ import annotations

import inspect

import pytest

from nescord_core import errors
from nescord_core.errors import (
    FATAL_CLOSE_REASONS,
    AlreadyRunning,
    BadRequest,
    ConfigError,
    DiscordHTTPError,
    FatalClose,
    IdentifyBudgetSpent,
    NescordError,
    NotRunning,
    PortTaken,
    ProtocolMismatch,
    RateLimited,
    ServiceFailed,
    TokenRejected,
)

WITH_NEXT_STEP: list[tuple[NescordError, tuple[str, ...], int]] = [
    (ConfigError("bad.", where="nescord.toml, x", hint="Mend it."), ("nescord.toml, x: bad. Mend it.",), 2),
    (
        PortTaken("127.0.0.1:1", service="ws", key="ws.admin", holder="python (process 7)"),
        ("127.0.0.1:1", "ws", "process 7", "ws.admin"),
        1,
    ),
    (AlreadyRunning(service="ws", state_dir="/s", pid=7), ("ws", "/s", "process 7", "NESCORD_STATE_DIR"), 2),
    (NotRunning("nescord dev", state_dir="/s"), ("nescord dev", "/s", "NESCORD_STATE_DIR"), 1),
    (ServiceFailed("main", "it died.", hint="Look."), ("main: it died. Look.",), 1),
    (ProtocolMismatch(ours=2, theirs=1, peer="main"), ("2", "1", "main", "same version"), 1),
    (TokenRejected(seen="401"), ("401", "DISCORD_BOT_TOKEN"), 2),
    (
        IdentifyBudgetSpent(remaining=3, needed=16, reserve=50, reset_after=7200),
        ("3 more", "16 needed", "50 kept in reserve", "2.0 h"),
        1,
    ),
    *((FatalClose(shard_id=3, code=code), ("shard 3", str(code)), 2) for code in FATAL_CLOSE_REASONS),
]


@pytest.mark.parametrize(("error", "texts", "code"), WITH_NEXT_STEP, ids=lambda value: type(value).__name__)
def test_facts_and_next_step(error: NescordError, texts: tuple[str, ...], code: int) -> None:
    for text in texts:
        assert text in str(error)
    assert error.hint in str(error)
    assert error.hint.endswith((".", "once."))
    assert error.exit_code == code


def test_all_names_every_error_and_all_are_of_one_family() -> None:
    found = {
        name for name, each in vars(errors).items() if inspect.isclass(each) and issubclass(each, Exception)
    }
    assert found == set(errors.__all__)
    assert all(issubclass(getattr(errors, name), NescordError) for name in found)


def test_what_discord_says_of_each_field_is_shown() -> None:
    details = {
        "embeds": {"0": {"title": {"_errors": [{"code": "BASE_TYPE_REQUIRED", "message": "Required"}]}}}
    }
    error = BadRequest(
        status=400, method="POST", path="/x", code=50035, message="Invalid Form Body", errors=details
    )
    assert str(error) == "POST /x: 400 Invalid Form Body (Discord's code 50035): embeds.0.title: Required"


def test_a_status_that_nobody_knows_is_shown_all_the_same() -> None:
    assert "599 Unknown status" in str(DiscordHTTPError(status=599, method="GET", path="/x"))


def test_a_rate_limit_keeps_its_wait() -> None:
    error = RateLimited(retry_after=1.5, scope="shared", status=429, method="GET", path="/x")
    assert (error.retry_after, error.scope) == (1.5, "shared")


def test_a_close_code_that_nobody_knows_shows_discords_reason() -> None:
    assert "4999: Because." in str(FatalClose(shard_id=0, code=4999, reason="Because"))
