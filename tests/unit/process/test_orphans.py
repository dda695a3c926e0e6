"""Orphans of a real process, which has its own interpreter: adoption is a setting of a whole process."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
SCRIPT = """
import asyncio, os, subprocess, time
from nescord_core.process.orphans import Orphans, adopt
from nescord_core.process.own_children import OWN_CHILDREN

def orphan(command):
    return int(subprocess.run(["sh", "-c", command + " & echo $!"], capture_output=True, text=True).stdout)

def is_there(pid):
    return os.path.exists(f"/proc/{pid}")

before = subprocess.Popen(["sleep", "600"])
assert adopt()
with OWN_CHILDREN.starting() as started:
    own = subprocess.Popen(["sleep", "600"])
    asyncio.run(Orphans().look(ending=True))
    assert own.poll() is None
    started(own.pid)
left = orphan("sleep 600 > /dev/null 2>&1")
dead = orphan("true > /dev/null 2>&1")
told = []
orphans = Orphans(tell=told.append)
asyncio.run(orphans.look())
assert is_there(left) and not is_there(dead) and not told
asyncio.run(orphans.look(ending=True))
assert not is_there(left), told
assert told == [f"ending sleep (process {left}), which the bot left behind"], told
assert before.poll() is None and own.poll() is None
before.kill(); own.kill(); before.wait(); own.wait()
print("done")
"""


def test_only_what_has_been_adopted_is_ended() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "done\n", done.stderr
