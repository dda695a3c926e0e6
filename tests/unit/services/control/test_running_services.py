from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nescord_core.services.control.running_services import announce, is_alive, read_all


def test_a_service_is_listed_while_it_is_running(tmp_path: Path) -> None:
    with announce(tmp_path, "rest", address="127.0.0.1:6000", admin="127.0.0.1:6000", now=5.0) as presence:
        assert read_all(tmp_path) == {"rest": presence}
        fields = json.loads((tmp_path / "run/rest.json").read_text())
        assert fields["pid"] == os.getpid()
        assert fields["started_at"] == 5.0
    assert read_all(tmp_path) == {}
    assert list((tmp_path / "run").iterdir()) == []


def test_the_file_is_removed_when_the_service_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), announce(tmp_path, "ws"):
        raise RuntimeError
    assert not (tmp_path / "run/ws.json").exists()


def test_a_successor_keeps_its_file_when_the_predecessor_ends(tmp_path: Path) -> None:
    file = tmp_path / "run/main.json"
    with announce(tmp_path, "main"):
        fields = json.loads(file.read_text())
        file.write_text(json.dumps(fields | {"pid": 1, "birth": "later"}))
    assert json.loads(file.read_text())["pid"] == 1


def test_a_reused_process_id_is_not_the_service(tmp_path: Path) -> None:
    with announce(tmp_path, "ws") as presence:
        assert is_alive(presence)
        assert not is_alive(replace(presence, birth="an earlier boot/1"))


def test_dead_processes_and_damaged_files_are_skipped(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    dead = {"service": "rest", "pid": child.pid, "address": "", "admin": "", "started_at": 1, "birth": "x/1"}
    (run / "rest.json").write_text(json.dumps(dead))
    (run / "ws.json").write_text('{"service": "ws", "pid"')
    (run / "main.json").write_text("[]")
    assert read_all(tmp_path) == {}


def test_a_zombie_is_not_alive(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path\n"
            "from nescord_core.services.control.running_services import announce\n"
            "block = announce(Path(sys.argv[1]), 'ws'); block.__enter__()\n"
            "print('on', flush=True); sys.stdin.read()\n"
            "import os; os._exit(0)",
            str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.readline()
    assert read_all(tmp_path)["ws"].pid == child.pid
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert read_all(tmp_path) == {}
    child.stdout.close()
    child.wait()


@pytest.mark.parametrize("name", ["", "../ws", ".ws", "a/b"])
def test_a_name_cannot_leave_the_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name"), announce(tmp_path, name):
        pass
