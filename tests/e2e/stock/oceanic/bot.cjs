"use strict";
// A stock Oceanic bot. Run as: bot.cjs BASE_URL TOKEN. Only the base URL is changed.

const Oceanic = require("oceanic.js");

const [, , url, token] = process.argv;
const bot = new Oceanic.Client({
  auth: `Bot ${token}`,
  gateway: { intents: ["ALL"], getAllUsers: true, maxShards: "auto" },
  rest: { baseURL: `${url}/api/v10` },
});

const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const { ApplicationCommandTypes: Kinds, ApplicationCommandOptionTypes: Options, ComponentTypes } = Oceanic;
let noted = null;

const guild = () => bot.guilds.first();
const channel = (name) => guild().channels.find((each) => each.name === name);
const say = (content) => channel("general").createMessage({ content });
const option = (name, type, more = {}) => ({ name, description: name, type, required: true, ...more });
const row = (...components) => ({ type: ComponentTypes.ACTION_ROW, components });
const button = (label, customID = label) => ({ type: ComponentTypes.BUTTON, style: 1, label, customID });

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
  await bot.application.bulkEditGlobalCommands([
    ...COMMANDS,
    { name: "Who", type: Kinds.USER },
    { name: "Shout", type: Kinds.MESSAGE },
  ]);
  console.log("ready");
});

