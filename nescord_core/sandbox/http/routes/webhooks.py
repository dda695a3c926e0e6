"""Webhooks: create, update, execute, also with bodies in the form of Slack and GitHub.

The token of an interaction works like a webhook's, for follow-ups and the original response.
https://discord.com/developers/docs/resources/webhook
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import Call, Response, Routes, invalid_field
from nescord_core.sandbox.http.split_extra_fields import split_extra_fields
from nescord_core.sandbox.world.extra_fields import extra_fields_of
from nescord_core.sandbox.world.simcord.model import BackendError, Channel, Webhook

__all__ = ["ROUTES"]

NEWLINE = "\n"
ROUTES = Routes()
FORUMS = frozenset({15, 16})
POST_FIELDS = ("thread_name", "applied_tags")
NOT_IN_FOLLOWUPS = frozenset({"username", "avatar_url", *POST_FIELDS})
"""Fields that Discord does not support in follow-ups of interactions."""
MAX_CONTENT = 2000
Payload = dict[str, Any]

ROUTES.answered_by(
    model_answer,
    "get_webhook",
    "delete_webhook",
    "delete_webhook_by_token",
    "list_channel_webhooks",
    "get_guild_webhooks",
)


@ROUTES.answers("create_webhook", "update_webhook", "update_webhook_by_token")
def _create_or_update_webhook(call: Call) -> Any:
    extra, rest = split_extra_fields(call, {"avatar"})
    if _forbidden_name(call.form.get("name")):
        raise invalid_field(
            "name", "USERNAME_INVALID_CONTAINS", 'Username cannot contain "clyde" or "discord"'
        )
    payload = model_answer(rest)
    model = call.world.model
    hook = model.webhooks[int(payload["id"])]
    if call.operation.method == "POST":
        # A webhook that a bot creates belongs to its application, which decides what it may send.
        extra = {**extra, "application_id": str(call.world.application_id)}
    if "avatar" in extra:
        model.users[hook.webhook_user_id].avatar = extra["avatar"]
    extra_fields_of(hook).update(extra)
    payload = {**payload, **extra}
    if "webhook_token" in call.args:
        # With the token, the response has the token and not the user who created the webhook.
        payload = {**payload, "token": call.args["webhook_token"]}
        payload.pop("user", None)
    return payload


def _forbidden_name(name: str | None) -> bool:
    return name is not None and any(each in name.lower() for each in ("clyde", "discord"))


@ROUTES.answers("get_webhook_by_token")
def _get_webhook_by_token(call: Call) -> Any:
    """Return a webhook with its token, without the user who created it.

    https://discord.com/developers/docs/resources/webhook#get-webhook-with-token
    """
    _find_webhook(call)
    payload = {**model_answer(call), "token": call.args["webhook_token"]}
    payload.pop("user", None)
    return payload


# Executing


def _find_webhook(call: Call) -> Webhook | None:
    """Return the webhook in the path; None if the token is an interaction's."""
    model = call.world.model
    webhook_id, token = call.id("webhook_id"), call.args["webhook_token"]
    if token in model.interaction_tokens and webhook_id == call.world.application_id:
        record = model.interactions[model.interaction_tokens[token]]
        if record.expires_at is None or model.now_iso() < record.expires_at:
            if not record.responded:
                raise BackendError(404, 10015, "Unknown Webhook")  # the first response makes the token valid
            return None
    hook = model.webhooks.get(webhook_id)
    if hook is None and webhook_id != call.world.application_id:
        raise BackendError(404, 10015, "Unknown Webhook")
    if hook is None or hook.token != token:
        raise BackendError(401, 50027, "Invalid Webhook Token")
    return hook


@ROUTES.answers("execute_webhook")
def _execute_webhook(call: Call) -> Any:
    hook = _find_webhook(call)
    if hook is None:
        return _create_followup(call)
    target = _target_channel(call, hook)
    # The first message of a post has the id of its thread
    # (https://discord.com/developers/docs/topics/threads#forums).
    first = target if call.form.get("thread_name") else None
    with call.world.model.webhook_in(hook, target, first_id=first):
        return model_answer(_without_post_fields(call))


def _create_followup(call: Call) -> Response:
    """Send a follow-up of an interaction: a webhook's message, for which ``wait`` is always true.

    https://discord.com/developers/docs/interactions/receiving-and-responding#create-followup-message
    """
    body = {name: value for name, value in call.form.items() if name not in NOT_IN_FOLLOWUPS}
    return Response(200, model_answer(replace(call, body=body)))


def _without_post_fields(call: Call) -> Call:
    return replace(call, body={key: value for key, value in call.form.items() if key not in POST_FIELDS})


