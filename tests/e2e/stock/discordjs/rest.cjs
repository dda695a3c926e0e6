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

async function talk(channel) {
  await rest.post(Routes.channelTyping(channel));
  const said = await rest.post(Routes.channelMessages(channel), { body: { content: "pin me" } });
  await rest.put(Routes.channelMessagesPin(channel, said.id));
  assert.deepEqual((await rest.get(Routes.channelMessagesPins(channel))).items.map((each) => each.message.id), [
    said.id,
  ]);
  await rest.delete(Routes.channelMessagesPin(channel, said.id));
  const query = new URLSearchParams({ limit: "5" });
  assert.ok((await rest.get(Routes.channelMessages(channel), { query })).some((each) => each.id === said.id));
  const thread = await rest.post(Routes.threads(channel, said.id), { body: { name: "talk" } });
  await rest.delete(Routes.threadMembers(thread.id, "@me"));
  await rest.put(Routes.threadMembers(thread.id, "@me"));
  await rest.delete(Routes.channel(thread.id));
  const invite = await rest.post(Routes.channelInvites(channel), { body: { max_age: 60 } });
  assert.equal((await rest.get(Routes.invite(invite.code))).code, invite.code);
  assert.equal((await rest.get(Routes.channelInvites(channel))).length, 1);
  await rest.delete(Routes.invite(invite.code));
  const other = await rest.post(Routes.channelMessages(channel), { body: { content: "and me" } });
  await rest.post(Routes.channelBulkDelete(channel), { body: { messages: [said.id, other.id] } });
}

async function rule(guild, channel) {
  assert.equal((await rest.get(Routes.guild(guild))).id, guild);
  const role = await rest.post(Routes.guildRoles(guild), { body: { name: "red", color: 0xff0000 } });
  await rest.patch(Routes.guildRole(guild, role.id), { body: { name: "redder" } });
  assert.ok((await rest.get(Routes.guildRoles(guild))).some((each) => each.name === "redder"));
  const overwrite = { allow: "1024", deny: "0", type: 0 };
  await rest.put(Routes.channelPermission(channel, role.id), { body: overwrite });
  await rest.delete(Routes.channelPermission(channel, role.id));
  await rest.delete(Routes.guildRole(guild, role.id));
  const made = await rest.post(Routes.guildChannels(guild), { body: { name: "new", type: 0 } });
  await rest.patch(Routes.guildChannels(guild), { body: [{ id: made.id, position: 1 }] });
  await rest.delete(Routes.channel(made.id));
  assert.deepEqual(await rest.get(Routes.guildBans(guild)), []);
  assert.ok(Array.isArray(await rest.get(Routes.guildEmojis(guild))));
  assert.ok((await rest.get(Routes.guildActiveThreads(guild))).threads);
  assert.ok((await rest.get(Routes.guildAuditLog(guild))).audit_log_entries.length);
  assert.ok((await rest.get(Routes.gatewayBot())).session_start_limit.total);
}

async function command(application, guild) {
  const body = { name: "add", description: "Add numbers" };
  const made = await rest.post(Routes.applicationGuildCommands(application, guild), { body });
  const route = Routes.applicationGuildCommand(application, guild, made.id);
  await rest.patch(route, { body: { description: "Add more numbers" } });
  assert.equal((await rest.get(route)).description, "Add more numbers");
  await rest.delete(route);
  await rest.put(Routes.applicationCommands(application), { body: [body] });
  assert.equal((await rest.get(Routes.applicationCommands(application))).length, 1);
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

  await talk(general);
  await rule(guild.id, general);
  await command(me.id, guild.id);

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
