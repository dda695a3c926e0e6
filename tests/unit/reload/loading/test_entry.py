from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from nescord_core.reload.loading import entry, source_loader
from nescord_core.reload.swapping.failure import Failure
project = Path(sys.argv[1])
source_loader.install(project)
found = entry.load(sys.argv[2], project)
is_failure = isinstance(found, Failure)
print(json.dumps({**asdict(found), "blame": found.blame.value} if is_failure else {"found": repr(found)}))
"""


def load(project: Path, entry: str = "bot.app:listener") -> dict[str, object]:
    """Load the entry in a separate process, as a worker does."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(project), entry], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot/__init__.py").touch()
    (tmp_path / "bot/app.py").write_text("from bot import words\n\nlistener = words.NAME\n")
    (tmp_path / "bot/words.py").write_text("NAME = 'it'\n")
    return tmp_path


def test_the_attribute_is_returned(project: Path) -> None:
    assert load(project) == {"found": "'it'"}


def test_a_syntax_error_is_shown_with_file_line_and_excerpt(project: Path) -> None:
    (project / "bot/words.py").write_text("FIRST = 1\nNAME = = 2\nLAST = 3\n")
    failure = load(project)
    assert (failure["file"], failure["line"]) == ("bot/words.py", 2)
    assert "SyntaxError" in str(failure["message"])
    assert ">    2 | NAME = = 2\n       |        ^\n" in str(failure["excerpt"])
    assert "     1 | FIRST = 1" in str(failure["excerpt"])


def test_an_exception_at_import_is_shown_where_the_projects_own_code_raised_it(project: Path) -> None:
    (project / "bot/words.py").write_text("import json\n\nNAME = json.loads('{')\n")
    failure = load(project)
    assert (failure["file"], failure["line"]) == ("bot/words.py", 3)
    assert str(failure["message"]).startswith("JSONDecodeError: ")
    assert "bot/app.py" in str(failure["traceback"])
    assert "importlib" not in str(failure["traceback"])


def test_an_error_that_a_library_wraps_is_shown_where_the_projects_code_raised_it(project: Path) -> None:
    """discord.py's load_extension raises ExtensionFailed from the error of the cog."""
    (project / "bot/cog.py").write_text("x = 1\n\nraise KeyError(x)\n")
    wrap = "    raise RuntimeError('extension failed') from error\n"
    (project / "bot/app.py").write_text(f"try:\n    import bot.cog\nexcept KeyError as error:\n{wrap}")
    failure = load(project)
    assert (failure["file"], failure["line"]) == ("bot/cog.py", 3)
    assert failure["message"] == "RuntimeError: extension failed"


def test_an_error_of_one_line_needs_no_traceback(project: Path) -> None:
    (project / "bot/app.py").write_text("TOKEN = {}['token']\n")
    failure = load(project)
    assert (failure["message"], failure["line"], failure["traceback"]) == ("KeyError: 'token'", 1, "")


def test_carets_mark_the_columns_that_python_blames(project: Path) -> None:
    (project / "bot/app.py").write_text("NAME = 'ü' + len(3, 4)\n")
    assert str(load(project)["excerpt"]) == ">    1 | NAME = 'ü' + len(3, 4)\n       |              ^^^^^^^^^"
    (project / "bot/app.py").write_text("def broken(:\n")
    assert str(load(project)["excerpt"]).endswith("\n       |            ^")
    (project / "bot/app.py").write_text("undefined_name\n")
    assert "^" not in str(load(project)["excerpt"]), "the whole line is marked anyway"


def test_a_handler_of_a_wrong_shape_is_shown_without_nescords_own_part(project: Path) -> None:
    (project / "bot/app.py").write_text(
        "from nescord_core import WsListener\n\nlistener = WsListener()\n\n\n"
        "@listener.on('message_create')\ndef ping(one, two, three):\n    pass\n"
    )
    failure = load(project)
    assert str(failure["message"]).startswith("ping(one, two, three) cannot be a handler. A handler takes")
    assert (failure["file"], failure["line"], failure["traceback"]) == ("bot/app.py", 6, "")
    assert ">    6 | @listener.on('message_create')" in str(failure["excerpt"])


def test_a_module_that_is_missing_is_shown_where_it_is_imported(project: Path) -> None:
    (project / "bot/app.py").write_text("import no_such_module_anywhere\n")
    failure = load(project)
    assert (failure["file"], failure["line"]) == ("bot/app.py", 1)
    assert "no_such_module_anywhere" in str(failure["message"])


def test_code_that_exits_at_import_is_a_failure_and_not_an_end(project: Path) -> None:
    (project / "bot/app.py").write_text("import sys\nsys.exit('no database')\n")
    failure = load(project)
    assert (failure["file"], failure["line"], failure["message"]) == (
        "bot/app.py",
        2,
        "SystemExit: no database",
    )


def test_a_missing_attribute_names_the_entry(project: Path) -> None:
    failure = load(project, "bot.app:lisener")
    assert failure["file"] == "bot/app.py"
    assert "'lisener'" in str(failure["message"])
    assert "main.entry" in str(failure["message"])


@pytest.mark.parametrize("entry", ["bot.app", ":listener", "bot.app:"])
def test_an_entry_that_is_no_entry_says_what_one_looks_like(project: Path, entry: str) -> None:
    assert "bot_main.app:listener" in str(load(project, entry)["message"])


def test_two_saves_of_equal_length_in_one_second_are_two_contents(project: Path) -> None:
    """Python's own cache compares size and whole seconds, and would return the first content again."""
    words = project / "bot/words.py"
    words.write_text("NAME = 'a1'\n")
    os.utime(words, (1_000_000_000, 1_000_000_000))
    subprocess.run([sys.executable, "-m", "py_compile", str(words)], check=True)
    assert list((project / "bot/__pycache__").glob("words.*.pyc")), "Python has cached the first"
    words.write_text("NAME = 'b2'\n")
    os.utime(words, (1_000_000_000, 1_000_000_000))
    assert load(project) == {"found": "'b2'"}


def test_nothing_is_written_into_the_project(project: Path) -> None:
    load(project)
    assert not list(project.rglob("__pycache__"))


def test_the_project_comes_before_installed_packages(project: Path) -> None:
    (project / "colorlog.py").write_text("NAME = 'mine'\n")
    (project / "bot/app.py").write_text("import colorlog\nlistener = colorlog.NAME\n")
    assert load(project) == {"found": "'mine'"}


@pytest.mark.parametrize(
    ("raised", "blame"),
    [
        ("KeyError('x')", "code"),
        ("RuntimeError('no')", "code"),
        ("Exception('no')", "code"),
        ("SystemExit(1)", "code"),
        ("ModuleNotFoundError('no')", "code"),
        ("type('Wrong', (ValueError,), {})('no')", "code"),
        ("ConnectionRefusedError('database')", "surroundings"),
        ("TimeoutError()", "surroundings"),
        ("FileNotFoundError('settings')", "surroundings"),
        ("MemoryError()", "surroundings"),
        ("type('ServerGone', (Exception,), {})('no')", "surroundings"),
        ("__import__('nescord_core').errors.ConfigError('no')", "code"),
        ("__import__('nescord_core').errors.TransportError('no')", "surroundings"),
    ],
)
def test_an_error_that_may_pass_is_told_from_one_of_the_code(project: Path, raised: str, blame: str) -> None:
    (project / "bot/words.py").write_text(f"import nescord_core.errors\nraise {raised}\n")
    assert load(project)["blame"] == blame
