"""Reloads of a discord.py bot while its guilds change and while its commands are used.

    python benchmarks/warm_cache.py [RELOADS] [COMMANDS] [SEED]

Guilds, roles, channels and members change at 200 events a second while the bot is reloaded (50 times); after
each reload its cache must match the sandbox's world. The seed chooses the changes. Then a slash command is
used repeatedly (500 times) while the bot keeps reloading; each must be answered within 3 s.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from nescord_core.plurals import counted
from support.discordpy.digest_system import DigestSystem

SIZE = (24, 20, 9, 8)
RATE = 200


def main() -> None:
    reloads, commands, seed = (*map(int, sys.argv[1:]), *(50, 500, 11)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as directory:
        system = DigestSystem(
            Path(directory), SIZE, NESCORD_SNAPSHOT="on", DIGEST_SYNC="1", BIG_WORLD_SEED=str(seed)
        )
        try:
            system.begin()
            began = time.monotonic()
            events = [system.reload_under_changes(RATE) for _ in range(reloads)]
            print(f"{reloads} reloads, {sum(events)} events meanwhile: the cache matched the world each time")
            print(f"{time.monotonic() - began:.0f} s")
            unanswered, meanwhile = system.commands_during_reloads(commands)
            print(
                f"{counted(commands, 'command')} during {counted(meanwhile, 'reload')}:"
                f" {len(unanswered)} not answered within 3 s"
            )
        finally:
            system.close()


if __name__ == "__main__":
    main()
