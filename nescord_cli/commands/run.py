"""`nescord run ws|rest|main|sandbox|all`: services in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nescord_cli.terminal import ProjectOption, VerboseOption, is_verbose, process_start

__all__ = ["app"]

app = typer.Typer(
    help="Run services in the foreground; ^C or SIGTERM stops them gracefully.",
    epilog="Example:  nescord run rest --port 7401",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

ApiUrl = Annotated[
    str | None, typer.Option(help="Base URL of Discord's or a sandbox's API.", show_default=False)
]


def _load(project: Path | None, **flags: Any) -> Any:
    from nescord_core import config

    return config.load(project, flags={name.replace("__", "."): value for name, value in flags.items()})


@app.command(
    epilog="Example:  nescord run ws --grpc-host 10.0.0.5:7410 --shards 32",
    short_help="Run the gateway shards.",
)
def ws(
    project: ProjectOption = None,
    grpc_host: Annotated[
        str | None,
        typer.Option(help="Address of main: HOST:PORT[,HOST:PORT] or dns:///NAME:PORT.", show_default=False),
    ] = None,
    api_url: ApiUrl = None,
    intents: Annotated[
        str | None, typer.Option(help="Intents: names, bits or one number.", show_default=False)
    ] = None,
    events: Annotated[
        str | None, typer.Option(help="Events to forward to main; * for all.", show_default=False)
    ] = None,
    shards: Annotated[str | None, typer.Option(help="Number of shards, or auto.", show_default=False)] = None,
    shard_ids: Annotated[
        str | None, typer.Option(help="Shards of this host, such as 0-31.", show_default=False)
    ] = None,
    admin: Annotated[
        str | None, typer.Option(help="HOST:PORT of health and statistics.", show_default=False)
    ] = None,
) -> None:
    """Run the gateway shards and forward their events to main. SIGHUP replaces the processes one by one."""
    from nescord_core.services.ws.parent import run

    flags = {"ws__grpc_host": grpc_host, "discord__api_url": api_url, "bot__intents": intents}
    flags |= {"bot__events": events, "ws__shards": shards, "ws__shard_ids": shard_ids, "ws__admin": admin}
    run(_load(project, **flags).ws)


@app.command(epilog="Example:  nescord run rest --port 7401", short_help="Run the REST proxy.")
def rest(
    project: ProjectOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default=False)] = None,
    api_url: ApiUrl = None,
    global_limit: Annotated[
        int | None, typer.Option(help="Requests per second that Discord allows the bot.", show_default=False)
    ] = None,
) -> None:
    """Run the REST proxy in front of Discord's HTTP API: rate limits and a cache."""
    flags = {
        "rest__host": host,
        "rest__port": port,
        "discord__api_url": api_url,
        "rest__global_limit": global_limit,
    }
    settings = _load(project, **flags).rest

    from nescord_core.services import service_process
    from nescord_core.services.rest import serve

    service_process.run(
        "rest",
        lambda stop, ready: serve(settings, stop=stop, on_ready=ready),
        secrets=(settings.token, settings.security.secret),
    )


