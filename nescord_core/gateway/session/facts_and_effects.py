"""The inputs (facts) and outputs (effects) of a session."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

__all__ = [
    "Abort",
    "Close",
    "Closed",
    "Connect",
    "ConnectFailed",
    "Connected",
    "Corrupt",
    "Deliver",
    "Effect",
    "Fact",
    "Fatal",
    "Frame",
    "IdentifyGranted",
    "IdentifyRefused",
    "Milestone",
    "OutOfSequence",
    "Renew",
    "Report",
    "RequestIdentify",
    "Send",
    "Start",
    "Stop",
    "Tick",
    "Unreadable",
]


@dataclass(frozen=True, slots=True)
class Start:
    """Fact: start connecting."""


@dataclass(frozen=True, slots=True)
class Connected:
    """Fact: the websocket is open."""


@dataclass(frozen=True, slots=True)
class ConnectFailed:
    """Fact: the websocket could not be opened."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """Fact: a payload arrived; ``d`` is raw JSON."""

    op: int
    seq: int | None = None
    type: str | None = None
    d: bytes = b"null"


@dataclass(frozen=True, slots=True)
class Closed:
    """Fact: the connection ended; ``code`` is None when it broke without a close frame."""

    code: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Corrupt:
    """Fact: the connection's data is unreadable."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Fact: one message cannot be parsed, though the connection's data is intact."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class OutOfSequence:
    """Fact: events keep repeating earlier sequence numbers, so ours is wrong."""


@dataclass(frozen=True, slots=True)
class Renew:
    """Fact: a new session is wanted instead of the present one."""


@dataclass(frozen=True, slots=True)
class IdentifyGranted:
    """Fact: this shard may IDENTIFY now."""


@dataclass(frozen=True, slots=True)
class IdentifyRefused:
    """Fact: no IDENTIFY is available for ``wait`` seconds."""

    wait: float


@dataclass(frozen=True, slots=True)
class Tick:
    """Fact: time has passed (see Session.deadline)."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Fact: the process ends. With ``keep_session`` the next one can resume."""

    keep_session: bool = True


Fact = (
    Start
    | Connected
    | ConnectFailed
    | Frame
    | Closed
    | Corrupt
    | Unreadable
    | OutOfSequence
    | Renew
    | IdentifyGranted
    | IdentifyRefused
    | Tick
    | Stop
)


class Milestone(Enum):
    """The progress a session reports for logs and counters."""

    IDENTIFY = auto()
    RESUME = auto()
    READY = auto()
    RESUMED = auto()
    LOST = auto()
    SESSION_ENDED = auto()
    RESUME_URL_DROPPED = auto()
    IGNORED = auto()


@dataclass(frozen=True, slots=True)
class Connect:
    """Effect: open a websocket to ``url``."""

    url: str


@dataclass(frozen=True, slots=True)
class Send:
    """Effect: send a payload; it may hold the token, so it prints without its data."""

    op: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RequestIdentify:
    """Effect: queue for an IDENTIFY; cancelled when the connection ends."""


@dataclass(frozen=True, slots=True)
class Close:
    """Effect: close the connection with this code and ignore whatever it still receives."""

    code: int


@dataclass(frozen=True, slots=True)
class Abort:
    """Effect: drop the connection (or the connection attempt) without a close handshake."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Effect: deliver a dispatch."""

    type: str
    seq: int
    d: bytes = field(repr=False)
    redelivered: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Effect: log and count a milestone; ``detail`` is human-readable."""

    milestone: Milestone
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Fatal:
    """Effect: give up; Discord does not accept this shard again."""

    code: int
    reason: str = ""


Effect = Connect | Send | RequestIdentify | Close | Abort | Deliver | Report | Fatal
