"""Renders the project templates of `nescord init` and `nescord demo`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.util import find_spec
from pathlib import Path

import jinja2

from nescord_core._version import __version__
from nescord_core.errors import ConfigError

__all__ = ["PlannedFile", "State", "check", "plan", "plan_files", "template_root", "templates", "write"]

MANIFEST = "template.toml"
REMOVED = {"cogs": "Use discordpy, whose cogs and commands are discord.py's own."}
"""Names of former templates, each with what to use instead."""


class State(Enum):
    """The effect of writing a file."""

    NEW = "new"
    SAME = "unchanged"
    DIFFERS = "overwrite"


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file to write: its path within the project, its text, and its effect there."""

    path: Path
    text: str
    state: State


def template_root() -> Path:
    """Return the templates' directory: inside nescord_cli in a wheel, at the top of a checkout."""
    spec = find_spec("nescord_cli")
    if spec is None or spec.origin is None:
        raise ConfigError("the nescord_cli package is missing.", hint="Reinstall nescord.")
    package = Path(spec.origin).parent
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


def templates() -> Mapping[str, str]:
    """Return the templates' names, each with its description."""
    manifests = sorted(template_root().glob(f"*/{MANIFEST}"))
    return {path.parent.name: tomllib.loads(path.read_text())["about"] for path in manifests}


def check(template: str) -> None:
    """Raise ConfigError unless there is a template of this name; the error says which one to use."""
    if template in REMOVED:
        raise ConfigError(
            f"the template {template!r} has been removed.", where="--template", hint=REMOVED[template]
        )
    known = templates()
    if template not in known:
        raise ConfigError(
            f"there is no template {template!r}.",
            where="--template",
            hint=f"Choose {' or '.join(known)}.",
        )


def plan(template: str, target: Path) -> list[PlannedFile]:
    """Return the files of a template for a target directory, without writing them.

    Raises:
        ConfigError: the template does not exist, or the target is a file.

    """
    check(template)
    if target.exists() and not target.is_dir():
        raise ConfigError("this is a file, not a directory.", where=str(target))
    root = template_root() / template
    context = {"name": _project_name(target), "version": __version__}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(root),
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - it renders Python and TOML, not HTML
    )
    files = []
    for source in sorted(path for path in root.rglob("*") if path.is_file()):
        relative = source.relative_to(root)
        if relative.name == MANIFEST or "__pycache__" in relative.parts:
            continue
        text = environment.get_template(relative.as_posix()).render(context)
        output = relative.with_name(re.sub(r"^dot_", ".", relative.name.removesuffix(".j2")))
        files.append(PlannedFile(output, text, _state(target / output, text)))
    return files


def plan_files(texts: Mapping[str, str], target: Path) -> list[PlannedFile]:
    """Return the files with these texts, keyed by name, for a target directory, without writing them."""
    return [PlannedFile(Path(name), text, _state(target / name, text)) for name, text in texts.items()]


def write(files: list[PlannedFile], target: Path) -> None:
    """Write the planned files.

    Raises:
        ConfigError: the directory cannot be written to.

    """
    try:
        for file in files:
            if file.state is not State.SAME:
                path = target / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(file.text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot write {error.filename}: {error.strerror}.",
            where=str(target),
            hint="Choose another location.",
        ) from None


def _project_name(target: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", target.resolve().name).strip("-") or "bot"


def _state(path: Path, text: str) -> State:
    if not path.exists():
        return State.NEW
    return State.SAME if path.is_file() and path.read_text(encoding="utf-8") == text else State.DIFFERS
