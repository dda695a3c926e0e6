"""The checks of `nescord doctor`."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nescord_core._version import __version__
from nescord_core.config import Config
from nescord_core.errors import ConfigError
from nescord_core.events import Intents
from nescord_core.ports import holder_of

__all__ = ["Finding", "Verdict", "as_json", "examine"]

PACKAGES = ("discord.py", "aiohttp", "grpcio", "protobuf", "msgspec", "watchfiles", "simcord")
DISK_MB = 500


class Verdict(Enum):
    """Good, worth a look, or in the way."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    verdict: Verdict
    text: str


def examine(config: Config) -> list[Finding]:
    """Look at the machine and the configuration; nothing is started and nothing leaves this machine."""
    return [
        *_versions(),
        _token(config),
        *_sections(config),
        _intents(config),
        _entry(config),
        *_ports(config),
        _disk(config),
    ]


def as_json(config: Config, findings: Sequence[Finding]) -> Mapping[str, Any]:
    """Return the report as one object: ``project``, ``values``, ``checks``."""
    return {
        "project": str(config.project),
        "values": {name: {"value": e.shown, "source": e.source} for name, e in config.values.items()},
        "checks": [{"subject": f.subject, "verdict": f.verdict.value, "text": f.text} for f in findings],
    }


def _versions() -> Iterator[Finding]:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield Finding("Python", Verdict.GOOD, f"{platform.python_version()} on {sys.platform}")
    yield Finding("nescord", Verdict.GOOD, f"{__version__} with {packages}")


def _token(config: Config) -> Finding:
    if config.token is None:
        return Finding(
            "token", Verdict.WARNING, "none: `nescord dev` uses the sandbox, `nescord run` refuses"
        )
    return Finding("token", Verdict.GOOD, f"set ({config.values['token'].source})")


def _sections(config: Config) -> Iterator[Finding]:
    for name in ("ws", "rest", "main", "sandbox"):
        try:
            getattr(config, name)
        except ConfigError as error:
            if config.token is not None or "token" not in error.message:
                yield Finding(name, Verdict.BAD, str(error))


def _intents(config: Config) -> Finding:
    wanted = Intents(config["bot.intents"])
    privileged = (wanted & Intents.privileged()).names
    text = ", ".join(name.lower() for name in wanted.names) or "none"
    if privileged:
        names = ", ".join(name.lower() for name in privileged)
        text += f" (privileged, to be switched on in the Developer Portal: {names})"
    return Finding("intents", Verdict.GOOD, text)


def _file(config: Config, name: str) -> Finding:
    if (config.project / name).is_file():
        return Finding("main.entry", Verdict.GOOD, f"the file {name}")
    return Finding("main.entry", Verdict.WARNING, f"there is no {name} in {config.project}")


def _entry(config: Config) -> Finding:
    if config["main.entry"].endswith(".py"):
        return _file(config, config["main.entry"])
    module, _, attribute = config["main.entry"].partition(":")
    path = config.project / Path(*module.split("."))
    if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
        return Finding("main.entry", Verdict.GOOD, f"{module}, attribute {attribute or '(none given)'}")
    return Finding(
        "main.entry", Verdict.WARNING, f"there is no {module.replace('.', '/')}.py in {config.project}"
    )


def _ports(config: Config) -> Iterator[Finding]:
    addresses = {
        "sandbox.listen": config["sandbox.listen"],
        "rest": (config["rest.host"], config["rest.port"]),
        "main.listen": config["main.listen"],
        "ws.admin": config["ws.admin"],
        "main.admin": config["main.admin"],
    }
    for name, (host, port) in addresses.items():
        holder = holder_of(host, port)
        verdict = Verdict.WARNING if holder else Verdict.GOOD
        yield Finding(name, verdict, f"{host}:{port} is {f'taken by {holder}' if holder else 'free'}")


def _disk(config: Config) -> Finding:
    place = next(p for p in (config.state_dir, *config.state_dir.parents) if p.exists())
    free = shutil.disk_usage(place).free // 1_000_000
    verdict = Verdict.GOOD if free >= DISK_MB else Verdict.WARNING
    return Finding("state_dir", verdict, f"{config.state_dir}, {free:,} MB free")
