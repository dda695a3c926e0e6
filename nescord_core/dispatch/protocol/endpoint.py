"""What both ends of the wire agree on: version, names, limits and how a connection is secured."""

from __future__ import annotations

from pathlib import Path

import grpc
import grpc.aio

from nescord_core.errors import ConfigError
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

SERVICE = "nescord.v1.Dispatch"
METHOD = f"/{SERVICE}/Connect"
SECRET_KEY = "nescord-secret"  # noqa: S105 - the name of the metadata key, not a secret


def channel_options(keepalive: float, message_mb: int) -> list[tuple[str, int | str]]:
    """Options of ws's side. ``keepalive`` in seconds: a peer that stalls is found within twice that.

    ``message_mb`` bounds a message: a GUILD_CREATE of a large guild is many MB of JSON in one event, far
    above gRPC's own limit of 4 MB.

    https://github.com/grpc/grpc/blob/master/doc/keepalive.md
    """
    return [
        *_limits(keepalive, message_mb),
        # Channels to one address share a connection otherwise, and a new dial after a drain would reach the
        # process that is leaving.
        ("grpc.use_local_subchannel_pool", 1),
        # Dialling again is the sender's own business.
        ("grpc.enable_retries", 0),
    ]


def server_options(keepalive: float, message_mb: int) -> list[tuple[str, int | str]]:
    """Options of main's side; several processes may hold the port, so that one can relieve another."""
    return [
        *_limits(keepalive, message_mb),
        ("grpc.so_reuseport", 1),
        # Pings of a ws that has nothing to send are wanted, not abuse.
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
        # Pings that probe the bandwidth have a time-out of their own, a minute; while one is out no keepalive
        # is sent: without this a peer that stalls right after data is found late.
        ("grpc.http2.ping_timeout_ms", period),
        # A proxy from the environment has no business between two of our own processes.
        ("grpc.enable_http_proxy", 0),
    ]


def open_channel(
    address: str, security: SecuritySettings, *, keepalive: float, message_mb: int = 256
) -> grpc.aio.Channel:
    """Return a new channel to ``address``; with the three TLS files both sides prove who they are."""
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
            f"{path} cannot be read ({error.strerror}).", where="security", hint="Check security.tls_*."
        ) from error
