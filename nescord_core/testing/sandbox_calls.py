"""The sandbox as a whole, as calls: its clock, its faults, new guilds and users."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nescord_core.errors import NescordError
from nescord_core.testing.calls import Call
from nescord_core.testing.line import Line

if TYPE_CHECKING:
    from nescord_core.testing.running import RunningBot

__all__ = ["Stage"]


OWNER = "olivia"


class Stage:
    """One test's view of the sandbox. ``state_dir`` is where the bot's services have their state."""

    def __init__(self, line: Line, state_dir: Path) -> None:
        self.line = line
        self.state_dir = state_dir
        self.guild_ids: list[str] = []
        self.user_ids: list[str] = []

    @classmethod
    def of(cls, bot: RunningBot) -> Self:
        """Return the sandbox of a bot that `running_bot` has started."""
        return cls(Line(bot.url, bot.timeout, began=bot.began), bot.state_dir)

    def control_call(self, method: str, path: str, /, **body: Any) -> Call[Any]:
        """Call the control API (docs/sandbox/control-api.md); ``path`` is the one below ``/sandbox``."""
        return Call(method, path, body or None, lambda answer: answer, patience=float(body.get("wait", 0)))

    def advance_call(
        self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0
    ) -> Call[None]:
        """Move the clock on: the world's, and time-outs and loops of a discord.py bot."""
        total = seconds + 60 * minutes + 3600 * hours + 86_400 * days

        def then(_answer: Any) -> None:
            self._advance_bot(total)

        return Call("POST", "/advance", {"seconds": total}, then)

    def _advance_bot(self, seconds: float) -> None:
        from nescord_core.services.control import control_socket
        from nescord_core.services.control.blocking_request import tell

        fields = {"seconds": seconds}
        if not tell(self.state_dir, control_socket.MAIN, "advance", fields, self.line.timeout):
            raise NescordError("the clock of the bot cannot be moved: main does not answer.")

    def fault_call(self, /, **faults: Any) -> Call[Any]:
        """Set faults, with the keys ``rest``, ``gateway`` and ``connections``; they end with the test."""
        return Call("POST", "/fault", faults, lambda answer: answer)

    def clear_faults_call(self) -> Call[None]:
        """End all faults."""
        return Call("DELETE", "/fault", None, lambda _answer: None)

    def owner_call(self) -> Call[str]:
        """Return the id of the bot's owner."""
        return Call("GET", "/state?limit=0&tail=0", None, _owner_id)

    def user_call(self, name: str, *, bot: bool = False) -> Call[Mapping[str, Any]]:
        """Create a user."""
        return Call("POST", "/users", {"name": name, "bot": bot}, self._made_user)

    def _made_user(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        self.user_ids.append(str(answer["id"]))
        return answer

    def guild_call(self, name: str, owner_id: str, member_ids: list[str]) -> Call[Mapping[str, Any]]:
        """Create a guild."""
        return Call(
            "POST", "/guilds", {"name": name, "owner": owner_id, "members": member_ids}, self._made_guild
        )

    def _made_guild(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        self.guild_ids.append(str(answer["id"]))
        return answer


def _owner_id(state: Mapping[str, Any]) -> str:
    return next(str(each["id"]) for each in state["users"] if each["username"] == OWNER)
