"""The files of `nescord generate`: they parse, their readers accept them, they match the project."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from nescord_core import config
from nescord_core.config.keys import KEYS
from nescord_core.errors import ConfigError
from nescord_core.services.project.deployment import TARGETS, generate

TOML = """
[bot]
intents = ["guilds", "guild_messages"]
events = ["message_create"]
[ws]
shards = 4
admin = "127.0.0.1:6101"
[rest]
port = 6100
global_limit = 500
[main]
listen = "127.0.0.1:5100"
drain_timeout = 25
workers = 3
"""
SECRETS = {"DISCORD_BOT_TOKEN": "a-secret-token", "NESCORD_SECRET": "a-shared-secret"}


@pytest.fixture
def settings(tmp_path: Path) -> config.Config:
    project = tmp_path / "My Bot! 100%"
    project.mkdir()
    (project / "nescord.toml").write_text(TOML)
    return config.load(project, environ=SECRETS)


@pytest.mark.parametrize("target", TARGETS)
def test_no_secret_is_written_and_every_variable_is_known(settings: config.Config, target: str) -> None:
    text = "\n".join(generate(settings, target).values())
    assert not [secret for secret in SECRETS.values() if secret in text]
    known = {key.env for key in KEYS}
    used = set(re.findall(r"\b(?:NESCORD_[A-Z_]+|DISCORD_[A-Z_]+|GRPC_HOST|EVENTS)\b", text))
    assert used - known == set()


def compose(settings: config.Config) -> Any:
    return yaml.safe_load(generate(settings, "compose")["compose.yaml"])


def test_compose_runs_three_services_by_environment_alone(settings: config.Config) -> None:
    services = compose(settings)["services"]
    assert services.keys() == {"rest", "ws", "main"}
    for name, service in services.items():
        assert service["command"] == ["nescord", "run", name]
        assert service["environment"]["DISCORD_BOT_TOKEN"].startswith("${DISCORD_BOT_TOKEN:?")
        assert service["environment"]["NESCORD_SECRET"].startswith("${NESCORD_SECRET:?")
        assert "/healthz" in str(service["healthcheck"]) or "/readyz" in str(service["healthcheck"])
    ws, rest, main = (services[name]["environment"] for name in ("ws", "rest", "main"))
    assert ws["GRPC_HOST"] == "dns:///main:5100"
    assert ws["DISCORD_INTENTS"] == "guilds,guild_messages"
    assert ws["EVENTS"] == "MESSAGE_CREATE"
    assert ws["DISCORD_SHARDS"] == "4"
    assert rest["NESCORD_GLOBAL_LIMIT"] == "500"
    assert main["NESCORD_MAIN_LISTEN"] == "0.0.0.0:5100"
    assert ws["NESCORD_REST_URL"] == main["NESCORD_REST_URL"] == "http://rest:6100"
    assert services["main"]["deploy"]["replicas"] == 3
    assert services["main"]["stop_grace_period"] == "30s"
    assert "ports" not in services["main"], "two replicas cannot share a port of the host"
    assert "container_name" not in services["main"]


def test_the_variables_of_a_container_are_a_valid_configuration(
    settings: config.Config, tmp_path: Path
) -> None:
    for name, service in compose(settings)["services"].items():
        loaded = config.load(tmp_path, environ=service["environment"])
        assert getattr(loaded, name) is not None, (
            "every value is accepted, and binding off loopback has its secret"
        )


def test_kubernetes_accepts_every_object(settings: config.Config) -> None:
    objects = list(yaml.safe_load_all(generate(settings, "k8s", image="reg.example/bot:1")["nescord.yaml"]))
    for each in objects:
        kubernetes_validate.validate(each, "1.34", strict=True)
    by_name = {(each["kind"], each["metadata"]["name"]): each["spec"] for each in objects if "spec" in each}
    assert by_name["Service", "my-bot-100-main"]["clusterIP"] == "None"
    assert by_name["Deployment", "my-bot-100-rest"]["strategy"] == {"type": "Recreate"}
    ws = by_name["StatefulSet", "my-bot-100-ws"]
    assert ws["replicas"] == 1, "never two at once"
    maps = {each["metadata"]["name"]: each["data"] for each in objects if each["kind"] == "ConfigMap"}
    assert maps["my-bot-100-ws"]["GRPC_HOST"] == "dns:///my-bot-100-main:5100"
    for kind, name in (
        ("Deployment", "my-bot-100-rest"),
        ("StatefulSet", "my-bot-100-ws"),
        ("StatefulSet", "my-bot-100-main"),
    ):
        pod = by_name[kind, name]["template"]["spec"]
        (container,) = pod["containers"]
        assert container["image"] == "reg.example/bot:1"
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        named = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert named["admin"] in {6100, 6101, 7403}
        assert {"secretRef": {"name": "my-bot-100"}} in container["envFrom"]
        claims = {claim["metadata"]["name"] for claim in by_name[kind, name].get("volumeClaimTemplates", [])}
        volumes = {volume["name"] for volume in pod["volumes"]} | claims
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        assert by_name[kind, name]["selector"]["matchLabels"].items() <= (
            by_name[kind, name]["template"]["metadata"]["labels"].items()
        )


def test_systemd_accepts_the_units(settings: config.Config, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        if os.environ.get("CI"):
            pytest.fail("systemd-analyze is missing")
        pytest.skip("systemd-analyze is missing")
    files = generate(settings, "systemd")
    assert files.keys() == {
        "my-bot-100.target", "my-bot-100-rest.service", "my-bot-100-main.service", "my-bot-100-ws.service",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in files)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    said = [line for line in done.stderr.splitlines() if "my-bot-100" in line]
    assert (done.returncode, said) == (0, []), done.stderr
    assert "ExecReload=/bin/kill -HUP $MAINPID" in files["my-bot-100-ws.service"]
    assert "NoNewPrivileges=yes" in files["my-bot-100-main.service"]


def test_the_dashboard_has_distinct_panels_within_its_width(settings: config.Config) -> None:
    dashboard = json.loads(generate(settings, "grafana")["dashboard.json"])
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) > 15
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]}
    assert len(places) == len(ids), "no panels overlap"
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in dashboard["panels"])


def test_an_unknown_target_is_an_error(settings: config.Config) -> None:
    with pytest.raises(ConfigError, match="'helm'"):
        generate(settings, "helm")


@pytest.mark.parametrize(
    ("files", "installed"),
    [
        ((), [["nescord==1"]]),
        (("requirements.txt",), [["nescord==1"], ["-r", "requirements.txt"]]),
        (
            ("requirements.txt", "requirements.lock"),
            [["--require-hashes", "-r", "requirements.lock"]],
        ),
    ],
)
def test_a_lock_decides_alone_what_the_image_installs(
    settings: config.Config, tmp_path: Path, files: tuple[str, ...], installed: list[list[str]]
) -> None:
    """A real shell runs the image's command, with a pip that records its arguments."""
    dockerfile = generate(settings, "compose")["Dockerfile"].replace("\\\n", "")
    (command,) = re.findall(r"^RUN (.*pip install.*)$", dockerfile, re.MULTILINE)
    copied = re.search(r"^COPY (requirements\S* .*) \./$", dockerfile, re.MULTILINE)
    assert copied
    assert all(any(Path(name).match(pattern) for pattern in copied[1].split()) for name in files)
    (tmp_path / "pip").write_text('#!/bin/sh\necho "$@" >> calls\n')
    (tmp_path / "pip").chmod(0o755)
    for name in files:
        (tmp_path / name).touch()
    environ = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "NESCORD": "nescord==1"}
    subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, env=environ, check=True)
    calls = [line.split() for line in (tmp_path / "calls").read_text().splitlines()]
    assert calls == [["install", *arguments] for arguments in installed]
