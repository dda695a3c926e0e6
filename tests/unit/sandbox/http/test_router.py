"""Any request that the document allows is answered, never with a crash, always as the document says."""

from __future__ import annotations

import logging
from collections import Counter
from importlib import import_module
from pkgutil import walk_packages

import pytest

from nescord_core.discord_api import contract
from nescord_core.sandbox.http import routes
from nescord_core.sandbox.http.model_routes import model_answer, model_operations
from nescord_core.sandbox.http.router import ROUTES, answer, routes_table
from support.sandbox import conformity
from support.sandbox.request_maker import Maker

SEEDS = 8


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_request_crashes_and_every_answer_conforms(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    maker = Maker(seed)
    operations = [each for name, each in contract.operations().items() if name != "leave_guild"]
    maker.random.shuffle(operations)
    statuses: Counter[int] = Counter()
    for operation in operations:
        call = maker.call(operation)
        given = answer(call)
        statuses[given.status] += 1
        if given.status == 204 or given.content_type != "application/json":
            continue
        path = operation.path
        for name, value in call.args.items():
            path = path.replace(f"{{{name}}}", value)
        shown = given.payload
        if given.status == 400:
            shown = {key: value for key, value in shown.items() if key != "errors"}
        assert conformity.check(operation.method, path, given.status, shown) == [], (
            operation.path,
            call.body,
        )
    assert statuses[200] > 60


def test_every_operation_has_one_route_and_the_model_has_those_left_to_it() -> None:
    modules = walk_packages(routes.__path__, f"{routes.__name__}.")
    tables = [import_module(each.name).ROUTES for each in modules if not each.ispkg]
    named = Counter(operation_id for table in tables for operation_id, _ in table.items())
    assert set(named.values()) == {1}
    assert named.keys() == ROUTES.keys()
    assert named.keys() == {each.operation_id for each in contract.operations().values()} | {"list_skus"}
    assert {each for each, route in ROUTES.items() if route is model_answer} <= model_operations().keys()


def test_the_table_names_every_operation_once() -> None:
    rows = list(routes_table())
    assert {(each.method, each.path) for each in contract.operations().values()} == {row[:2] for row in rows}
    assert len(rows) == len(contract.operations())
    states = {row[:2]: row[2] for row in rows}
    assert states["POST", "/channels/{channel_id}/messages"] == "done"
    assert states["PATCH", "/applications/@me"] == "partly"
    assert states["POST", "/partner-sdk/token"] == "missing"
    assert Counter(states.values())["missing"] <= 2
    assert Counter(states.values())["partly"] <= 5
