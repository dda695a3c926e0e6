"use strict";
// A stock eris bot. Run as: bot.cjs BASE_URL TOKEN. eris knows https only: its own `agent` option opens plain TCP.

const https = require("node:https");
const net = require("node:net");
const Eris = require("eris");

const [, , url, token] = process.argv;
const { hostname, port } = new URL(url);
const agent = new https.Agent({ keepAlive: true });
agent.createConnection = () => net.connect(Number(port), hostname);

const bot = new Eris.Client(`Bot ${token}`, {
  intents: ["all"],
  restMode: true,
  getAllUsers: true,
  maxShards: "auto",
  rest: { agent, baseURL: "/api/v9", domain: hostname },
});

const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const IMAGE = `data:image/png;base64,${PIXEL.toString("base64")}`;
const { ApplicationCommandTypes: Kinds, ApplicationCommandOptionTypes: Options } = Eris.Constants;
let noted = null;

const guild = () => bot.guilds.find(() => true);
const channel = (name) => guild().channels.find((each) => each.name === name);
const say = (text) => bot.createMessage(channel("general").id, text);
const option = (name, type, more = {}) => ({ name, description: name, type, required: true, ...more });
const row = (...components) => ({ type: 1, components });
const button = (id, custom = id) => ({ type: 2, style: 1, label: id, custom_id: custom });

const COMMANDS = [
  { name: "add", options: [option("one", Options.INTEGER), option("two", Options.INTEGER)] },
  { name: "slow" },
  { name: "fruit", options: [option("name", Options.STRING, { autocomplete: true })] },
  {
    name: "greet",
    options: [
      { name: "user", description: "user", type: Options.SUB_COMMAND, options: [option("who", Options.USER)] },
    ],
  },
  { name: "upload", options: [option("file", Options.ATTACHMENT)] },
].map((each) => ({ ...each, description: each.name, type: Kinds.CHAT_INPUT }));

bot.on("error", (error) => console.log(error.stack ?? error));
process.on("unhandledRejection", (error) => console.log(error.stack ?? error));

bot.once("ready", async () => {
  await bot.bulkEditCommands([
    ...COMMANDS,
    { name: "Who", type: Kinds.USER },
    { name: "Shout", type: Kinds.MESSAGE },
  ]);
  console.log("ready");
});

bot.on("messageCreate", async (message) => {
  if (message.author.bot || !message.guildID) {
    if (message.content === "Picture" && message.embeds.length) await say(`Seen ${message.embeds[0].type}`);
    return;
  }
  if (message.content === "delete me") {
    noted = message.id;
    await say("noted");
  }
  if (message.content.startsWith("!")) await WORDS[message.content.slice(1)](message);
});

bot.on("messageUpdate", (message) => {
  if (!message.author.bot && message.content === "edited") say(`Edited: ${message.content}`);
});
bot.on("messageDelete", (message) => {
  if (message.id === noted) say("Deleted");
});
bot.on("messageReactionAdd", (message, emoji, reactor) => {
  if (reactor.id !== bot.user.id) say(`Reacted ${emoji.name}`);
});
bot.on("guildMemberAdd", (_guild, member) => say(`Welcome ${member.username}`));
bot.on("threadCreate", (thread) => {
  if (thread.ownerID !== bot.user.id) say(`Thread ${thread.name}`);
});
bot.on("typingStart", (_channel, user) => {
  if (user.id !== bot.user.id) say(`Typing ${user.id}`);
});
bot.on("voiceChannelJoin", (member) => say(`Voice ${member.id}`));
bot.on("presenceUpdate", (member) => say(`Presence ${member.id} ${member.status}`));

