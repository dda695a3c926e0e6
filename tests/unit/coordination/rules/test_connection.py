"""The quarantine after a gap, and what the other members' word is worth."""

from __future__ import annotations

from nescord_core.coordination.rules import testimony as members
from nescord_core.coordination.rules.connection import Connection
from nescord_core.coordination.rules.terms import Terms

TERMS = Terms()


def ticked(connection: Connection, first: float, last: float) -> None:
    while first <= last:
        connection.tick(first)
        first += 0.25


def test_nothing_is_claimed_before_the_connection_has_lasted() -> None:
    connection = Connection(TERMS)
    connection.connected(100.0)
    ticked(connection, 100.0, 106.9)
    assert not connection.may_claim(106.9)
    assert connection.may_claim(107.0)


def test_a_gap_begins_the_quarantine_again() -> None:
    connection = Connection(TERMS)
    connection.connected(100.0)
    ticked(connection, 100.0, 110.0)
    connection.gap()
    assert not connection.answers
    assert not connection.may_claim(1000.0)
    connection.connected(111.0)
    assert not connection.may_claim(117.9)
    assert connection.may_claim(118.0)


def test_a_process_that_did_not_run_counts_it_as_a_gap() -> None:
    connection = Connection(TERMS)
    connection.connected(100.0)
    ticked(connection, 100.0, 110.0)
    connection.tick(170.0)
    assert not connection.may_claim(170.0)
    assert connection.answers, "the connection itself may have lasted"


def test_leases_are_safe_while_every_member_has_a_gap() -> None:
    testimony = members.Testimony(TERMS)
    assert testimony.kept_until(["a", "b"]) == float("-inf")
    testimony.heard("a", 100.0, store_answers=False)
    assert testimony.kept_until(["a", "b"]) == float("-inf"), "b has not answered"
    testimony.heard("b", 101.0, store_answers=False)
    assert testimony.kept_until(["a", "b"]) == 106.0, "a may claim at 107 by its clock"
    testimony.heard("a", 102.0, store_answers=True)
    assert testimony.kept_until(["a", "b"]) == 106.0, "its quarantine began after 100"
    testimony.heard("b", 99.0, store_answers=False)
    assert testimony.kept_until(["b"]) == 107.0, "an answer that comes late takes nothing back"


def test_a_host_without_others_loses_nothing_to_them() -> None:
    assert members.Testimony(TERMS).kept_until([]) == float("inf")
