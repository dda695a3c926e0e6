"""What happens to the simulated hosts: episodes of faults, after which everything has to be held again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from support.coordination.simulated_hosts import Faults, SimHost
from support.coordination.simulation import TAKEOVER, Simulation

__all__ = ["EPISODES", "run_seed"]

START = 10.0
CALM = 16.0
HAND_OVER = 3.5
"""Longest time that a block which is being moved is without a holder, if its new one does not claim it."""


def run_seed(
    seed: int, faults: Faults | None = None, *, kinds: Sequence[str] = (), episodes: int = 2
) -> Simulation:
    """Run one seed, with these kinds of episodes (none: all). Raises Violation."""
    known = [episode for episode in EPISODES if not kinds or episode.__name__ in kinds]
    simulation = Simulation(seed, hosts=2 + seed % 3, blocks=4 + seed % 4, faults=faults)
    simulation.begin()
    simulation.run(START)
    _all_held(simulation, "after the start")
    for _ in range(episodes):
        episode = simulation.random.choice(known)
        simulation.log.append(f"{simulation.time:8.3f} -- {episode.__name__}")
        episode(simulation)
        simulation.run(CALM)
        _all_held(simulation, f"{CALM:g} s after {episode.__name__}")
    if seed % 4 == 0:
        before = simulation.stops
        simulation.run(2 * CALM)
        if before != simulation.stops:
            simulation.fail("blocks stop though nothing happens")
    return simulation


def _all_held(simulation: Simulation, when: str) -> None:
    """Fail if a block has no holder, unless it has just been handed over."""
    unheld = set(simulation.unheld())
    if unheld:
        simulation.run(HAND_OVER)
    if unheld := unheld.intersection(simulation.unheld()):
        simulation.fail(f"blocks {sorted(unheld)} have no holder {when}")


def _settle(simulation: Simulation) -> None:
    """Wait until no block has moved for a while."""
    for _ in range(20):
        before = simulation.starts
        simulation.run(12)
        if simulation.starts == before:
            return
    simulation.fail("blocks go on moving")


def _any(simulation: Simulation) -> SimHost:
    return simulation.random.choice(list(simulation.hosts.values()))


def killed(simulation: Simulation) -> None:
    """A host dies; the others take over within the time promised, and it comes back."""
    host = _any(simulation)
    simulation.kill(host)
    simulation.run(TAKEOVER)
    _all_held(simulation, f"{TAKEOVER:g} s after a kill")
    simulation.run(simulation.random.uniform(0, 20))
    simulation.start(host)


def restarted(simulation: Simulation) -> None:
    """A host's process is killed and starts again before anyone notices."""
    host = _any(simulation)
    simulation.kill(host)
    simulation.run(simulation.random.uniform(0.2, 8))
    simulation.start(host)


def paused(simulation: Simulation) -> None:
    """A process or a machine is suspended."""
    host = _any(simulation)
    simulation.pause(host)
    seconds = simulation.random.choice((0.5, 2.0, 4.9, 5.5, 6.1, 6.5, 8.0, 12.0, 60.0))
    simulation.run(seconds + simulation.random.random())
    simulation.resume(host)


def cut_from_the_store(simulation: Simulation) -> None:
    """A host does not reach the store, in one direction or both; its peers it reaches, or not."""
    host, chance = _any(simulation), simulation.random
    up, down = chance.choice(((False, False), (True, False), (False, True)))
    simulation.cut(host, up=up, down=down)
    if chance.random() < 0.5:
        for other in simulation.hosts:
            if other != host.name and chance.random() < 0.7:
                simulation.cut_peers(host.name, other)
    simulation.run(chance.uniform(0.5, 30))
    if chance.random() < 0.3:
        simulation.cut(host, up=True, down=not down)
        simulation.run(chance.uniform(0.5, 10))
    simulation.cut(host, up=True, down=True)
    simulation.heal_peers()


def half_cut(simulation: Simulation) -> None:
    """Some hosts reach neither the store nor, often, those that do."""
    chance, hosts = simulation.random, list(simulation.hosts.values())
    chance.shuffle(hosts)
    cut = hosts[: chance.randint(1, len(hosts))]
    for host in cut:
        simulation.cut(host, up=False, down=False)
        for other in hosts:
            if other not in cut and chance.random() < 0.7:
                simulation.cut_peers(host.name, other.name)
    simulation.run(chance.uniform(2, 30))
    for host in cut:
        simulation.cut(host, up=True, down=True)
        simulation.run(chance.uniform(0, 3))
    simulation.heal_peers()


def store_away(simulation: Simulation) -> None:
    """The store is away for all: nothing starts, stops or moves, while it is and when it is back."""
    _settle(simulation)
    before = simulation.starts, simulation.stops, simulation.moves
    simulation.stop_store(wipe=simulation.random.random() < 0.5)
    simulation.run(simulation.random.choice((0.5, 3.0, 6.5, 20.0, 90.0)) + simulation.random.random())
    simulation.start_store()
    simulation.run(CALM)
    if before != (simulation.starts, simulation.stops, simulation.moves):
        simulation.fail("something moved while the store was away, or when it was back")


def store_away_and_more(simulation: Simulation) -> None:
    """The store is away, and something else happens at the same time."""
    chance, host = simulation.random, _any(simulation)
    simulation.stop_store(wipe=chance.random() < 0.5)
    simulation.run(chance.uniform(0, 10))
    what = chance.randrange(4)
    if what == 0:
        simulation.pause(host)
    elif what == 1:
        simulation.kill(host)
    elif what == 2:
        simulation.cut(host, up=chance.random() < 0.5, down=False)
    else:
        for other in simulation.hosts:
            if other != host.name:
                simulation.cut_peers(host.name, other)
    simulation.run(chance.uniform(0, 10))
    simulation.start_store()
    simulation.run(chance.uniform(0, 12))
    if what == 0:
        simulation.resume(host)
    elif what == 1:
        simulation.start(host)
    simulation.cut(host, up=True, down=True)
    simulation.heal_peers()


def store_slow(simulation: Simulation) -> None:
    """The store takes its time, sometimes too long."""
    simulation.store.slowness = simulation.random.uniform(0.3, 2.5)
    simulation.run(simulation.random.uniform(3, 20))
    simulation.store.slowness = 0.0


def left(simulation: Simulation) -> None:
    """A host leaves in order and comes back later."""
    host = _any(simulation)
    simulation.leave(host)
    simulation.run(5)
    if len(simulation.hosts) > 1:
        _all_held(simulation, "5 s after a host left")
    simulation.kill(host)
    simulation.run(simulation.random.uniform(0, 10))
    simulation.start(host)


EPISODES: tuple[Callable[[Simulation], None], ...] = (
    killed,
    restarted,
    paused,
    cut_from_the_store,
    half_cut,
    store_away,
    store_away_and_more,
    store_slow,
    left,
)
