"""Plans `nescord dev` and `nescord run all` as plain data: services, addresses and variables."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nescord_core.config import Config
from nescord_core.config.config import CONFIG_DIGEST
from nescord_core.errors import ConfigError
from nescord_core.process.logs import BRIEF, JSON_LINES, RECORDS
from nescord_core.settings import MainSettings, RestSettings, WsSettings
from nescord_core.supervisor.spec import ReadyProbe, RestartPolicy, ServiceSpec, When

__all__ = ["Listener", "connected", "effective", "listeners", "plan", "secrets"]

EXEC = "exec"
PATIENCE = 5.0
"""Seconds to stop that a process gets on top of its own time-out."""
START_TIMEOUT = 60.0
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - replaced, not bound
ONCE = RestartPolicy(when=When.NEVER, final=frozenset())


@dataclass(frozen=True, slots=True)
class Listener:
    """An address that a service will listen on, and the key that sets it."""

    service: str
    key: str
    host: str
    port: int

    @property
    def address(self) -> str:
        return _joined(self.host, self.port)


def effective(config: Config, *, sandbox: bool | None, port_offset: int) -> tuple[Config, bool]:
    """Return the services' configuration, and whether the sandbox is one of them.

    If ``sandbox`` is None, the sandbox is used when there is no token.

    Raises:
        ConfigError: there is neither a token nor a sandbox.

    """
    moved = connected(config).shifted(port_offset)
    with_sandbox = config.token is None if sandbox is None else sandbox
    if not with_sandbox:
        moved.require_token()
        return moved, False
    local = moved.on_sandbox()
    if local["sandbox.persist"] is None:
        local = local.override({"sandbox.persist": True}, "`nescord dev`")
    return local, True


def connected(config: Config) -> Config:
    """Point ws and the clients at the addresses of main and rest, unless the configuration sets others."""
    host, port = config["main.listen"]
    workers: int = config["main.workers"]
    derived = {
        "ws.grpc_host": tuple(_joined(_reachable(host), port + place) for place in range(workers)),
        "rest.url": f"http://{_joined(_reachable(config['rest.host']), config['rest.port'])}",
    }
    unset = {name: value for name, value in derived.items() if config.values[name].source == "default"}
    return config.override(unset, "`nescord dev`")


def listeners(config: Config, *, sandbox: bool) -> list[Listener]:
    """Return every address that the services will listen on, in start order.

    Raises:
        ConfigError: a port is 0; the services need to know each other's ports.

    """
    main_host, main_port = config["main.listen"]
    found = [
        *([Listener("sandbox", "sandbox.listen", *config["sandbox.listen"])] if sandbox else []),
        Listener("rest", "rest.port", config["rest.host"], config["rest.port"]),
        *(
            Listener("main", "main.listen", main_host, main_port + place)
            for place in range(config["main.workers"])
        ),
        Listener("main", "main.admin", *config["main.admin"]),
        Listener("ws", "ws.admin", *config["ws.admin"]),
    ]
    for listener in found:
        if listener.port == 0:
            raise ConfigError(
                "`nescord dev` needs a fixed port, which the other services use.",
                where=f"{listener.key} ({config.values[listener.key].source})",
                hint="Set a port other than 0.",
            )
    return found


def plan(
    config: Config,
    *,
    sandbox: bool,
    environ: Mapping[str, str],
    command: Sequence[str] = (),
    directory: Path = Path(),
    as_json: bool = False,
    watch: bool = True,
) -> list[ServiceSpec]:
    """Return the services: the sandbox first, then rest and main in parallel, then ws.

    Secrets are passed in the environment only. ``command`` runs in ``directory`` once all services are ready.
    On the way down ws stops before main, and main before rest, which its handlers may still need.
    """
    env = {**environ, **config.environment(), "PWD": str(config.project), CONFIG_DIGEST: config.digest}
    task_env = env | ({JSON_LINES: "1"} if as_json else {})
    env |= {JSON_LINES if as_json else RECORDS: "1"} | ({BRIEF: "1"} if watch else {})
    ws, rest, main = config.ws, config.rest, config.main
    base = ("sandbox",) if sandbox else ()
    specs = [
        replace(_rest(config, rest, env), depends_on=base),
        replace(_main(config, main, env, watch=watch), depends_on=base, stops_before=("rest",)),
        replace(_ws(config, ws, env), depends_on=("rest",), stops_before=("main",)),
    ]
    if sandbox:
        local = config.sandbox
        specs.insert(0, _service("sandbox", config, env, (local.host, local.port)))
    if command:
        specs.append(_task(command, task_env, directory, tuple(spec.name for spec in specs)))
    return specs


def secrets(config: Config) -> list[str]:
    """Return every value to mask in the output; the sandbox's own token is not a secret."""
    values = (e.value for e in config.values.values() if e.key.secret and e.value is not None)
    return [str(value) for value in values if value != config["sandbox.token"]]


def _rest(config: Config, settings: RestSettings, env: Mapping[str, str]) -> ServiceSpec:
    return _service("rest", config, env, (settings.host, settings.port), grace=settings.stop_timeout)


def _main(config: Config, settings: MainSettings, env: Mapping[str, str], *, watch: bool) -> ServiceSpec:
    admin = (settings.admin_host, settings.admin_port)
    spec = _service("main", config, env, admin, grace=settings.drain_timeout)
    address = _joined(settings.listen_host, settings.listen_port)
    return replace(spec, argv=(*spec.argv, *(["--watch"] if watch else [])), address=address)


def _ws(config: Config, settings: WsSettings, env: Mapping[str, str]) -> ServiceSpec:
    admin = (settings.admin_host, settings.admin_port)
    return _service("ws", config, env, admin, grace=settings.stop_timeout)


def _service(
    name: str, config: Config, env: Mapping[str, str], admin: tuple[str, int], *, grace: float = 0.0
) -> ServiceSpec:
    """Return the spec of `nescord run NAME`; -P keeps the project's files from shadowing modules."""
    host, port = admin
    return ServiceSpec(
        name,
        (sys.executable, "-P", "-m", "nescord_cli", "run", name),
        env=env,
        cwd=config.project,
        ready=ReadyProbe(f"http://{_joined(_reachable(host), port)}/readyz", start_timeout=START_TIMEOUT),
        grace=grace + PATIENCE,
        address=_joined(host, port),
    )


def _task(
    command: Sequence[str], env: Mapping[str, str], directory: Path, needs: tuple[str, ...]
) -> ServiceSpec:
    return ServiceSpec(
        EXEC,
        (sys.executable, "-P", "-m", "nescord_core.supervisor.parent_death", *command),
        env=env,
        cwd=directory,
        depends_on=needs,
        grace=PATIENCE,
        restart=ONCE,
        task=True,
    )


def _reachable(host: str) -> str:
    return ANYWHERE.get(host, host)


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
