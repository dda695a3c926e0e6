"""Routes of Discord's REST operations, one module for each resource.

| module | answers |
|---|---|
| applications | the bot's application, its emoji, SKUs, subscriptions, entitlements; the gateway's URL |
| channels | channels, permission overwrites, threads, typing, followers |
| commands | application commands and their permissions |
| expressions | emoji and stickers of guilds, sticker packs |
| guilds | guilds, welcome screen, widget, onboarding, integrations, templates, audit log |
| interactions | responses to interactions |
| invites | invites |
| members | members and their roles, prune, requests to join |
| messages | messages, reactions, polls, pins |
| moderation | bans, auto moderation |
| roles | roles of guilds |
| scheduled_events | scheduled events |
| search | search in messages and threads |
| users | the calling user, users by id, direct messages, OAuth2 |
| voice | voice states, regions, stage instances, the soundboard |
| webhooks | webhooks, and follow-ups to interactions |
| social_sdk | lobbies, provisional accounts |

Every operation of the API is named exactly once in these modules, by its operationId in
``nescord_core/discord_api/contract.json``. To find what answers a request, search this folder for that id:
``PATCH /channels/{channel_id}`` is ``"update_channel"``, which is in ``channels``. The function below
``@ROUTES.answers(...)`` answers the operations named there. The operations listed in ``ROUTES.answered_by(
model_answer, ...)`` need no function here: the model's own route for the same method and path answers them
(`nescord_core.sandbox.http.model_routes` calls it; it is in ``simcord.http.routes``).

A route only answers. Checks of the request, rate limits, the audit log and the completion of the response
are in `router` and the modules beside it.
"""
