"""Responses to interactions. Follow-ups and the original response are in `webhooks`.

https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nescord_core.sandbox.http.message_rules import callback_problems
from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import Call, Routes
from nescord_core.sandbox.world.simcord.model import BackendError

__all__ = ["ROUTES"]

ROUTES = Routes()
PONG, LAUNCH_ACTIVITY = 1, 12


@ROUTES.answers("create_interaction_response")
def _create_interaction_response(call: Call) -> Any:
    """Respond to an interaction, with a callback type that its type accepts."""
    model, kind = call.world.model, call.form.get("type")
    record = model.interactions.get(call.id("interaction_id"))
    if record is None or record.token != call.args["interaction_token"] or record.responded:
        return model_answer(call)
    if problems := callback_problems(record.type, kind):
        raise BackendError(400, 50035, "Invalid Form Body", errors=problems)
    if kind != LAUNCH_ACTIVITY:
        return model_answer(call)
    model_answer(replace(call, body={"type": PONG}))  # marks it as responded, or refuses when it is too late
    instance = call.world.start_activity(record.channel_id, record.user_id)
    interaction = {"id": str(record.id), "type": record.type, "activity_instance_id": instance["instance_id"]}
    resource = {"type": LAUNCH_ACTIVITY, "activity_instance": {"id": instance["instance_id"]}}
    return {"interaction": interaction, "resource": resource}
