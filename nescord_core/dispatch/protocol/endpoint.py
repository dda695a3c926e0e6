"""The protocol's version, names and limits, and the options that secure and tune its connections."""

from __future__ import annotations

from pathlib import Path

import grpc
import grpc.aio

from nescord_core.errors import ConfigError
from nescord_core.process import descriptors
from nescord_core.settings import SecuritySettings

__all__ = [
    "METHOD",
    "PROTOCOL",
    "SECRET_KEY",
    "SERVICE",
    "channel_options",
    "open_channel",
    "server_credentials",
    "server_options",
]

PROTOCOL = 1
"""The version of the wire; both sides must speak the same one."""

HANDSHAKE_MS = 5_000
IDLE_MS = 60_000
CONNECTIONS = 512
"""Connections that main accepts: one for each cluster of ws, and health checks."""
SERVICE = "nescord.v1.Dispatch"
METHOD = f"/{SERVICE}/Connect"
SECRET_KEY = "nescord-secret"  # noqa: S105 - the name of the metadata key, not a secret


def channel_options(keepalive: float, message_mb: int) -> list[tuple[str, int | str]]:
    """Return the options of ws's side. A stalled peer is detected within twice ``keepalive`` (seconds).

    ``message_mb`` limits a message: the GUILD_CREATE of a large guild alone is many MB of JSON, far above
    gRPC's default of 4 MB.

    https://github.com/grpc/grpc/blob/master/doc/keepalive.md
    """
    return [
        *_limits(keepalive, message_mb),
        # By default channels to one address share a connection, and a redial after a drain would reach the
        # process that is shutting down.
        ("grpc.use_local_subchannel_pool", 1),
        # The sender redials by itself.
        ("grpc.enable_retries", 0),
    ]


def server_options(keepalive: float, message_mb: int) -> list[tuple[str, int | str]]:
    """Return the options of main's side. Processes may share the port, so that one can replace another."""
    return [
        *_limits(keepalive, message_mb),
        ("grpc.so_reuseport", 1),
        # A silent connection is closed after seconds (gRPC's default: two minutes), and one without a stream
        # after a minute. Each costs a descriptor.
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
        ("grpc.max_connection_idle_ms", IDLE_MS),
        ("grpc.max_allowed_incoming_connections", min(CONNECTIONS, descriptors.limit() // 2)),
        # ws opens one stream on each connection; health checks are short.
        ("grpc.max_concurrent_streams", 16),
        ("grpc.max_metadata_size", 16 * 1024),
        # An idle ws is expected to ping; it is no abuse.
        ("grpc.http2.min_ping_interval_without_data_ms", 100),
        ("grpc.http2.max_ping_strikes", 0),
    ]


def _limits(keepalive: float, message_mb: int) -> list[tuple[str, int | str]]:
    period = max(int(keepalive * 1000), 100)
    return [
        ("grpc.max_send_message_length", message_mb * 1024 * 1024),
        ("grpc.max_receive_message_length", message_mb * 1024 * 1024),
        ("grpc.keepalive_time_ms", period),
        ("grpc.keepalive_timeout_ms", period),
        ("grpc.http2.max_pings_without_data", 0),
        # Bandwidth probes have a time-out of their own, a minute, and suspend keepalive while one is in
        # flight: without this a peer that stalls right after data would be detected late.
        ("grpc.http2.ping_timeout_ms", period),
        # Never send traffic between our own processes through a proxy from the environment.
        ("grpc.enable_http_proxy", 0),
    ]


def open_channel(
    address: str, security: SecuritySettings, *, keepalive: float, message_mb: int = 256
) -> grpc.aio.Channel:
    """Return a new channel to ``address``; with the three TLS files, both sides authenticate each other."""
    options = channel_options(keepalive, message_mb)
    files = _tls_files(security)
    if files is None:
        return grpc.aio.insecure_channel(address, options=options)
    cert, key, ca = files
    credentials = grpc.ssl_channel_credentials(root_certificates=ca, private_key=key, certificate_chain=cert)
    return grpc.aio.secure_channel(address, credentials, options=options)


def server_credentials(security: SecuritySettings) -> grpc.ServerCredentials | None:
    """Return the credentials to listen with, None for plain text."""
    files = _tls_files(security)
    if files is None:
        return None
    cert, key, ca = files
    return grpc.ssl_server_credentials([(key, cert)], root_certificates=ca, require_client_auth=True)


def _tls_files(security: SecuritySettings) -> tuple[bytes, bytes, bytes] | None:
    if security.tls_cert is None or security.tls_key is None or security.tls_ca is None:
        return None
    return _read(security.tls_cert), _read(security.tls_key), _read(security.tls_ca)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot read {path} ({error.strerror}).", where="security", hint="Check security.tls_*."
        ) from error
