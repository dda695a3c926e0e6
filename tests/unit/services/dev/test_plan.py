from __future__ import annotations

from pathlib import Path

import pytest

from nescord_core.config import Config, load
from nescord_core.errors import ConfigError
from nescord_core.services.dev import plan as dev_plan
from nescord_core.settings import SandboxSettings
from nescord_core.supervisor.spec import ServiceSpec
from nescord_core.supervisor.start_and_stop_order import check, start_levels

TOKEN = "MTIz.real.token"


def config(tmp_path: Path, **environ: str) -> Config:
    (tmp_path / "nescord.toml").touch()
    return load(tmp_path, environ=environ)


def planned(
    tmp_path: Path,
    *,
    sandbox: bool | None = None,
    offset: int = 0,
    command: tuple[str, ...] = (),
    **environ: str,
) -> dict[str, ServiceSpec]:
    effective, with_sandbox = dev_plan.effective(
        config(tmp_path, **environ), sandbox=sandbox, port_offset=offset
    )
    specs = dev_plan.plan(
        effective, sandbox=with_sandbox, environ=environ, command=command, directory=tmp_path
    )
    return check(specs)


def test_without_a_token_the_sandbox_replaces_discord(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert start_levels(plan) == [("sandbox",), ("main", "rest"), ("ws",)]
    assert plan["ws"].env["DISCORD_API_URL"] == "http://127.0.0.1:7400/api/v10"
    assert plan["ws"].env["DISCORD_BOT_TOKEN"] == SandboxSettings().token


def test_with_a_token_discord_is_used_unless_the_sandbox_is_requested(tmp_path: Path) -> None:
    assert set(planned(tmp_path, DISCORD_BOT_TOKEN=TOKEN)) == {"rest", "main", "ws"}
    requested = planned(tmp_path, sandbox=True, DISCORD_BOT_TOKEN=TOKEN)
    assert set(requested) == {"sandbox", "rest", "main", "ws"}
    assert all(TOKEN not in spec.env.values() for spec in requested.values())


def test_no_sandbox_and_no_token_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="DISCORD_BOT_TOKEN is not set"):
        planned(tmp_path, sandbox=False)


def test_secrets_are_in_the_environment_never_in_the_arguments(tmp_path: Path) -> None:
    secret = "a-shared-secret"
    plan = planned(tmp_path, DISCORD_BOT_TOKEN=TOKEN, NESCORD_SECRET=secret, command=("true",))
    assert plan["ws"].env["NESCORD_SECRET"] == secret
    for spec in plan.values():
        assert TOKEN not in " ".join(spec.argv)
        assert secret not in " ".join(spec.argv)
        assert TOKEN not in repr(spec)


def test_the_services_find_each_other_at_configured_addresses(tmp_path: Path) -> None:
    env = planned(
        tmp_path,
        NESCORD_MAIN_LISTEN="127.0.0.1:5400",
        NESCORD_WORKERS="3",
        NESCORD_REST_PORT="6400",
        NESCORD_REST_HOST="127.0.0.2",
    )["ws"].env
    assert env["GRPC_HOST"] == "127.0.0.1:5400,127.0.0.1:5401,127.0.0.1:5402"
    assert env["NESCORD_REST_URL"] == "http://127.0.0.2:6400"
    assert planned(tmp_path, GRPC_HOST="127.0.0.9:1")["ws"].env["GRPC_HOST"] == "127.0.0.9:1"


def test_an_offset_moves_every_port(tmp_path: Path) -> None:
    plan = planned(tmp_path, offset=100)
    assert {name: spec.address for name, spec in plan.items()} == {
        "sandbox": "127.0.0.1:7500",
        "rest": "127.0.0.1:7501",
        "main": "127.0.0.1:7510",
        "ws": "127.0.0.1:7502",
    }
    assert plan["main"].ready is not None
    assert plan["main"].ready.url == "http://127.0.0.1:7503/readyz"
    assert plan["ws"].env["GRPC_HOST"] == "127.0.0.1:7510"
    assert plan["ws"].env["DISCORD_API_URL"] == "http://127.0.0.1:7500/api/v10"


def test_a_service_bound_to_all_addresses_is_probed_on_loopback(tmp_path: Path) -> None:
    plan = planned(tmp_path, NESCORD_REST_HOST="0.0.0.0", NESCORD_SECRET="a-shared-secret")
    assert plan["rest"].ready is not None
    assert plan["rest"].ready.url == "http://127.0.0.1:7401/readyz"
    assert plan["ws"].env["NESCORD_REST_URL"] == "http://127.0.0.1:7401"


def test_ws_stops_before_main_and_main_before_rest(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert plan["ws"].stops_before == ("main",)
    assert plan["main"].stops_before == ("rest",)
    assert "--watch" in plan["main"].argv


def test_a_command_waits_for_all_services_and_runs_once(tmp_path: Path) -> None:
    task = planned(tmp_path, command=("pytest", "-q"))["exec"]
    assert task.depends_on == ("sandbox", "rest", "main", "ws")
    assert task.argv[-2:] == ("pytest", "-q")
    assert task.task


def test_every_address_is_known_before_anything_starts(tmp_path: Path) -> None:
    effective, _ = dev_plan.effective(config(tmp_path, NESCORD_WORKERS="2"), sandbox=True, port_offset=0)
    found = dev_plan.listeners(effective, sandbox=True)
    assert [(one.service, one.address) for one in found] == [
        ("sandbox", "127.0.0.1:7400"),
        ("rest", "127.0.0.1:7401"),
        ("main", "127.0.0.1:7410"),
        ("main", "127.0.0.1:7411"),
        ("main", "127.0.0.1:7403"),
        ("ws", "127.0.0.1:7402"),
    ]


def test_a_port_of_0_is_refused_by_the_name_of_its_key(tmp_path: Path) -> None:
    effective, _ = dev_plan.effective(config(tmp_path, NESCORD_REST_PORT="0"), sandbox=True, port_offset=0)
    with pytest.raises(ConfigError, match=r"rest.port \(NESCORD_REST_PORT in the environment\)"):
        dev_plan.listeners(effective, sandbox=True)


def test_secrets_are_known(tmp_path: Path) -> None:
    effective, _ = dev_plan.effective(
        config(tmp_path, DISCORD_BOT_TOKEN=TOKEN, NESCORD_SECRET="a-shared-secret"),
        sandbox=False,
        port_offset=0,
    )
    assert sorted(dev_plan.secrets(effective)) == [TOKEN, "a-shared-secret"]
    local, _ = dev_plan.effective(config(tmp_path), sandbox=True, port_offset=0)
    assert dev_plan.secrets(local) == []
