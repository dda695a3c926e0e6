from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nescord_core.errors import FatalClose, IdentifyBudgetSpent, NescordError, ServiceFailed
from nescord_core.gateway.gateway_info import GatewayInfo
from nescord_core.gateway.identify.queue import SessionStartLimit
from nescord_core.gateway.session_store import SessionStoreError
from nescord_core.services.control.shared_lock import is_locked, shared_lock
from nescord_core.services.ws.messages import Begin, Failed, failure_of, from_parent
from nescord_core.services.ws.plan import TooManyClusters, claim_name, described, lock_name, plan
from nescord_core.settings import SecuritySettings, WsSettings

INFO = GatewayInfo("wss://gateway.example", 6, SessionStartLimit(max_concurrency=16))


def test_shards_are_spread_over_clusters_as_evenly_as_can_be() -> None:
    planned = plan(WsSettings(token="t", intents=1, shards_per_cluster=4), INFO)
    assert planned.clusters == ((0, 1, 2), (3, 4, 5))
    assert (planned.shard_count, planned.gateway_url) == (6, INFO.url)
    assert planned.limit.max_concurrency == 16


def test_a_host_holds_its_part_of_the_shards() -> None:
    settings = WsSettings(token="t", intents=1, shards=64, shard_ids=(32, 33, 40), shards_per_cluster=2)
    assert plan(settings, INFO).clusters == ((32,), (33, 40))


def test_a_shard_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="shard 6 does not exist"):
        plan(WsSettings(token="t", intents=1, shard_ids=(6,)), INFO)


def test_more_processes_than_a_host_may_run_are_refused_with_what_to_do() -> None:
    settings = WsSettings(token="t", intents=1)
    most = settings.max_clusters * settings.shards_per_cluster
    limit = SessionStartLimit()
    assert len(plan(settings, GatewayInfo("wss://g", most, limit)).clusters) == settings.max_clusters
    with pytest.raises(TooManyClusters, match=r"129 processes .* 16, and ws\.max_clusters is 128\. Raise"):
        plan(settings, GatewayInfo("wss://g", most + 1, limit))
    with pytest.raises(TooManyClusters):
        plan(replace(settings, shards=100_000), INFO)
    plan(replace(settings, shards=100_000, shard_ids=tuple(range(64))), INFO)
    plan(replace(settings, shards=100_000, shards_per_cluster=1000), INFO)


def test_the_plan_is_said_in_a_line() -> None:
    limit = SessionStartLimit(remaining=936, max_concurrency=16)
    planned = plan(
        WsSettings(token="t", intents=1, shards=64, shards_per_cluster=16), GatewayInfo("wss://g", 6, limit)
    )
    assert described(planned) == (
        "64 shards of 64 in 4 processes of at most 16 (ws.shards_per_cluster);"
        " 936 of 1000 IDENTIFYs are left today, 16 at a time"
    )
    assert described(plan(WsSettings(token="t", intents=1, shards=1), INFO)).startswith(
        "1 shard of 1 in 1 process;"
    )


def test_names_of_locks_do_not_show_the_token_and_differ_by_it() -> None:
    one, other = WsSettings(token="one.secret", intents=1), WsSettings(token="other.secret", intents=1)
    assert lock_name(one) != lock_name(other)
    assert "secret" not in claim_name(one)
    assert claim_name(one) != lock_name(one)


def test_a_claim_holds_until_the_last_of_its_holders_is_gone(tmp_path: Path) -> None:
    assert not is_locked(tmp_path, "ws")
    with shared_lock(tmp_path, "ws"):
        with shared_lock(tmp_path, "ws"):
            assert is_locked(tmp_path, "ws")
        assert is_locked(tmp_path, "ws")
    assert not is_locked(tmp_path, "ws")


def test_an_order_arrives_as_it_was() -> None:
    from nescord_core.process import parent_channel as channel

    settings = WsSettings(
        token="a.b.c",
        intents=3,
        events=frozenset({"MESSAGE_CREATE"}),
        shard_ids=(1, 2),
        state_dir=Path("/srv/state"),
        security=SecuritySettings(secret="s", tls_ca=Path("/etc/ca.pem")),
        cluster_url="nats://store",
    )
    message = Begin(settings, cluster=1, shard_ids=(1, 2), shard_count=4, gateway_url="wss://g", debug=True)
    ours, theirs = channel.pair()
    with ours, theirs:
        channel.send(ours, message)
        assert channel.receive(theirs, from_parent) == message


@pytest.mark.parametrize(
    "error",
    [
        FatalClose(shard_id=3, code=4014, reason="Disallowed intents"),
        IdentifyBudgetSpent(remaining=3, needed=2, reserve=50, reset_after=60.0),
    ],
)
def test_an_error_that_ends_all_is_the_same_on_the_other_side(error: NescordError) -> None:
    again = failure_of(Failed.of(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.exit_code == error.exit_code


def test_another_error_keeps_its_words() -> None:
    again = failure_of(Failed.of(SessionStoreError("The disk is full.", hint="Make room.")))
    assert isinstance(again, ServiceFailed)
    assert str(again) == "ws: The disk is full. Make room."
