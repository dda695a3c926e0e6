"use strict";
// A stock seyfert bot. Run as: bot.cjs BASE_URL TOKEN. seyfert opens the gateway over TLS on port 443, whatever its
// URL: Node's own global agent opens plain TCP to the gateway's address instead.

const https = require("node:https");
const net = require("node:net");
const { ApiHandler, Client, ShardManager, createEvent } = require("seyfert");

const [, , url, token] = process.argv;
const intents = (1 << 26) - 1;
const client = new Client({ getRC: () => ({ token, locations: { base: "" }, intents }) });
client.setServices({ rest: new ApiHandler({ token, domain: url, baseUrl: "api/v10" }) });

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const IMAGE = `data:image/png;base64,${PIXEL}`;
const [SUB_COMMAND, STRING, INTEGER, USER, ATTACHMENT] = [1, 3, 4, 6, 11];
const chunks = new Map();
let noted = null;
let guildId = null;
const channels = new Map();

const say = (content) => client.messages.write(channels.get("general"), { content });
const option = (name, type, more = {}) => ({ name, description: name, type, required: true, ...more });
const row = (...components) => ({ type: 1, components });
const button = (label, custom = label) => ({ type: 2, style: 1, label, custom_id: custom });

const COMMANDS = [
  { name: "add", options: [option("one", INTEGER), option("two", INTEGER)] },
  { name: "slow" },
  { name: "fruit", options: [option("name", STRING, { autocomplete: true })] },
  {
    name: "greet",
    options: [{ name: "user", description: "user", type: SUB_COMMAND, options: [option("who", USER)] }],
  },
  { name: "upload", options: [option("file", ATTACHMENT)] },
].map((each) => ({ ...each, description: each.name }));

process.on("unhandledRejection", (error) => console.log(error.stack ?? error));

async function requestMembers(query) {
  const nonce = `${Math.random()}`.slice(2);
  const arrived = new Promise((resolve) => chunks.set(nonce, resolve));
  const d = { guild_id: guildId, query, limit: 0, nonce };
  await client.gateway.send(0, { op: 8, d });
  return arrived;
}

const EVENTS = {
  botReady: async () => {
    if (guildId !== null) return;
    guildId = (await client.proxy.users("@me").guilds.get())[0].id;
    for (const each of await client.proxy.guilds(guildId).channels.get()) channels.set(each.name, each.id);
    await client.proxy.applications(client.applicationId).commands.put({
      body: [...COMMANDS, { name: "Who", type: 2 }, { name: "Shout", type: 3 }],
    });
    console.log("ready");
  },
  guildMembersChunk: ({ nonce, members }) => chunks.get(nonce)?.(members),
  messageCreate: async (message) => {
    if (message.author.bot || !message.guildId) {
      if (message.content === "Picture" && message.embeds.length) await say(`Seen ${message.embeds[0].data.type}`);
      return;
    }
    if (message.content === "delete me") {
      noted = message.id;
      await say("noted");
    }
    if (message.content.startsWith("!")) await WORDS[message.content.slice(1)](message);
  },
  messageUpdate: ([message]) => {
    if (!message.author.bot && message.content === "edited") return say(`Edited: ${message.content}`);
  },
  messageDelete: ({ id, messageId }) => {
    if ((id ?? messageId) === noted) return say("Deleted");
  },
  messageReactionAdd: ({ userId, emoji }) => {
    if (userId !== client.botId) return say(`Reacted ${emoji.name}`);
  },
  guildMemberAdd: (member) => say(`Welcome ${member.user.username}`),
  threadCreate: (thread) => {
    if (thread.ownerId !== client.botId) return say(`Thread ${thread.name}`);
  },
  typingStart: ({ userId }) => {
    if (userId !== client.botId) return say(`Typing ${userId}`);
  },
  voiceStateUpdate: ([{ userId, channelId }]) => {
    if (channelId) return say(`Voice ${userId}`);
  },
  presenceUpdate: ([{ user, status }]) => say(`Presence ${user.id} ${status}`),
  interactionCreate: (interaction) => answer(interaction),
};

