"""Soundboard, voice, stages, scheduled events, auto moderation."""

from __future__ import annotations

from support.sandbox.walkthrough.walk import Walk


async def sounds_and_voice(walk: Walk) -> None:
    base = f"/guilds/{walk.guild}/soundboard-sounds"
    made = await walk.ok("POST", base, {"name": "boo", "sound": "data:audio/ogg;base64,T2dnUw=="})
    await walk.ok("GET", base)
    await walk.ok("GET", f"{base}/{made['sound_id']}")
    await walk.ok("PATCH", f"{base}/{made['sound_id']}", {"name": "boo!"})
    sound = {"sound_id": made["sound_id"]}
    await walk.ok("POST", f"/channels/{walk.voice}/send-soundboard-sound", sound)
    await walk.ok("DELETE", f"{base}/{made['sound_id']}")
    await walk.ok("PUT", f"/channels/{walk.voice}/voice-status", {"status": "Talking"})
    stage = int(walk.world.create_channel("stage", kind="stage")["id"])
    walk.world.set_bot_voice(walk.guild, stage)
    walk.world.voice_join(stage, "alice")
    states = f"/guilds/{walk.guild}/voice-states"
    for who in ("@me", walk.alice):
        await walk.ok("GET", f"{states}/{who}")
        await walk.ok("PATCH", f"{states}/{who}", {"channel_id": str(stage), "suppress": True})
    topic = {"channel_id": str(stage), "topic": "News"}
    await walk.ok("POST", "/stage-instances", topic)
    await walk.ok("GET", f"/stage-instances/{stage}")
    await walk.ok("PATCH", f"/stage-instances/{stage}", {"topic": "More news"})
    await walk.ok("DELETE", f"/stage-instances/{stage}")


async def events_and_automod(walk: Walk) -> None:
    base = f"/guilds/{walk.guild}/scheduled-events"
    event = {
        "name": "party",
        "privacy_level": 2,
        "entity_type": 3,
        "scheduled_start_time": "2030-01-01T00:00:00+00:00",
        "scheduled_end_time": "2030-01-02T00:00:00+00:00",
        "entity_metadata": {"location": "here"},
    }
    made = await walk.ok("POST", base, event)
    path = f"{base}/{made['id']}"
    await walk.ok("GET", base)
    await walk.ok("GET", path)
    await walk.ok("PATCH", path, {"name": "big party"})
    await walk.ok("GET", f"{path}/users")
    await walk.ok("GET", f"{path}/users/counts")
    await walk.ok("DELETE", path)
    base = f"/guilds/{walk.guild}/auto-moderation/rules"
    rule = {
        "name": "no",
        "event_type": 1,
        "trigger_type": 1,
        "trigger_metadata": {"keyword_filter": ["forbidden"]},
        "actions": [{"type": 1, "metadata": {}}],
        "enabled": True,
    }
    made = await walk.ok("POST", base, rule)
    await walk.ok("GET", base)
    await walk.ok("GET", f"{base}/{made['id']}")
    await walk.ok("PATCH", f"{base}/{made['id']}", {"name": "no no"})
    await walk.ok("DELETE", f"{base}/{made['id']}")
