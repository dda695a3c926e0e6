"""pytest's fixtures of the test kit. Every project of the environment loads this module.

It imports nothing else before a fixture is used.

One sandbox and one process of the bot serve a whole session. Each test has a guild, channels and users of its
own. A test function that is asynchronous gets the form of the kit that is awaited.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from nescord_core.testing.blocking import Channel, Guild, Sandbox, User
    from nescord_core.testing.running import RunningBot

__all__ = ["alice", "bob", "bot", "channel", "guild", "olivia", "sandbox"]

PROJECT = "nescord_project"
LONGEST_NAME = 100
"""Characters of a guild's name (https://discord.com/developers/docs/resources/guild#create-guild)."""


class Test:
    """One running test: its sandbox, and what was there when it began."""

    __test__ = False

    def __init__(self, bot: RunningBot, sandbox: Any) -> None:
        self.bot = bot
        self.sandbox = sandbox
        self.began = time.time()
        self.log_size = bot.log_size()


TEST = pytest.StashKey[Test]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini option for the project's directory."""
    parser.addini(PROJECT, "directory of the bot's nescord.toml, relative to the rootdir", default="")


@pytest.fixture(scope="session")
def bot(request: pytest.FixtureRequest) -> Iterator[RunningBot]:
    """The project's bot on a local Discord, started once for the session."""
    from nescord_core.testing.running import running_bot

    with running_bot(_project(request.config)) as running:
        yield running


@pytest.fixture
def sandbox(bot: RunningBot, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """The local Discord: clock, faults, further guilds and users. Faults and guilds end with the test."""
    given: Sandbox = _form(request, "Sandbox").of(bot)
    request.node.stash[TEST] = Test(bot, given)
    yield given
    given.line.blocking(given.clear_faults_call())
    for guild_id in given.guild_ids:
        given.line.blocking(given.control_call("DELETE", f"/guilds/{guild_id}"))


@pytest.fixture
def olivia(sandbox: Sandbox, request: pytest.FixtureRequest) -> User:
    """The owner of the guild and of the bot: the same user in every test."""
    owner_id = sandbox.line.blocking(sandbox.owner_call())
    user: User = _form(request, "User")(sandbox.line, owner_id, "olivia")
    return user


@pytest.fixture
def _members(sandbox: Sandbox) -> dict[str, str]:
    """The ids of alice and bob, by their names: a test may have created others before."""
    return {name: str(sandbox.line.blocking(sandbox.user_call(name))["id"]) for name in ("alice", "bob")}


@pytest.fixture
def guild(sandbox: Sandbox, olivia: User, _members: dict[str, str], request: pytest.FixtureRequest) -> Guild:
    """A guild of the test's own, with #general, #random, Lounge, and olivia (its owner), alice and bob."""
    ids = list(_members.values())
    name = f"{request.node.name} {len(sandbox.guild_ids)}"[-LONGEST_NAME:]
    raw = sandbox.line.blocking(sandbox.guild_call(name, olivia.id, ids))
    made: Guild = _form(request, "Guild")(sandbox.line, raw)
    return made


@pytest.fixture
def channel(guild: Guild, olivia: User) -> Channel:
    """The channel #general of the test's guild."""
    olivia.home = guild.channel("general")
    return olivia.home


@pytest.fixture
def alice(
    sandbox: Sandbox, channel: Channel, _members: dict[str, str], request: pytest.FixtureRequest
) -> User:
    """A moderator of the test's guild."""
    user: User = _form(request, "User")(sandbox.line, _members["alice"], "alice", channel)
    return user


@pytest.fixture
def bob(sandbox: Sandbox, channel: Channel, _members: dict[str, str], request: pytest.FixtureRequest) -> User:
    """A member of the test's guild."""
    user: User = _form(request, "User")(sandbox.line, _members["bob"], "bob", channel)
    return user


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the conversation and the bot's trace to the report of a test that has failed."""
    report = yield
    test = item.stash.get(TEST, None)
    if call.when == "call" and report.failed and test is not None:
        report.sections += _sections(test)
    return report


def _sections(test: Test) -> Iterator[tuple[str, str]]:
    from nescord_core.testing.report import trace, transcript

    parts: dict[str, Callable[[], str]] = {
        "bot: transcript": lambda: transcript(test.sandbox),
        "bot: events, calls and errors": lambda: trace(test.sandbox, test.began),
        "bot: log": lambda: test.bot.log(test.log_size),
    }
    for title, text in parts.items():
        try:
            yield title, text()
        except Exception as error:  # the bot may be gone, and the test's own failure matters more
            yield title, f"cannot be shown: {error!r}"


def _is_async(request: pytest.FixtureRequest) -> bool:
    function = getattr(request, "function", None)
    return function is not None and inspect.iscoroutinefunction(inspect.unwrap(function))


def _form(request: pytest.FixtureRequest, name: str) -> Any:
    """Return a class of the kit in the form that fits the test."""
    from nescord_core.testing import asynchronous, blocking

    return getattr(asynchronous, f"Async{name}") if _is_async(request) else getattr(blocking, name)


def _project(config: pytest.Config) -> Path | None:
    """Return the project: the configured directory, the rootdir, or else None for the working directory's."""
    named = str(config.getini(PROJECT))
    if named:
        return config.rootpath / named
    return config.rootpath if (config.rootpath / "nescord.toml").is_file() else None