const WORDS = {
  ping: ({ id, channelId }) =>
    client.messages.write(channelId, { content: "Pong!", message_reference: { message_id: id } }),
  embed: ({ channelId }) =>
    client.messages.write(channelId, {
      content: "Picture",
      embeds: [{ title: "T", image: { url: "attachment://a.png" } }],
      files: [{ filename: "a.png", data: Buffer.from(PIXEL, "base64") }],
    }),
  panel: ({ channelId }) =>
    client.messages.write(channelId, {
      content: "Panel",
      components: [
        row(button("edit"), button("form")),
        row({ type: 3, custom_id: "colour", options: ["Red", "Blue"].map((each) => ({ label: each, value: each })) }),
      ],
    }),
  react: async ({ id, channelId }) => {
    await client.reactions.add(id, channelId, "🎉");
    await client.reactions.add(id, channelId, "👍");
    await client.reactions.delete(id, channelId, "👍");
    await say("reacted");
  },
  thread: async ({ id, channelId }) => {
    const thread = await client.threads.fromMessage(channelId, id, { name: "talk", auto_archive_duration: 60 });
    await client.messages.write(thread.id, { content: "inside" });
    await say("threaded");
  },
  dm: async ({ author }) => {
    await client.users.write(author.id, { content: "psst" });
    await say("sent");
  },
  role: async ({ author }) => {
    const role = await client.roles.create(guildId, { name: "new" }, "a reason ü");
    await client.roles.edit(guildId, role.id, { hoist: true, mentionable: true });
    await client.members.addRole(guildId, author.id, role.id);
    await client.members.removeRole(guildId, author.id, role.id);
    await client.roles.delete(guildId, role.id);
    await say("role done");
  },
  webhook: async ({ channelId }) => {
    const hook = await client.webhooks.create(channelId, { name: "hook", avatar: IMAGE });
    const body = { content: "hook", username: "Herald" };
    const sent = await client.webhooks.writeMessage(hook.id, hook.token, { body, query: { wait: true } });
    await client.webhooks.editMessage(hook.id, hook.token, { messageId: sent.id, body: { content: "by hook" } });
    await client.webhooks.listFromChannel(channelId);
    await client.webhooks.delete(hook.id, {});
    await say("webhook done");
  },
  members: async () => {
    const found = await requestMembers("al");
    if (found.length !== 1 || found[0].user.username !== "alice") throw new Error(`found ${found.length}`);
    await say(`members ${(await requestMembers("")).length}`);
  },
  channel: async () => {
    const body = { name: "made", topic: "a topic" };
    const made = await client.proxy.guilds(guildId).channels.post({ body });
    await client.channels.edit(made.id, { topic: "another", rate_limit_per_user: 3 });
    await client.channels.editOverwrite(made.id, guildId, { type: 0, allow: [], deny: ["SendMessages"] });
    await client.channels.delete(made.id);
    await say("channel done");
  },
  history: async ({ channelId }) => {
    const found = await client.messages.list(channelId, { limit: 100 });
    await say(`history starts with ${found[0].content}`);
  },
  purge: async () => {
    const found = await client.messages.list(channels.get("random"), { limit: 10 });
    await client.messages.purge(found.map((each) => each.id), channels.get("random"));
    await say(`purged ${found.length}`);
  },
  poll: ({ channelId }) =>
    client.messages.write(channelId, {
      poll: {
        question: { text: "Which?" },
        answers: ["this", "that"].map((text) => ({ poll_media: { text } })),
        duration: 1,
        allow_multiselect: false,
      },
    }),
  layout: ({ channelId }) =>
    client.messages.write(channelId, {
      flags: 1 << 15,
      components: [{ type: 17, components: [{ type: 10, content: "## Layout" }, row(button("edit", "layout"))] }],
    }),
  idle: async () => {
    client.gateway.setPresence({ status: "idle", activities: [{ name: "chess", type: 0 }], since: null, afk: false });
    await say("idling");
  },
  rest: async ({ id, channelId }) => {
    const [{ user: bob }] = await requestMembers("bob");
    await client.channels.typing(channelId);
    await client.channels.setPin(id, channelId);
    await client.channels.pins(channelId);
    await client.channels.deletePin(id, channelId);
    const invite = await client.proxy.channels(channelId).invites.post({ body: { max_age: 60 } });
    await client.invites.get(invite.code);
    await client.invites.delete(invite.code);
    const image = { type: "buffer", data: Buffer.from(PIXEL, "base64") };
    const emoji = await client.emojis.create(guildId, { name: "dot", image });
    await client.emojis.edit(guildId, emoji.id, { name: "point" });
    await client.emojis.delete(guildId, emoji.id);
    await client.members.edit(guildId, bob.id, { nick: "Bobby" });
    await client.members.fetch(guildId, bob.id, true);
    await client.bans.create(guildId, bob.id, {});
    await client.bans.fetch(guildId, bob.id, true);
    await client.bans.list(guildId, {}, true);
    await client.bans.remove(guildId, bob.id);
    await client.users.fetch(bob.id, true);
    await client.guilds.fetch(guildId, true);
    await client.roles.list(guildId, true);
    await client.messages.fetch(id, channelId, true);
    await client.proxy.guilds(guildId)["audit-logs"].get({ query: { limit: 5 } });
    await client.reactions.purge(id, channelId);
    await say("rest done");
  },
};

