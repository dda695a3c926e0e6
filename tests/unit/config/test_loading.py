"""Loading the configuration: every key, its formats, its sources and the message for each mistake."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nescord_core import config
from nescord_core.config.keys import KEYS
from nescord_core.errors import ConfigError
from nescord_core.settings import SANDBOX_TOKEN

ENV: dict[str, str] = {}


def project(tmp_path: Path, toml: str = "", dotenv: str = "") -> Path:
    (tmp_path / "nescord.toml").write_text(toml)
    (tmp_path / ".env").write_text(dotenv)
    return tmp_path


def test_later_sources_win_and_each_value_names_its_source(tmp_path: Path) -> None:
    directory = project(
        tmp_path, "[ws]\nshards = 2\nshards_per_cluster = 3\n", "DISCORD_SHARDS=4\nEVENTS=ready\n"
    )
    loaded = config.load(directory, environ={"EVENTS": "messageCreate"}, flags={"rest.port": 9})
    shown = {
        name: (loaded[name], loaded.values[name].source) for name in ("ws.shards", "bot.events", "rest.port")
    }
    assert shown == {
        "ws.shards": (4, "DISCORD_SHARDS in .env"),
        "bot.events": (frozenset({"MESSAGE_CREATE"}), "EVENTS in the environment"),
        "rest.port": (9, "flag"),
    }
    assert (loaded["ws.shards_per_cluster"], loaded.values["ws.shards_per_cluster"].source) == (
        3,
        "nescord.toml",
    )
    assert loaded.values["main.listen"].source == "default"


def test_an_empty_variable_is_not_a_value(tmp_path: Path) -> None:
    loaded = config.load(project(tmp_path, dotenv="DISCORD_BOT_TOKEN=\n"), environ={"DISCORD_BOT_TOKEN": " "})
    assert loaded.token is None


def test_the_project_is_found_from_a_directory_within_it(tmp_path: Path) -> None:
    inner = project(tmp_path) / "bot_main" / "cogs"
    inner.mkdir(parents=True)
    assert config.load(inner, environ=ENV).project == tmp_path


@pytest.mark.parametrize(
    ("toml", "environ"),
    [
        ("[main]\narguments = \"-v --name 'two words'\"\n", {}),
        ('[main]\narguments = ["-v", "--name", "two words"]\n', {}),
        ("", {"NESCORD_ARGUMENTS": '-v --name "two words"'}),
    ],
)
def test_arguments_are_split_as_by_a_shell(tmp_path: Path, toml: str, environ: dict[str, str]) -> None:
    loaded = config.load(project(tmp_path, toml), environ=environ)
    assert loaded.main.arguments == ("-v", "--name", "two words")


@pytest.mark.parametrize(
    ("environ", "where"),
    [
        ({}, None),
        ({"DISCORD_API_URL": "http://127.0.0.2:7400/api/v10"}, None),
        ({"DISCORD_API_URL": "http://127.0.0.1:7400/api/v10"}, "global"),
        ({"NESCORD_COMMANDS_GUILD": "12"}, "12"),
        ({"NESCORD_COMMANDS_GUILD": "12", "DISCORD_API_URL": "http://localhost:7400/api/v10"}, "12"),
    ],
)
def test_commands_are_synced_to_a_guild_that_was_named_or_to_a_sandbox(
    tmp_path: Path, environ: dict[str, str], where: str | None
) -> None:
    assert config.load(project(tmp_path), environ=environ).main.command_sync == where


@pytest.mark.parametrize(("text", "mask"), [("administrator", 8), ("3072", 3072), ("", None)])
def test_the_bots_permissions_on_a_sandbox(tmp_path: Path, text: str, mask: int | None) -> None:
    environ = {"NESCORD_SANDBOX_BOT_PERMISSIONS": text, "NESCORD_SANDBOX_RATE_LIMITS": "off"}
    sandbox = config.load(project(tmp_path), environ=environ).sandbox
    assert (sandbox.bot_permissions, sandbox.rate_limits) == (mask, False)


def test_defaults_are_those_of_the_documentation(tmp_path: Path) -> None:
    loaded = config.load(tmp_path, environ={"DISCORD_BOT_TOKEN": "t"})
    assert loaded.ws.grpc_hosts == ("127.0.0.1:7410",)
    assert (loaded.ws.shards, loaded.ws.shard_ids, loaded.ws.shards_per_cluster) == (None, None, 16)
    assert (loaded.ws.admin_host, loaded.ws.admin_port, loaded.ws.identify_window) == ("127.0.0.1", 7402, 5.0)
    assert (loaded.rest.host, loaded.rest.port, loaded.rest.global_limit) == ("127.0.0.1", 7401, 50)
    assert (loaded.rest.cache.enabled, loaded.rest.cache.ttl, loaded.rest.cache.max_mb) == (True, 60.0, 256)
    assert (loaded.main.entry, loaded.main.listen_port, loaded.main.workers) == (
        "bot_main.app:listener",
        7410,
        1,
    )
    assert (loaded.main.drain_timeout, loaded.main.admin_port) == (10.0, 7403)
    assert (loaded.sandbox.host, loaded.sandbox.port) == ("127.0.0.1", 7400)
    assert loaded.ws.api_url == "https://discord.com/api/v10"
    assert loaded.state_dir == tmp_path / ".nescord"


@pytest.mark.parametrize(
    ("toml", "where", "hint"),
    [
        ("[ws]\nshrads = 2\n", "ws.shrads", "Did you mean ws.shards?"),
        ("[wss]\nshards = 2\n", "wss.shards", "Did you mean ws.shards?"),
        ("colour = 1\n", "colour", "unknown key"),
        ("[bot]\nevents = ['mesage_create']\n", "bot.events", "message_create"),
        ("[bot]\nintents = 'guild_mesages'\n", "bot.intents", "guild_messages"),
        ("[ws]\nshards = 0\n", "ws.shards", "at least 1"),
        ("[ws]\nshard_ids = '5-2'\n", "ws.shard_ids", "backwards"),
        ("[ws]\ngrpc_host = 'nowhere'\n", "ws.grpc_host", "HOST:PORT"),
        ("[discord]\napi_url = 'ftp://x'\n", "discord.api_url", "http://"),
        ("[rest.cache]\nenabled = 'maybe'\n", "rest.cache.enabled", "true nor false"),
        ("[sandbox]\nbot_permissions = 'admin'\n", "sandbox.bot_permissions", "administrator"),
        ("[rest.cache.ttls]\nmesages = 5\n", "rest.cache.ttls", "messages"),
        ("[rest.cache]\nttls = 'messages'\n", "rest.cache.ttls", "KIND=SECONDS"),
        ("[rest.cache.ttls]\nmessages = 'soon'\n", "rest.cache.ttls", "number"),
        ("[cluster]\nurl = 'nats://x'\n", "cluster.url", "NESCORD_CLUSTER_URL"),
        ("[security]\nsecret = 'abc'\n", "security.secret", "NESCORD_SECRET"),
        ("token = 'abc'\n", "token", "DISCORD_BOT_TOKEN"),
        ("[bot]\ntoken = 'abc'\n", "bot.token", "Set DISCORD_BOT_TOKEN in .env"),
        ("[discord]\nbot_token = 'abc'\n", "discord.bot_token", "Set DISCORD_BOT_TOKEN in .env"),
        ("DISCORD_BOT_TOKEN = 'abc'\n", "DISCORD_BOT_TOKEN", "Set DISCORD_BOT_TOKEN in .env"),
        ("DISCORD_SHARDS = 2\n", "DISCORD_SHARDS", "write ws.shards"),
        ("[main]\nworkers = 1e400\n", "main.workers", "not a whole number"),
        ('state_dir = "a\\u0000b"\n', "state_dir", "NUL"),
        (f"x = {'9' * 5000}\n", "nescord.toml", "Fix that value"),
        (f"x = {'[' * 5000}\n", "nescord.toml", "Fix that value"),
        ("[ws\n", "nescord.toml", "valid TOML"),
    ],
)
def test_a_mistake_in_the_file_names_file_key_and_what_to_do(
    tmp_path: Path, toml: str, where: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(project(tmp_path, toml), environ=ENV)
    assert where in str(caught.value)
    assert hint in str(caught.value)
    assert caught.value.exit_code == 2


def test_times_to_live_by_kind_pass_on_as_a_variable(tmp_path: Path) -> None:
    loaded = config.load(project(tmp_path, "[rest.cache.ttls]\nmessages = 5\nstatic = 3600\n"), environ=ENV)
    assert loaded["rest.cache.ttls"] == {"messages": 5.0, "static": 3600.0}
    variables = {**loaded.environment(), "DISCORD_BOT_TOKEN": "t"}
    cache = config.load(tmp_path / "elsewhere", environ=variables).rest.cache
    assert (cache.ttl_of("messages"), cache.ttl_of("guilds"), cache.ttl_of("static")) == (5.0, 60.0, 3600.0)


def test_a_secret_in_the_file_is_refused_without_printing_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(project(tmp_path, "token = 'Zm9vYmFy'\n"), environ=ENV)
    assert "Zm9vYmFy" not in str(caught.value)


def test_a_mistake_in_a_variable_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="SHARDS_PER_CLUSTER in the environment"):
        config.load(tmp_path, environ={"SHARDS_PER_CLUSTER": "many"})


def test_ws_and_a_rest_for_its_own_bot_cannot_be_set_up_without_a_token(tmp_path: Path) -> None:
    loaded = config.load(tmp_path, environ=ENV, flags={"rest.passthrough": False})
    for service in ("ws", "rest"):
        with pytest.raises(ConfigError, match="DISCORD_BOT_TOKEN is not set"):
            getattr(loaded, service)


def test_rest_needs_no_token_of_its_own_when_callers_bring_theirs(tmp_path: Path) -> None:
    assert config.load(tmp_path, environ=ENV).rest.token is None


@pytest.mark.parametrize(
    ("variable", "service"),
    [("NESCORD_REST_HOST", "rest"), ("NESCORD_MAIN_LISTEN", "main"), ("NESCORD_WS_ADMIN", "ws")],
)
def test_binding_to_more_than_loopback_needs_the_secret(tmp_path: Path, variable: str, service: str) -> None:
    address = "0.0.0.0" if service == "rest" else "0.0.0.0:7410"
    environ = {variable: address, "DISCORD_BOT_TOKEN": "t"}
    with pytest.raises(ConfigError, match="NESCORD_SECRET"):
        getattr(config.load(tmp_path, environ=environ), service)
    assert getattr(config.load(tmp_path, environ={**environ, "NESCORD_SECRET": "s"}), service)


def test_mutual_tls_takes_all_three_files_or_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"security\.tls_key, security\.tls_ca"):
        _ = config.load(tmp_path, environ={"NESCORD_TLS_CERT": "cert.pem"}).security


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    environ = {
        "DISCORD_BOT_TOKEN": "sesame",
        "NESCORD_SECRET": "sesame",
        "NESCORD_CLUSTER_URL": "nats://sesame",
    }
    loaded = config.load(tmp_path, environ=environ)
    assert not [v for v in loaded.values.values() if "sesame" in v.shown]
    assert "sesame" not in repr((loaded.ws, loaded.rest, loaded.main))


def test_an_offset_moves_every_port_of_this_machine(tmp_path: Path) -> None:
    moved = config.load(tmp_path, environ={"DISCORD_BOT_TOKEN": "t"}).shifted(100)
    assert moved.ws.grpc_hosts == ("127.0.0.1:7510",)
    assert (moved.ws.admin_port, moved.rest.port, moved.main.listen_port) == (7502, 7501, 7510)
    assert (moved.main.admin_port, moved.sandbox.port) == (7503, 7500)
    assert moved.main.rest_url == "http://127.0.0.1:7501"


def test_a_child_process_gets_the_same_configuration_from_its_environment(tmp_path: Path) -> None:
    directory = project(tmp_path, "[bot]\nintents = ['guilds']\nevents = ['ready', 'resumed']\n")
    flags = {"ws.grpc_host": "127.0.0.1:1,127.0.0.1:2", "rest.cache.enabled": "no", "ws.shard_ids": "0-2"}
    flags["main.arguments"] = "-v 'two words'"
    parent = config.load(directory, environ={"NESCORD_SECRET": "s"}, flags=flags).shifted(7).on_sandbox()
    child = config.load(directory, environ=parent.environment())
    assert {n: child[n] for n in child.values if n != "state_dir"} == {
        n: parent[n] for n in parent.values if n != "state_dir"
    }
    assert child.state_dir == parent.state_dir


def test_every_key_has_one_variable_and_a_default_that_its_own_form_accepts() -> None:
    assert len({key.env for key in KEYS}) == len(KEYS)
    for key in KEYS:
        if key.default is not None:
            assert key.parse(key.default) == key.default, key.name


def test_the_documentation_lists_every_key_with_its_variable() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "configuration.md").read_text()
    for key in KEYS:
        name = f"({key.name})" if key.secret else f"`{key.name}`"
        assert f"| {name} | `{key.env}` |" in page, key.name


@pytest.mark.parametrize(
    ("dotenv", "line", "shown"),
    [
        ('\n\nEVENTS=ready\n\nDISCORD_BOT_TOKEN="secret\n', 5, "DISCORD_BOT_TOKEN=..."),
        ("DISCORD_BOT_TOKEN secret\n", 1, "DISCORD_BOT_TOKEN ..."),
        ("EVENTS=ready\nDISCORD_BOT_TOKEN: secret\n", 2, "DISCORD_BOT_TOKEN: ..."),
        ("DISCORD_BOT_TOKEN='secret' x\n", 1, "DISCORD_BOT_TOKEN=..."),
    ],
)
def test_a_line_of_env_that_cannot_be_parsed_is_an_error_that_shows_no_value(
    tmp_path: Path, dotenv: str, line: int, shown: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(project(tmp_path, dotenv=dotenv), environ=ENV)
    assert f".env, line {line}: this is not NAME=VALUE: {shown}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffDISCORD_BOT_TOKEN=t.o.k\n",
        "\ufeff# comment\r\nexport DISCORD_BOT_TOKEN='t.o.k'\r\n",
        'OTHER="two\nlines"\nDISCORD_BOT_TOKEN = "t.o.k" # comment\n',
        "BASE=t.o\nDISCORD_BOT_TOKEN=${BASE}.k",
    ],
)
def test_forms_of_env(tmp_path: Path, text: str) -> None:
    (tmp_path / ".env").write_bytes(text.encode())
    assert config.load(tmp_path, environ=ENV).token == "t.o.k"


def test_configuration_that_is_no_file_is_not_read(tmp_path: Path) -> None:
    """Opening a fifo would wait for its writer; a directory `.env` is a virtual environment."""
    os.mkfifo(tmp_path / ".env")
    (tmp_path / "nescord.toml").symlink_to("/dev/zero")
    assert config.load(tmp_path, environ={}).token is None
    assert config.unread_files(tmp_path) == [".env", "nescord.toml"]
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    assert config.unread_files(tmp_path) == ["nescord.toml"]


@pytest.mark.parametrize(
    ("api_url", "token", "where"),
    [
        ("https://discord.com/api/v10", "t", None),
        ("http://discord-proxy:8080/api/v10", "t", None),
        ("http://127.0.0.1:7400/api/v10", "t", "http://127.0.0.1:7400/cdn"),
        ("http://sandbox:7400/api/v10", SANDBOX_TOKEN, "http://sandbox:7400/cdn"),
    ],
)
def test_files_come_from_the_sandbox_where_there_is_one(
    tmp_path: Path, api_url: str, token: str, where: str | None
) -> None:
    environ = {"DISCORD_API_URL": api_url, "DISCORD_BOT_TOKEN": token}
    assert config.load(project(tmp_path), environ=environ).main.cdn_url == where