def _target_channel(call: Call, hook: Webhook) -> int:
    """Return the channel for the message: the webhook's, a thread in it, or a new forum post."""
    model = call.world.model
    channel = model.get_channel(hook.channel_id)
    thread_id, name = call.query.get("thread_id"), call.form.get("thread_name")
    if thread_id is not None and name:
        message = "Webhooks posted to forum channels cannot have both a thread_name and thread_id"
        raise BackendError(400, 220002, message)
    if thread_id is not None:
        return _find_thread(call, channel, int(thread_id))
    if channel.type in FORUMS:
        if not name:
            message = "Webhooks posted to forum channels must have a thread_name or thread_id"
            raise BackendError(400, 220001, message)
        return _create_post(call, hook, channel, name)
    if name:
        raise BackendError(400, 220003, "Webhooks can only create threads in forum channels")
    return channel.id


def _find_thread(call: Call, channel: Channel, thread_id: int) -> int:
    thread = call.world.model.channels.get(thread_id)
    if thread is None or not thread.is_thread or thread.parent_id != channel.id:
        raise BackendError(400, 10003, "Unknown Channel")
    return thread.id


def _create_post(call: Call, hook: Webhook, forum: Channel, name: str) -> int:
    tags = [int(each) for each in call.form.get("applied_tags") or ()]
    known = {int(each["id"]) for each in forum.available_tags}
    if wrong := [each for each in tags if each not in known]:
        raise invalid_field("applied_tags", "FORUM_TAG_INVALID", f"Unknown tag {wrong[0]}.")
    model = call.world.model
    thread = model.create_thread(forum.id, name, hook.webhook_user_id, applied_tags=tags, broadcast=False)
    model.announce_thread_create(thread)
    return thread.id


@ROUTES.answers(
    "get_webhook_message",
    "update_webhook_message",
    "delete_webhook_message",
    "get_original_webhook_message",
    "update_original_webhook_message",
    "delete_original_webhook_message",
)
def _webhook_message(call: Call) -> Any:
    """Get, update or delete a message; one in a thread needs ``thread_id``."""
    model, hook = call.world.model, _find_webhook(call)
    if hook is None or "thread_id" not in call.query:
        return model_answer(call)
    thread_id = _find_thread(call, model.get_channel(hook.channel_id), int(call.query["thread_id"]))
    with model.webhook_in(hook, thread_id):
        return model_answer(call)


# Bodies in the form of Slack and GitHub


@ROUTES.answers("execute_slack_compatible_webhook")
def _execute_slack_webhook(call: Call) -> Any:
    parts = [
        call.form.get("text"),
        *(_slack_attachment_text(each) for each in call.form.get("attachments") or ()),
    ]
    _send(call, "\n".join(each for each in parts if each), call.form.get("username"))
    return Response(200, "ok")


def _slack_attachment_text(attachment: Mapping[str, Any]) -> str:
    fields = [f"{each.get('title')}: {each.get('value')}" for each in attachment.get("fields") or ()]
    lines = [attachment.get(name) for name in ("pretext", "title", "text", "fallback")]
    return "\n".join([*(each for each in lines if each), *fields])


@ROUTES.answers("execute_github_compatible_webhook")
def _execute_github_webhook(call: Call) -> Any:
    """Post a GitHub event. The body decides which: the document lacks the X-GitHub-Event header."""
    form = call.form
    repository = (form.get("repository") or {}).get("full_name") or (form.get("repository") or {}).get("name")
    sender = (form.get("sender") or {}).get("login", "somebody")
    title, lines = _github_event_text(form)
    head = f"[{repository}] {title}" if repository else title
    _send(call, "\n".join([f"**{head}**", *lines]), sender)
    return Response(204)


def _github_event_text(form: Mapping[str, Any]) -> tuple[str, Iterable[str]]:
    """Return the title of the message, and the lines below it."""
    action = form.get("action") or ""
    commits = form.get("commits") or ()
    if commits:
        branch = str(form.get("ref") or "").removeprefix("refs/heads/")
        noun = "commit" if len(commits) == 1 else "commits"
        return f"{len(commits)} new {noun} on {branch}", [
            f"`{str(each.get('id'))[:7]}` {str(each.get('message')).partition(NEWLINE)[0]}"
            for each in commits
        ]
    for name in ("comment", "review", "pull_request", "issue", "discussion", "release"):
        thing = form.get(name)
        if isinstance(thing, Mapping):
            number = f" #{thing['number']}" if thing.get("number") else ""
            title = f": {thing['title']}" if thing.get("title") else ""
            link = thing.get("html_url")
            return f"{name.replace('_', ' ').capitalize()} {action}{number}{title}", [link] if link else []
    if form.get("ref_type"):
        return f"{form['ref_type']} {form.get('ref')}", []
    return action or "event", []


def _send(call: Call, text: str, name: str | None) -> None:
    hook = _find_webhook(call)
    if hook is None:
        raise BackendError(404, 10015, "Unknown Webhook")
    if not text:
        raise BackendError(400, 50006, "Cannot send an empty message")
    call.world.model.create_message(
        _target_channel(call, hook),
        hook.webhook_user_id,
        text[:MAX_CONTENT],
        webhook_id=hook.id,
        author_name=name,
    )
