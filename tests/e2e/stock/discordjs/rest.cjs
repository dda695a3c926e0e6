"use strict";
// @discordjs/rest alone. Run as: rest.cjs BASE_URL TOKEN. Prints "done" at the end.

const assert = require("node:assert/strict");
const { DiscordAPIError, REST, Routes } = require("discord.js");

const [, , url, token] = process.argv;
const rest = new REST({ api: `${url}/api`, version: "10" }).setToken(token);

async function refused(status, code, attempt) {
  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof DiscordAPIError, error.stack);
    assert.deepEqual([error.status, error.code], [status, code], error.message);
    return true;
  });
}

async function main() {
  const me = await rest.get(Routes.user());
  const [guild] = await rest.get(Routes.userGuilds());
  const channels = await rest.get(Routes.guildChannels(guild.id));
  const general = channels.find((each) => each.name === "general").id;
  const member = await rest.get(Routes.guildMember(guild.id, me.id));
  assert.equal(member.user.id, me.id);
  await rest.patch(Routes.guildMember(guild.id, "@me"), { body: { nick: "Nick" }, reason: "a reason ü" });
  assert.equal((await rest.get(Routes.guildMember(guild.id, me.id))).nick, "Nick");

  const files = [{ name: "one.txt", data: Buffer.from("one") }];
  const body = { content: "hello", attachments: [{ id: 0, description: "text" }] };
  const sent = await rest.post(Routes.channelMessages(general), { body, files });
  assert.equal(sent.attachments[0].description, "text");
  await rest.patch(Routes.channelMessage(general, sent.id), { body: { content: "bye", attachments: [] } });
  const read = await rest.get(Routes.channelMessage(general, sent.id));
  assert.deepEqual([read.content, read.attachments], ["bye", []]);
  await rest.put(Routes.channelMessageOwnReaction(general, sent.id, encodeURIComponent("👍")));
  await rest.delete(Routes.channelMessageOwnReaction(general, sent.id, encodeURIComponent("👍")));
  // Read before and after each write: an answer out of a cache would be the old one.
  for (const name of ["first", "second"]) {
    await rest.patch(Routes.channel(general), { body: { topic: name } });
    assert.equal((await rest.get(Routes.channel(general))).topic, name);
  }
  const hook = await rest.post(Routes.channelWebhooks(general), { body: { name: "hook" } });
  const by = { auth: false, query: new URLSearchParams({ wait: "true" }) };
  const said = await rest.post(Routes.webhook(hook.id, hook.token), { ...by, body: { content: "by hook" } });
  await rest.delete(Routes.webhookMessage(hook.id, hook.token, said.id), { auth: false });
  await rest.delete(Routes.webhook(hook.id));
  await rest.delete(Routes.channelMessage(general, sent.id));

  await refused(404, 10008, () => rest.get(Routes.channelMessage(general, sent.id)));
  await refused(404, 10015, () => rest.get(Routes.webhook(hook.id, hook.token), { auth: false }));
  await refused(404, 10003, () => rest.get(Routes.channel("1")));
  await refused(404, 0, () => rest.get("/no/such/route"));
  await refused(400, 50035, () => rest.get(Routes.channel("nonsense")));
  await refused(400, 50035, () => rest.post(Routes.guildChannels(guild.id), { body: {} }));
  await refused(400, 50109, () =>
    rest.post(Routes.channelMessages(general), {
      body: "{",
      passThroughBody: true,
      headers: { "Content-Type": "application/json" },
    }),
  );
  await refused(403, 50013, () => rest.delete(Routes.guildMember(guild.id, "1191168914227200001")));
  const stranger = new REST({ api: `${url}/api`, version: "10" }).setToken("wrong");
  await refused(401, 0, () => stranger.get(Routes.user()));
  console.log("done");
}

main().catch((error) => {
  console.log(error.stack);
  process.exitCode = 1;
});
