"use strict";
// A stock discordeno bot. Run as: bot.cjs BASE_URL TOKEN. Only the base URL is changed.

const { createBot, createDesiredPropertiesObject, Intents } = require("@discordeno/bot");

const [, , url, token] = process.argv;
const quiet = { debug() {}, info() {}, warn: console.log, error: console.log, fatal: console.log };
const bot = createBot({
  token,
  intents: Object.values(Intents).reduce((all, each) => (typeof each === "number" ? all | each : all), 0),
  rest: { token, proxy: { baseUrl: `${url}/api` } },
  gateway: { token, cache: { requestMembers: { enabled: true } } },
  desiredProperties: createDesiredPropertiesObject({}, true),
  loggerFactory: () => quiet,
});

const { helpers, rest } = bot;
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const [SUB_COMMAND, STRING, INTEGER, USER, ATTACHMENT] = [1, 3, 4, 6, 11];
let picture = null; // images are given by their address
let noted = null;
let guildId = null;
const channels = new Map();

const say = (text) => helpers.sendMessage(channels.get("general"), { content: text });
const option = (name, type, more = {}) => ({ name, description: name, type, required: true, ...more });
const row = (...components) => ({ type: 1, components });
const button = (label, customId = label) => ({ type: 2, style: 1, label, customId });

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

process.on("unhandledRejection", (error) => console.log(error.stack ?? error, error.cause ?? ""));

bot.events.guildCreate = async (guild) => {
  const known = guildId !== null;
  guildId = guild.id;
  for (const each of await rest.getChannels(guild.id)) channels.set(each.name, BigInt(each.id));
  if (known) return;
  await helpers.upsertGlobalApplicationCommands([
    ...COMMANDS,
    { name: "Who", type: 2 },
    { name: "Shout", type: 3 },
  ]);
  console.log("ready");
};

bot.events.messageCreate = async (message) => {
  if (message.author.toggles.bot || !message.guildId) {
    if (message.content === "Picture" && message.embeds.length) await say(`Seen ${message.embeds[0].type}`);
    return;
  }
  if (message.content === "delete me") {
    noted = message.id;
    await say("noted");
  }
  if (message.content.startsWith("!")) await WORDS[message.content.slice(1)](message);
};
bot.events.messageUpdate = (message) => {
  if (!message.author.toggles.bot && message.content === "edited") return say(`Edited: ${message.content}`);
};
bot.events.messageDelete = ({ id }) => {
  if (id === noted) return say("Deleted");
};
bot.events.reactionAdd = ({ userId, emoji }) => {
  if (userId !== bot.id) return say(`Reacted ${emoji.name}`);
};
bot.events.guildMemberAdd = (_member, user) => say(`Welcome ${user.username}`);
bot.events.threadCreate = (thread) => {
  if (thread.ownerId !== bot.id) return say(`Thread ${thread.name}`);
};
bot.events.typingStart = ({ userId }) => {
  if (userId !== bot.id) return say(`Typing ${userId}`);
};
bot.events.voiceStateUpdate = ({ userId, channelId }) => {
  if (channelId) return say(`Voice ${userId}`);
};
bot.events.presenceUpdate = ({ user, status }) => {
  const names = ["online", "dnd", "idle", "invisible", "offline"];
  return say(`Presence ${user.id} ${typeof status === "number" ? names[status] : status}`);
};