async function answer(interaction) {
  if (interaction.isAutocomplete()) {
    const found = ["apple", "pear", "apricot"].filter((each) => each.startsWith(interaction.getInput()));
    await interaction.respond(found.map((each) => ({ name: each, value: each })));
  } else if (interaction.isModal()) {
    await interaction.write({ content: `Hello ${interaction.getInputValue("name", true)}` });
  } else if (interaction.customId !== undefined) {
    if (interaction.customId === "edit") await interaction.update({ content: "Clicked" });
    if (interaction.customId === "layout") await interaction.deferUpdate();
    if (interaction.customId === "colour") await interaction.write({ content: `Chose ${interaction.values[0]}` });
    if (interaction.customId === "form") {
      const component = { type: 4, custom_id: "name", style: 1 };
      const label = { type: 18, label: "Name", component };
      await interaction.modal({ title: "Form", custom_id: "asked", components: [label] });
    }
  } else await COMMAND_HANDLERS[interaction.data.name](interaction, interaction.data);
}

const first = (objects) => Object.values(objects)[0];

const COMMAND_HANDLERS = {
  add: (interaction, { options: [one, two] }) => interaction.write({ content: `${one.value + two.value}`, flags: 64 }),
  slow: async (interaction) => {
    await interaction.deferReply();
    await interaction.editResponse({ content: "Done" });
    const sent = await interaction.followup({ content: "Followed" });
    await interaction.followup({ content: `Follow-up has ${sent.id ? "an" : "no"} id` });
  },
  fruit: (interaction, { options: [name] }) => interaction.write({ content: `${name.value}!` }),
  greet: (interaction, { resolved }) => interaction.write({ content: `Hello ${first(resolved.users).username}` }),
  upload: (interaction, { resolved }) => {
    const file = first(resolved.attachments);
    return interaction.write({ content: `${file.filename} ${file.size}` });
  },
  Who: (interaction, { resolved }) => interaction.write({ content: `It is ${first(resolved.users).username}` }),
  Shout: (interaction, { resolved }) =>
    interaction.write({ content: first(resolved.messages).content.toUpperCase() }),
};

client.events.set(Object.entries(EVENTS).map(([name, run]) => createEvent({ data: { name }, run })));

async function main() {
  const info = await client.proxy.gateway.bot.get();
  const gateway = new URL(info.url);
  https.globalAgent.createConnection = () => net.connect(Number(gateway.port), gateway.hostname);
  const options = { token, info, intents, handlePayload() {}, reconnectTimeout: 200 };
  client.setServices({ gateway: new ShardManager(options) });
  await client.start();
}

main();