bot.on("messageCreate", async (message) => {
  if (message.author.bot || !message.guildID) {
    if (message.content === "Picture" && message.embeds.length) await say(`Seen ${message.embeds[0].type ?? "rich"}`);
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
bot.on("messageReactionAdd", (_message, reactor, reaction) => {
  if (reactor.id !== bot.user.id) say(`Reacted ${reaction.emoji.name}`);
});
bot.on("guildMemberAdd", (member) => say(`Welcome ${member.username}`));
bot.on("threadCreate", (thread) => {
  if (thread.ownerID !== bot.user.id) say(`Thread ${thread.name}`);
});
bot.on("typingStart", (_channel, user) => {
  if (user.id !== bot.user.id) say(`Typing ${user.id}`);
});
bot.on("voiceChannelJoin", (member) => say(`Voice ${member.id}`));
bot.on("presenceUpdate", (_guild, member, presence) => say(`Presence ${member.id} ${presence.status}`));

const WORDS = {
  ping: (message) =>
    message.channel.createMessage({ content: "Pong!", messageReference: { messageID: message.id } }),
  embed: (message) =>
    message.channel.createMessage({
      content: "Picture",
      embeds: [{ title: "T", image: { url: "attachment://a.png" } }],
      files: [{ name: "a.png", contents: PIXEL }],
    }),
  panel: (message) =>
    message.channel.createMessage({
      content: "Panel",
      components: [
        row(button("edit"), button("form")),
        row({
          type: ComponentTypes.STRING_SELECT,
          customID: "colour",
          options: ["Red", "Blue"].map((each) => ({ label: each, value: each })),
        }),
      ],
    }),
  react: async (message) => {
    await message.createReaction("🎉");
    await message.createReaction("👍");
    await message.deleteReaction("👍");
    await say("reacted");
  },
  thread: async (message) => {
    const thread = await message.startThread({ name: "talk", autoArchiveDuration: 60 });
    await thread.createMessage({ content: "inside" });
    await say("threaded");
  },
  dm: async (message) => {
    await (await message.author.createDM()).createMessage({ content: "psst" });
    await say("sent");
  },
  role: async (message) => {
    const role = await guild().createRole({ name: "new", reason: "a reason ü" });
    await role.edit({ hoist: true, mentionable: true });
    await message.member.addRole(role.id);
    await message.member.removeRole(role.id);
    await role.delete();
    await say("role done");
  },
  webhook: async (message) => {
    const hook = await message.channel.createWebhook({ name: "hook", avatar: PIXEL });
    const sent = await hook.execute({ content: "hook", username: "Herald", wait: true });
    await hook.editMessage(sent.id, { content: "by hook" });
    await message.channel.getWebhooks();
    await hook.delete();
    await say("webhook done");
  },
  members: async () => {
    const found = await guild().fetchMembers({ query: "al", limit: 5 });
    if (found.length !== 1 || found[0].username !== "alice") throw new Error(`found ${found.length}`);
    await say(`members ${(await guild().fetchMembers()).length}`);
  },
  channel: async () => {
    const made = await guild().createChannel(0, { name: "made", topic: "a topic" });
    await made.edit({ topic: "another", rateLimitPerUser: 3 });
    await made.editPermission(guild().id, { type: 0, allow: "0", deny: "2048" });
    await made.delete();
    await say("channel done");
  },
  history: async (message) =>
    say(`history starts with ${(await message.channel.getMessages({ limit: 100 }))[0].content}`),
  purge: async () => say(`purged ${await channel("random").purge({ limit: 10 })}`),
  poll: (message) =>
    message.channel.createMessage({
      poll: {
        question: { text: "Which?" },
        answers: ["this", "that"].map((text) => ({ pollMedia: { text } })),
        duration: 1,
        allowMultiselect: false,
        layoutType: 1,
      },
    }),
  layout: (message) =>
    message.channel.createMessage({
      flags: Oceanic.MessageFlags.IS_COMPONENTS_V2,
      components: [
        {
          type: ComponentTypes.CONTAINER,
          components: [
            { type: ComponentTypes.TEXT_DISPLAY, content: "## Layout" },
            row(button("edit", "layout")),
          ],
        },
      ],
    }),
  idle: async () => {
    await bot.editStatus("idle", [{ name: "chess", type: 0 }]);
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
    await bot.rest.channels.getInvite(invite.code);
    await invite.deleteInvite();
    const emoji = await guild().createEmoji({ name: "dot", image: PIXEL });
    await guild().editEmoji(emoji.id, { name: "point" });
    await guild().deleteEmoji(emoji.id);
    await bob.edit({ nick: "Bobby" });
    await guild().getMember(bob.id);
    await guild().createBan(bob.id, { reason: "rude" });
    await guild().getBan(bob.id);
    await guild().getBans();
    await guild().removeBan(bob.id);
    await bot.rest.users.get(bob.id);
    await bot.rest.guilds.get(guild().id);
    await bot.rest.guilds.getChannels(guild().id);
    await bot.rest.guilds.getRoles(guild().id);
    await message.channel.getMessage(message.id);
    await guild().getAuditLog({ limit: 5 });
    const start = Date.now() + 3_600_000;
    const event = await guild().createScheduledEvent({
      name: "party",
      entityType: 3,
      privacyLevel: 2,
      scheduledStartTime: new Date(start).toISOString(),
      scheduledEndTime: new Date(start + 3_600_000).toISOString(),
      entityMetadata: { location: "here" },
    });
    await guild().deleteScheduledEvent(event.id);
    await message.deleteReactions();
    await say("rest done");
  },
};

bot.on("interactionCreate", async (interaction) => {
  const { data } = interaction;
  if (interaction.isAutocompleteInteraction()) {
    const given = data.options.getFocused(true).value;
    const found = ["apple", "pear", "apricot"].filter((each) => each.startsWith(given));
    await interaction.result(found.map((each) => ({ name: each, value: each })));
  } else if (interaction.isComponentInteraction()) {
    if (data.customID === "edit") await interaction.editParent({ content: "Clicked" });
    if (data.customID === "layout") await interaction.deferUpdate();
    if (data.customID === "colour") {
      await interaction.createMessage({ content: `Chose ${data.values.getStrings()[0]}` });
    }
    if (data.customID === "form") {
      const input = { type: ComponentTypes.TEXT_INPUT, customID: "name", label: "Name", style: 1 };
      await interaction.createModal({ title: "Form", customID: "asked", components: [row(input)] });
    }
  } else if (interaction.isModalSubmitInteraction()) {
    await interaction.createMessage({ content: `Hello ${data.components.getTextInput("name")}` });
  } else await COMMAND_HANDLERS[data.name](interaction, data);
});

const COMMAND_HANDLERS = {
  add: (interaction, { options }) =>
    interaction.createMessage({
      content: `${options.getInteger("one", true) + options.getInteger("two", true)}`,
      flags: 64,
    }),
  slow: async (interaction) => {
    await interaction.defer();
    await interaction.editOriginal({ content: "Done" });
    const sent = await (await interaction.createFollowup({ content: "Followed" })).getMessage();
    await interaction.createFollowup({ content: `Follow-up has ${sent.id ? "an" : "no"} id` });
  },
  fruit: (interaction, { options }) => interaction.createMessage({ content: `${options.getString("name", true)}!` }),
  greet: (interaction, { options }) =>
    interaction.createMessage({ content: `Hello ${options.getUser("who", true).username}` }),
  upload: (interaction, { options }) => {
    const file = options.getAttachment("file", true);
    return interaction.createMessage({ content: `${file.filename} ${file.size}` });
  },
  Who: (interaction, { target }) => interaction.createMessage({ content: `It is ${target.username}` }),
  Shout: (interaction, { target }) => interaction.createMessage({ content: target.content.toUpperCase() }),
};

bot.connect();