const WORDS = {
  ping: ({ id, channelId }) =>
    helpers.sendMessage(channelId, { content: "Pong!", messageReference: { messageId: id, failIfNotExists: true } }),
  embed: async ({ channelId }) => {
    const sent = await helpers.sendMessage(channelId, {
      content: "Picture",
      embeds: [{ title: "T", image: { url: "attachment://a.png" } }],
      files: [{ name: "a.png", blob: new Blob([Buffer.from(PIXEL, "base64")], { type: "image/png" }) }],
    });
    picture = sent.embeds[0].image.url;
  },
  panel: ({ channelId }) =>
    helpers.sendMessage(channelId, {
      content: "Panel",
      components: [
        row(button("edit"), button("form")),
        row({ type: 3, customId: "colour", options: ["Red", "Blue"].map((each) => ({ label: each, value: each })) }),
      ],
    }),
  react: async ({ id, channelId }) => {
    await helpers.addReaction(channelId, id, "🎉");
    await helpers.addReaction(channelId, id, "👍");
    await helpers.deleteOwnReaction(channelId, id, "👍");
    await say("reacted");
  },
  thread: async ({ id, channelId }) => {
    const thread = await helpers.startThreadWithMessage(channelId, id, { name: "talk", autoArchiveDuration: 60 });
    await helpers.sendMessage(thread.id, { content: "inside" });
    await say("threaded");
  },
  dm: async ({ author }) => {
    await helpers.sendMessage((await helpers.getDmChannel(author.id)).id, { content: "psst" });
    await say("sent");
  },
  role: async ({ author }) => {
    const role = await helpers.createRole(guildId, { name: "new" }, "a reason ü");
    await helpers.editRole(guildId, role.id, { hoist: true, mentionable: true });
    await helpers.addRole(guildId, author.id, role.id);
    await helpers.removeRole(guildId, author.id, role.id);
    await helpers.deleteRole(guildId, role.id);
    await say("role done");
  },
  webhook: async ({ channelId }) => {
    const hook = await helpers.createWebhook(channelId, { name: "hook", avatar: picture });
    const sent = await helpers.executeWebhook(hook.id, hook.token, { content: "hook", username: "Herald", wait: true });
    await helpers.editWebhookMessage(hook.id, hook.token, sent.id, { content: "by hook" });
    await helpers.getChannelWebhooks(channelId);
    await helpers.deleteWebhook(hook.id);
    await say("webhook done");
  },
  members: async () => {
    const found = await bot.gateway.requestMembers(guildId, { query: "al", limit: 5 });
    if (found.length !== 1 || found[0].user.username !== "alice") throw new Error(`found ${found.length}`);
    await say(`members ${(await bot.gateway.requestMembers(guildId, { query: "", limit: 0 })).length}`);
  },
  channel: async () => {
    const made = await helpers.createChannel(guildId, { name: "made", topic: "a topic" });
    await helpers.editChannel(made.id, { topic: "another", rateLimitPerUser: 3 });
    await helpers.editChannelPermissionOverrides(made.id, { id: guildId, type: 0, deny: ["SEND_MESSAGES"] });
    await helpers.deleteChannel(made.id);
    await say("channel done");
  },
  history: async ({ channelId }) => {
    const found = await helpers.getMessages(channelId, { limit: 100 });
    await say(`history starts with ${found[0].content}`);
  },
  purge: async () => {
    const found = await helpers.getMessages(channels.get("random"), { limit: 10 });
    await helpers.deleteMessages(channels.get("random"), found.map((each) => each.id));
    await say(`purged ${found.length}`);
  },
  poll: ({ channelId }) =>
    helpers.sendMessage(channelId, {
      poll: {
        question: { text: "Which?" },
        answers: ["this", "that"].map((text) => ({ pollMedia: { text } })),
        duration: 1,
        allowMultiselect: false,
      },
    }),
  layout: ({ channelId }) =>
    helpers.sendMessage(channelId, {
      flags: 1 << 15,
      components: [{ type: 17, components: [{ type: 10, content: "## Layout" }, row(button("edit", "layout"))] }],
    }),
  idle: async () => {
    await bot.gateway.editBotStatus({ status: "idle", activities: [{ name: "chess", type: 0 }] });
    await say("idling");
  },
  rest: async ({ id, channelId }) => {
    const [bob] = await bot.gateway.requestMembers(guildId, { query: "bob", limit: 1 });
    await helpers.triggerTypingIndicator(channelId);
    await helpers.pinMessage(channelId, id);
    await helpers.unpinMessage(channelId, id);
    const invite = await rest.createInvite(channelId, { maxAge: 60 });
    await rest.getInvites(guildId);
    await rest.getInvite(invite.code);
    await rest.deleteInvite(invite.code);
    const emoji = await rest.createEmoji(guildId, { name: "dot", image: picture });
    await rest.editEmoji(guildId, emoji.id, { name: "point" });
    await rest.deleteEmoji(guildId, emoji.id);
    await helpers.editMember(guildId, bob.user.id, { nick: "Bobby" });
    await helpers.getMember(guildId, bob.user.id);
    await helpers.banMember(guildId, bob.user.id, {}, "rude");
    await helpers.getBan(guildId, bob.user.id);
    await helpers.getBans(guildId);
    await helpers.unbanMember(guildId, bob.user.id);
    await helpers.getUser(bob.user.id);
    await helpers.getGuild(guildId);
    await helpers.getChannels(guildId);
    await helpers.getRoles(guildId);
    await helpers.getMessage(channelId, id);
    await helpers.getAuditLog(guildId, { limit: 5 });
    await helpers.deleteReactionsAll(channelId, id);
    await say("rest done");
  },
};

bot.events.interactionCreate = async (interaction) => {
  const { data } = interaction;
  if (interaction.type === 4) {
    const given = data.options.find((each) => each.focused).value;
    const found = ["apple", "pear", "apricot"].filter((each) => each.startsWith(given));
    await interaction.respond({ choices: found.map((each) => ({ name: each, value: each })) });
  } else if (interaction.type === 3) {
    if (data.customId === "edit") await interaction.edit({ content: "Clicked" });
    if (data.customId === "layout") await interaction.deferEdit();
    if (data.customId === "colour") await interaction.respond(`Chose ${data.values[0]}`);
    if (data.customId === "form") {
      const input = { type: 4, customId: "name", label: "Name", style: 1 };
      await interaction.respond({ title: "Form", customId: "asked", components: [row(input)] });
    }
  } else if (interaction.type === 5) {
    await interaction.respond(`Hello ${data.components[0].components[0].value}`);
  } else await COMMAND_HANDLERS[data.name](interaction, data);
};

const first = (collection) => [...collection.values()][0];

const COMMAND_HANDLERS = {
  add: (interaction, { options: [one, two] }) => interaction.respond(`${one.value + two.value}`, { isPrivate: true }),
  slow: async (interaction) => {
    await interaction.defer();
    await interaction.edit("Done");
    const sent = await interaction.respond("Followed");
    await interaction.respond(`Follow-up has ${sent.id ? "an" : "no"} id`);
  },
  fruit: (interaction, { options: [name] }) => interaction.respond(`${name.value}!`),
  greet: (interaction, { resolved }) => interaction.respond(`Hello ${first(resolved.users).username}`),
  upload: (interaction, { resolved }) => {
    const file = first(resolved.attachments);
    return interaction.respond(`${file.filename} ${file.size}`);
  },
  Who: (interaction, { resolved }) => interaction.respond(`It is ${first(resolved.users).username}`),
  Shout: (interaction, { resolved }) => interaction.respond(first(resolved.messages).content.toUpperCase()),
};

bot.start();
