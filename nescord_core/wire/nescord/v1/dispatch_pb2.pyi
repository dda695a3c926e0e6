from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FromWs(_message.Message):
    __slots__ = ("hello", "events", "command_result", "drained", "snapshot", "shards", "renewed", "share", "waiting")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    COMMAND_RESULT_FIELD_NUMBER: _ClassVar[int]
    DRAINED_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    RENEWED_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    events: EventBatch
    command_result: CommandResult
    drained: Drained
    snapshot: Snapshot
    shards: ShardFacts
    renewed: Renewed
    share: Share
    waiting: Waiting
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., events: _Optional[_Union[EventBatch, _Mapping]] = ..., command_result: _Optional[_Union[CommandResult, _Mapping]] = ..., drained: _Optional[_Union[Drained, _Mapping]] = ..., snapshot: _Optional[_Union[Snapshot, _Mapping]] = ..., shards: _Optional[_Union[ShardFacts, _Mapping]] = ..., renewed: _Optional[_Union[Renewed, _Mapping]] = ..., share: _Optional[_Union[Share, _Mapping]] = ..., waiting: _Optional[_Union[Waiting, _Mapping]] = ...) -> None: ...

class FromMain(_message.Message):
    __slots__ = ("ready", "ack", "handed_back", "command", "drain", "renew")
    READY_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    HANDED_BACK_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    RENEW_FIELD_NUMBER: _ClassVar[int]
    ready: Ready
    ack: Ack
    handed_back: Return
    command: GatewayCommand
    drain: Drain
    renew: Renew
    def __init__(self, ready: _Optional[_Union[Ready, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ..., handed_back: _Optional[_Union[Return, _Mapping]] = ..., command: _Optional[_Union[GatewayCommand, _Mapping]] = ..., drain: _Optional[_Union[Drain, _Mapping]] = ..., renew: _Optional[_Union[Renew, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("protocol", "cluster", "shard_ids", "shard_count", "application_id", "version", "lease", "address")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    SHARD_IDS_FIELD_NUMBER: _ClassVar[int]
    SHARD_COUNT_FIELD_NUMBER: _ClassVar[int]
    APPLICATION_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    cluster: str
    shard_ids: _containers.RepeatedScalarFieldContainer[int]
    shard_count: int
    application_id: str
    version: str
    lease: float
    address: str
    def __init__(self, protocol: _Optional[int] = ..., cluster: _Optional[str] = ..., shard_ids: _Optional[_Iterable[int]] = ..., shard_count: _Optional[int] = ..., application_id: _Optional[str] = ..., version: _Optional[str] = ..., lease: _Optional[float] = ..., address: _Optional[str] = ...) -> None: ...

class Ready(_message.Message):
    __slots__ = ("protocol", "replica", "generation", "credit", "version", "snapshot", "process")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    REPLICA_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    replica: str
    generation: int
    credit: int
    version: str
    snapshot: bool
    process: str
    def __init__(self, protocol: _Optional[int] = ..., replica: _Optional[str] = ..., generation: _Optional[int] = ..., credit: _Optional[int] = ..., version: _Optional[str] = ..., snapshot: bool = ..., process: _Optional[str] = ...) -> None: ...

class Renew(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class Renewed(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class Snapshot(_message.Message):
    __slots__ = ("shard_id", "shard_count", "kept", "session_id", "seq", "ready", "unavailable", "guilds", "last", "intents", "shared", "first", "guild_ids")
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    SHARD_COUNT_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
    GUILDS_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    INTENTS_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    GUILD_IDS_FIELD_NUMBER: _ClassVar[int]
    shard_id: int
    shard_count: int
    kept: bool
    session_id: str
    seq: int
    ready: bytes
    unavailable: _containers.RepeatedScalarFieldContainer[int]
    guilds: _containers.RepeatedCompositeFieldContainer[GuildSnapshot]
    last: bool
    intents: int
    shared: bool
    first: bool
    guild_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, shard_id: _Optional[int] = ..., shard_count: _Optional[int] = ..., kept: bool = ..., session_id: _Optional[str] = ..., seq: _Optional[int] = ..., ready: _Optional[bytes] = ..., unavailable: _Optional[_Iterable[int]] = ..., guilds: _Optional[_Iterable[_Union[GuildSnapshot, _Mapping]]] = ..., last: bool = ..., intents: _Optional[int] = ..., shared: bool = ..., first: bool = ..., guild_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class Share(_message.Message):
    __slots__ = ("shard_id", "session_id", "seq", "guilds", "unavailable", "gone", "shared")
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    GUILDS_FIELD_NUMBER: _ClassVar[int]
    UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
    GONE_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    shard_id: int
    session_id: str
    seq: int
    guilds: _containers.RepeatedCompositeFieldContainer[GuildSnapshot]
    unavailable: _containers.RepeatedScalarFieldContainer[int]
    gone: _containers.RepeatedScalarFieldContainer[int]
    shared: bool
    def __init__(self, shard_id: _Optional[int] = ..., session_id: _Optional[str] = ..., seq: _Optional[int] = ..., guilds: _Optional[_Iterable[_Union[GuildSnapshot, _Mapping]]] = ..., unavailable: _Optional[_Iterable[int]] = ..., gone: _Optional[_Iterable[int]] = ..., shared: bool = ...) -> None: ...

class GuildSnapshot(_message.Message):
    __slots__ = ("guild_id", "base", "types", "data")
    GUILD_ID_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    guild_id: int
    base: bytes
    types: _containers.RepeatedScalarFieldContainer[str]
    data: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, guild_id: _Optional[int] = ..., base: _Optional[bytes] = ..., types: _Optional[_Iterable[str]] = ..., data: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Waiting(_message.Message):
    __slots__ = ("timeout",)
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    timeout: float
    def __init__(self, timeout: _Optional[float] = ...) -> None: ...

class ShardFacts(_message.Message):
    __slots__ = ("shard_id", "latency", "guilds", "members")
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    GUILDS_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    shard_id: _containers.RepeatedScalarFieldContainer[int]
    latency: _containers.RepeatedScalarFieldContainer[float]
    guilds: _containers.RepeatedScalarFieldContainer[int]
    members: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, shard_id: _Optional[_Iterable[int]] = ..., latency: _Optional[_Iterable[float]] = ..., guilds: _Optional[_Iterable[int]] = ..., members: _Optional[_Iterable[int]] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("index", "shard_id", "session_id")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    index: int
    shard_id: int
    session_id: str
    def __init__(self, index: _Optional[int] = ..., shard_id: _Optional[int] = ..., session_id: _Optional[str] = ...) -> None: ...

class EventBatch(_message.Message):
    __slots__ = ("first_delivery", "sessions", "session", "seq", "type", "key", "guild_id", "received_at", "data", "redelivered", "span")
    FIRST_DELIVERY_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    GUILD_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    REDELIVERED_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    first_delivery: int
    sessions: _containers.RepeatedCompositeFieldContainer[Session]
    session: _containers.RepeatedScalarFieldContainer[int]
    seq: _containers.RepeatedScalarFieldContainer[int]
    type: _containers.RepeatedScalarFieldContainer[str]
    key: _containers.RepeatedScalarFieldContainer[int]
    guild_id: _containers.RepeatedScalarFieldContainer[int]
    received_at: _containers.RepeatedScalarFieldContainer[float]
    data: _containers.RepeatedScalarFieldContainer[bytes]
    redelivered: _containers.RepeatedScalarFieldContainer[int]
    span: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, first_delivery: _Optional[int] = ..., sessions: _Optional[_Iterable[_Union[Session, _Mapping]]] = ..., session: _Optional[_Iterable[int]] = ..., seq: _Optional[_Iterable[int]] = ..., type: _Optional[_Iterable[str]] = ..., key: _Optional[_Iterable[int]] = ..., guild_id: _Optional[_Iterable[int]] = ..., received_at: _Optional[_Iterable[float]] = ..., data: _Optional[_Iterable[bytes]] = ..., redelivered: _Optional[_Iterable[int]] = ..., span: _Optional[_Iterable[int]] = ...) -> None: ...

class Range(_message.Message):
    __slots__ = ("first", "last")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    first: int
    last: int
    def __init__(self, first: _Optional[int] = ..., last: _Optional[int] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("deliveries",)
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    deliveries: _containers.RepeatedCompositeFieldContainer[Range]
    def __init__(self, deliveries: _Optional[_Iterable[_Union[Range, _Mapping]]] = ...) -> None: ...

class Return(_message.Message):
    __slots__ = ("deliveries", "started")
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    deliveries: _containers.RepeatedCompositeFieldContainer[Range]
    started: _containers.RepeatedCompositeFieldContainer[Range]
    def __init__(self, deliveries: _Optional[_Iterable[_Union[Range, _Mapping]]] = ..., started: _Optional[_Iterable[_Union[Range, _Mapping]]] = ...) -> None: ...

class GatewayCommand(_message.Message):
    __slots__ = ("id", "shard_id", "op", "data", "deadline")
    ID_FIELD_NUMBER: _ClassVar[int]
    SHARD_ID_FIELD_NUMBER: _ClassVar[int]
    OP_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    id: int
    shard_id: int
    op: int
    data: bytes
    deadline: float
    def __init__(self, id: _Optional[int] = ..., shard_id: _Optional[int] = ..., op: _Optional[int] = ..., data: _Optional[bytes] = ..., deadline: _Optional[float] = ...) -> None: ...

class CommandResult(_message.Message):
    __slots__ = ("id", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: int
    error: str
    def __init__(self, id: _Optional[int] = ..., error: _Optional[str] = ...) -> None: ...

class Drained(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Drain(_message.Message):
    __slots__ = ("timeout",)
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    timeout: float
    def __init__(self, timeout: _Optional[float] = ...) -> None: ...