const WORDS = {
  ping: (message) => message.channel.createMessage({ content: "Pong!", messageReference: { messageID: message.id } }),
  embed: (message) =>
    message.channel.createMessage(
      { content: "Picture", embeds: [{ title: "T", image: { url: "attachment://a.png" } }] },
      { file: PIXEL, name: "a.png" },
    ),
  panel: (message) =>
    message.channel.createMessage({
      content: "Panel",
      components: [
        row(button("edit"), button("form")),
        row({ type: 3, custom_id: "colour", options: ["Red", "Blue"].map((each) => ({ label: each, value: each })) }),
      ],
    }),
  react: async (message) => {
    await message.addReaction("🎉");
    await message.addReaction("👍");
    await message.removeReaction("👍");
    await say("reacted");
  },
  thread: async (message) => {
    const thread = await message.createThreadWithMessage({ name: "talk", autoArchiveDuration: 60 });
    await thread.createMessage("inside");
    await say("threaded");
  },
  dm: async (message) => {
    await (await message.author.getDMChannel()).createMessage("psst");
    await say("sent");
  },
  role: async (message) => {
    const role = await guild().createRole({ name: "new" }, "a reason ü");
    await role.edit({ hoist: true, mentionable: true });
    await message.member.addRole(role.id);
    await message.member.removeRole(role.id);
    await role.delete();
    await say("role done");
  },
  webhook: async (message) => {
    const hook = await bot.createChannelWebhook(message.channel.id, { name: "hook", avatar: IMAGE });
    const sent = await bot.executeWebhook(hook.id, hook.token, { content: "hook", username: "Herald", wait: true });
    await bot.editWebhookMessage(hook.id, hook.token, sent.id, { content: "by hook" });
    await bot.deleteWebhook(hook.id, hook.token);
    await say("webhook done");
  },
  members: async () => {
    const found = await guild().fetchMembers({ query: "al", limit: 5 });
    if (found.length !== 1 || found[0].username !== "alice") throw new Error(`found ${found.length}`);
    await say(`members ${(await guild().fetchMembers()).length}`);
  },
  channel: async () => {
    const made = await guild().createChannel("made", 0, { topic: "a topic" });
    await made.edit({ topic: "another", rateLimitPerUser: 3 });
    await made.editPermission(guild().id, 0n, 2048n, 0);
    await made.delete();
    await say("channel done");
  },
  history: async (message) => say(`history starts with ${(await message.channel.getMessages({ limit: 100 }))[0].content}`),
  purge: async () => say(`purged ${await channel("random").purge({ limit: 10 })}`),
  poll: (message) =>
    message.channel.createMessage({
      poll: { question: { text: "Which?" }, answers: ["this", "that"].map((text) => ({ poll_media: { text } })) },
    }),
  layout: (message) =>
    message.channel.createMessage({
      flags: 1 << 15,
      components: [
        { type: 17, components: [{ type: 10, content: "## Layout" }, row(button("edit", "layout"))] },
      ],
    }),
  idle: async () => {
    bot.editStatus("idle", { name: "chess", type: 0 });
    await say("idling");
  },
  rest: async (message) => {
    const bob = guild().members.find((each) => each.username === "bob");
    await message.channel.sendTyping();
    await message.pin();
    await message.channel.getPins();
    await message.unpin();
    const invite = await message.channel.createInvite({ maxAge: 60 });
    await guild().getInvites();
    await bot.getInvite(invite.code);
    await invite.delete();
    const emoji = await guild().createEmoji({ name: "dot", image: IMAGE });
    await guild().editEmoji(emoji.id, { name: "point" });
    await guild().deleteEmoji(emoji.id);
    await bob.edit({ nick: "Bobby" });
    await guild().getRESTMember(bob.id);
    await bob.ban(0, "rude");
    await guild().getBan(bob.id);
    await guild().getBans();
    await guild().unbanMember(bob.id);
    await bot.getRESTUser(bob.id);
    await bot.getRESTGuild(guild().id);
    await guild().getRESTChannels();
    await guild().getRESTRoles();
    await message.channel.getMessage(message.id);
    await guild().getAuditLog({ limit: 5 });
    await message.removeReactions();
    await say("rest done");
  },
};

bot.on("interactionCreate", async (interaction) => {
  const { data } = interaction;
  if (interaction instanceof Eris.AutocompleteInteraction) {
    const given = data.options.find((each) => each.focused).value;
    const found = ["apple", "pear", "apricot"].filter((each) => each.startsWith(given));
    await interaction.acknowledge(found.map((each) => ({ name: each, value: each })));
  } else if (interaction instanceof Eris.ComponentInteraction) {
    if (data.custom_id === "edit") await interaction.editParent({ content: "Clicked" });
    if (data.custom_id === "layout") await interaction.deferUpdate();
    if (data.custom_id === "colour") await interaction.createMessage(`Chose ${data.values[0]}`);
    if (data.custom_id === "form") {
      const input = { type: 4, custom_id: "name", label: "Name", style: 1 };
      await interaction.createModal({ title: "Form", custom_id: "asked", components: [row(input)] });
    }
  } else if (interaction instanceof Eris.ModalSubmitInteraction) {
    await interaction.createMessage(`Hello ${data.components[0].components[0].value}`);
  } else await COMMAND_HANDLERS[data.name](interaction, data);
});

const COMMAND_HANDLERS = {
  add: (interaction, { options: [one, two] }) =>
    interaction.createMessage({ content: `${one.value + two.value}`, flags: 64 }),
  slow: async (interaction) => {
    await interaction.defer();
    await interaction.editOriginalMessage("Done");
    const sent = await interaction.createFollowup("Followed");
    await interaction.createFollowup(`Follow-up has ${sent.id ? "an" : "no"} id`);
  },
  fruit: (interaction, { options: [name] }) => interaction.createMessage(`${name.value}!`),
  greet: (interaction, { resolved }) => interaction.createMessage(`Hello ${resolved.users.find(() => true).username}`),
  upload: (interaction, { resolved }) => {
    const [file] = Object.values(resolved.attachments);
    return interaction.createMessage(`${file.filename} ${file.size}`);
  },
  Who: (interaction, { target_id: id }) => interaction.createMessage(`It is ${bot.users.get(id).username}`),
  Shout: (interaction, { resolved }) =>
    interaction.createMessage(resolved.messages.find(() => true).content.toUpperCase()),
};

bot.connect();