@app.command(
    epilog="Examples:\n\nnescord run main --workers 4\n\nnescord run main bot.py -- --verbose",
    short_help="Run the bot's code.",
)
def main(
    bot: Annotated[
        str | None, typer.Argument(help="The bot: a file or module:attribute.", show_default=False)
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(help="For a file: its arguments (sys.argv), after --.", show_default=False),
    ] = None,
    entry: Annotated[
        str | None, typer.Option(help="The listener, as module:attribute.", show_default=False)
    ] = None,
    listen: Annotated[
        str | None, typer.Option(help="HOST:PORT to receive events on.", show_default=False)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Number of processes, on consecutive ports.", show_default=False)
    ] = None,
    admin: Annotated[
        str | None, typer.Option(help="HOST:PORT of health and statistics.", show_default=False)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Reload when the project's files change.")] = False,
    project: ProjectOption = None,
) -> None:
    """Run the bot's code; `nescord reload` replaces it without losing an event."""
    from nescord_core.errors import ConfigError

    if bot and entry:
        raise ConfigError(
            f"{bot} and --entry {entry} name two bots.", where="nescord run main", hint="Pass only one."
        )
    flags: dict[str, Any] = {"main__entry": bot or entry, "main__listen": listen}
    flags["main__arguments"] = arguments or None
    flags |= {"main__workers": workers, "main__admin": admin}
    configuration = _load(project, **flags)
    settings = configuration.main

    from nescord_core.services import service_process
    from nescord_core.services.main.parent import serve

    service_process.run(
        "main",
        lambda stop, ready: serve(settings, stop=stop, on_ready=ready, watch=watch),
        secrets=(settings.token, settings.security.secret),
        fast_loop=False,
        kills_children=True,
    )


@app.command(
    "all",
    epilog="Examples:  nescord run all    nescord run all --json",
    short_help="Run rest, main and ws together.",
)
def everything(
    project: ProjectOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    port_offset: Annotated[int, typer.Option(help="Add this number to every port.")] = 0,
    verbose: VerboseOption = None,
) -> None:
    """Run rest, main and ws as one service of a small host, restarted when they crash or hang.

    Sends READY and watchdog pings to systemd (Type=notify, WatchdogSec=). `nescord reload` reloads the bot's
    code.
    """
    import asyncio

    from nescord_core.services.dev.run import RunOptions, run_all

    options = RunOptions(
        json=json, port_offset=port_offset, verbose=is_verbose(verbose), began=process_start()
    )
    raise typer.Exit(asyncio.run(run_all(_load(project), options)))


@app.command(
    epilog="Examples:  nescord run sandbox    nescord run sandbox --routes",
    short_help="Run a local Discord.",
)
def sandbox(  # noqa: PLR0913, PLR0917 - options of a command
    project: ProjectOption = None,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT on loopback.", show_default=False)] = None,
    guilds: Annotated[int | None, typer.Option(help="Number of guilds.", show_default=False)] = None,
    shards: Annotated[
        int | None, typer.Option(help="Recommended number of shards.", show_default=False)
    ] = None,
    max_concurrency: Annotated[
        int | None, typer.Option(help="IDENTIFYs accepted at once.", show_default=False)
    ] = None,
    disallowed_intents: Annotated[
        str | None, typer.Option(help="Privileged intents to reject (close code 4014).", show_default=False)
    ] = None,
    identify_window: Annotated[
        float | None, typer.Option(help="Seconds between IDENTIFYs (Discord: 5).", show_default=False)
    ] = None,
    persist: Annotated[
        bool | None,
        typer.Option("--persist/--no-persist", help="Store the world in state_dir.", show_default=False),
    ] = None,
    seed: Annotated[
        Path | None, typer.Option(help="TOML file from which a new world is created.", show_default=False)
    ] = None,
    routes: Annotated[
        bool, typer.Option("--routes", help="List the supported API operations and exit.")
    ] = False,
) -> None:
    """Run a local Discord on loopback: REST, gateway, and a page to chat with the bot."""
    from nescord_core.services import service_process
    from nescord_core.services.sandbox import load, serve
    from nescord_core.services.sandbox import routes as operations

    if routes:
        for method, path, state in operations():
            typer.echo(f"{method:<6} {path} {state}")
        return
    flags: dict[str, object] = {
        "sandbox__listen": listen,
        "sandbox__guilds": guilds,
        "sandbox__shards": shards,
    }
    flags |= {"sandbox__max_concurrency": max_concurrency, "sandbox__disallowed_intents": disallowed_intents}
    flags |= {"sandbox__persist": persist, "sandbox__seed": None if seed is None else str(seed.absolute())}
    settings = _load(project, **flags, ws__identify_window=identify_window).sandbox
    load()
    typer.echo(f"The sandbox's token (not a secret): {settings.token}")
    typer.echo(f"Point a bot at it:  DISCORD_API_URL=http://{settings.host}:{settings.port}/api/v10")
    service_process.run("sandbox", lambda stop, ready: serve(settings, stop=stop, on_ready=ready))
