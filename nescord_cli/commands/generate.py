"""`nescord generate`: files for Docker, Kubernetes, systemd and Grafana from the project's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nescord_cli import completion
from nescord_cli.terminal import ProjectOption

__all__ = ["EXAMPLES", "generate"]

EXAMPLES = """Examples:

nescord generate k8s | kubectl apply -f -

nescord generate compose --output .

nescord generate systemd --output /etc/systemd/system

nescord generate grafana > dashboard.json"""


def generate(
    target: Annotated[
        str | None,
        typer.Argument(
            help="compose, k8s, systemd or grafana.", show_default=False, autocompletion=completion.targets
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the files to this directory.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that differ.")] = False,
    image: Annotated[str, typer.Option(help="k8s: the container image.", show_default=False)] = "",
    project: ProjectOption = None,
) -> None:
    """Generate the files to deploy or monitor a project. Prints them, or writes them with --output.

    Ports, intents, events and limits come from the project's configuration; secrets are never written.
    Several files are printed with a line `# --- NAME` before each; for compose, only compose.yaml is printed.
    """
    from nescord_core import config
    from nescord_core.errors import ConfigError
    from nescord_core.services.project.deployment import TARGETS
    from nescord_core.services.project.deployment import generate as make

    if target is None:
        raise ConfigError(
            "the target is missing.",
            where="nescord generate TARGET",
            hint=f"Choose one of {', '.join(TARGETS)}. For example: nescord generate compose",
        )
    files = make(config.load(project), target, image=image)
    if output is not None:
        _write(files, output, force=force)
        return
    first, *others = files
    if target == "compose":
        typer.echo(files[first], nl=False)
        typer.echo(
            f"compose.yaml needs {', '.join(others)}: write them all with --output DIRECTORY.", err=True
        )
        return
    for name, text in files.items():
        typer.echo(f"# --- {name}\n{text}" if others else text, nl=False)


def _write(files: dict[str, str], output: Path, *, force: bool) -> None:
    from nescord_cli.commands.overwriting import refuse_conflicts
    from nescord_core.services.project import templates as scaffold

    plan = scaffold.plan_files(files, output)
    refuse_conflicts(plan, output, force=force)
    scaffold.write(plan, output)
    for file in plan:
        typer.echo(f"  {file.state.value:<10} {output / file.path}")
