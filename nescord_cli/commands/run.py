"""`nescord run ws|rest|main|sandbox|all`: services in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nescord_cli.terminal import ProjectOption

__all__ = ["app"]

app = typer.Typer(
    help="Run services in the foreground; ^C or SIGTERM stops them in order.",
    epilog="Example:  nescord run rest --port 6000",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

ApiUrl = Annotated[str | None, typer.Option(help="Discord's API, or a sandbox's.", show_default=False)]


def _load(project: Path | None, **flags: Any) -> Any:
    from nescord_core import config

    return config.load(project, flags={name.replace("__", "."): value for name, value in flags.items()})


@app.command(epilog="Example:  nescord run ws --grpc-host 10.0.0.5:5000 --shards 32")
def ws(
    project: ProjectOption = None,
    grpc_host: Annotated[
        str | None,
        typer.Option(
            help="Where main listens: HOST:PORT[,HOST:PORT] or dns:///NAME:PORT.", show_default=False
        ),
    ] = None,
    api_url: ApiUrl = None,
    intents: Annotated[
        str | None, typer.Option(help="Names, bits or one number.", show_default=False)
    ] = None,
    events: Annotated[
        str | None, typer.Option(help="Events to pass on; * for all.", show_default=False)
    ] = None,
    shards: Annotated[str | None, typer.Option(help="How many, or auto.", show_default=False)] = None,
    shard_ids: Annotated[
        str | None, typer.Option(help="This host's part, such as 0-31.", show_default=False)
    ] = None,
    admin: Annotated[
        str | None, typer.Option(help="HOST:PORT of health and statistics.", show_default=False)
    ] = None,
) -> None:
    """Hold the gateway shards and forward their events to main; SIGHUP replaces its processes in turn."""
    from nescord_core.services.ws.parent import run

    flags = {"ws__grpc_host": grpc_host, "discord__api_url": api_url, "bot__intents": intents}
    flags |= {"bot__events": events, "ws__shards": shards, "ws__shard_ids": shard_ids, "ws__admin": admin}
    run(_load(project, **flags).ws)


@app.command(epilog="Example:  nescord run rest --port 6000")
def rest(
    project: ProjectOption = None,
    host: Annotated[str | None, typer.Option(help="Where to listen.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Where to listen.", show_default=False)] = None,
    api_url: ApiUrl = None,
    global_limit: Annotated[
        int | None, typer.Option(help="Requests a second that Discord grants the bot.", show_default=False)
    ] = None,
) -> None:
    """Be the proxy in front of Discord's HTTP API: rate limits and a cache."""
    flags = {
        "rest__host": host,
        "rest__port": port,
        "discord__api_url": api_url,
        "rest__global_limit": global_limit,
    }
    settings = _load(project, **flags).rest

    from nescord_core.services import program
    from nescord_core.services.rest import serve

    program.run(
        "rest",
        lambda stop, ready: serve(settings, stop=stop, on_ready=ready),
        secrets=(settings.token, settings.security.secret),
    )


@app.command(epilog="Examples:  nescord run main --workers 4    nescord run main bot.py -- --verbose")
def main(
    bot: Annotated[
        str | None, typer.Argument(help="The bot: a file, or module:attribute.", show_default=False)
    ] = None,
    arguments: Annotated[
        list[str] | None, typer.Argument(help="For a file: its sys.argv, after --.", show_default=False)
    ] = None,
    entry: Annotated[
        str | None, typer.Option(help="The listener: module:attribute.", show_default=False)
    ] = None,
    listen: Annotated[
        str | None, typer.Option(help="HOST:PORT to receive events on.", show_default=False)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes, on consecutive ports.", show_default=False)
    ] = None,
    admin: Annotated[
        str | None, typer.Option(help="HOST:PORT of health and statistics.", show_default=False)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Reload when the project's files change.")] = False,
    project: ProjectOption = None,
) -> None:
    """Run the bot's logic; `nescord reload` replaces it without losing an event."""
    from nescord_core.errors import ConfigError

    if bot and entry:
        raise ConfigError(
            f"{bot} and --entry {entry} name two bots.", where="nescord run main", hint="Give one of them."
        )
    flags: dict[str, Any] = {"main__entry": bot or entry, "main__listen": listen}
    flags["main__arguments"] = arguments or None
    flags |= {"main__workers": workers, "main__admin": admin}
    configuration = _load(project, **flags)
    settings = configuration.main

    from nescord_core.services import program
    from nescord_core.services.main.parent import serve

    program.run(
        "main",
        lambda stop, ready: serve(settings, stop=stop, on_ready=ready, watch=watch),
        secrets=(settings.token, settings.security.secret),
        fast_loop=False,
    )


@app.command("all", epilog="Examples:  nescord run all    nescord run all --json")
def everything(
    project: ProjectOption = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    port_offset: Annotated[int, typer.Option(help="Move every port by this much.")] = 0,
) -> None:
    """Run rest, main and ws together, as one service of a small host: restarted when they fall or hang.

    systemd hears when they are ready and that they live (Type=notify, WatchdogSec=). `nescord reload` loads
    new code.
    """
    import asyncio

    from nescord_core.services.dev.run import run_all

    raise typer.Exit(asyncio.run(run_all(_load(project), json=json, port_offset=port_offset)))


@app.command(epilog="Examples:  nescord run sandbox    nescord run sandbox --routes")
def sandbox(
    project: ProjectOption = None,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT, on loopback.", show_default=False)] = None,
    guilds: Annotated[int | None, typer.Option(help="Guilds to start with.", show_default=False)] = None,
    shards: Annotated[int | None, typer.Option(help="Shards to recommend.", show_default=False)] = None,
    max_concurrency: Annotated[
        int | None, typer.Option(help="IDENTIFYs to take at once.", show_default=False)
    ] = None,
    disallowed_intents: Annotated[
        str | None, typer.Option(help="Privileged intents to refuse (close code 4014).", show_default=False)
    ] = None,
    identify_window: Annotated[
        float | None, typer.Option(help="Seconds between IDENTIFYs; Discord's is 5.", show_default=False)
    ] = None,
    routes: Annotated[bool, typer.Option("--routes", help="List the operations and leave.")] = False,
) -> None:
    """Be a local Discord: REST, gateway and a page to chat with the bot, on loopback."""
    from nescord_core.services import program
    from nescord_core.services.sandbox import routes as operations
    from nescord_core.services.sandbox import serve

    if routes:
        for method, path, state in operations():
            typer.echo(f"{method:<6} {path} {state}")
        return
    flags = {"sandbox__listen": listen, "sandbox__guilds": guilds, "sandbox__shards": shards}
    flags |= {"sandbox__max_concurrency": max_concurrency, "sandbox__disallowed_intents": disallowed_intents}
    settings = _load(project, **flags, ws__identify_window=identify_window).sandbox
    typer.echo(f"The sandbox's token (not a secret): {settings.token}")
    typer.echo(f"Point a bot at it:  DISCORD_API_URL=http://{settings.host}:{settings.port}/api/v10")
    program.run("sandbox", lambda stop, ready: serve(settings, stop=stop, on_ready=ready))
