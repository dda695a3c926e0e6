"use strict";
// A stock discord.js bot. Run as: bot.cjs BASE_URL TOKEN. Only the REST address is changed, by its own option;
// the gateway's comes from GET /gateway/bot. On "!tour" it goes through the API, and says "toured".

const assert = require("node:assert/strict");
const djs = require("discord.js");

const [, , url, token] = process.argv;
const client = new djs.Client({
  intents: Object.values(djs.GatewayIntentBits).filter((each) => typeof each === "number"),
  partials: [djs.Partials.Channel, djs.Partials.Message, djs.Partials.Reaction],
  shards: "auto",
  rest: { api: `${url}/api` },
});

const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

const commands = [
  new djs.SlashCommandBuilder()
    .setName("add")
    .setDescription("Add numbers")
    .addIntegerOption((option) => option.setName("one").setDescription("1").setRequired(true))
    .addIntegerOption((option) => option.setName("two").setDescription("2").setRequired(true)),
  new djs.SlashCommandBuilder()
    .setName("fruit")
    .setDescription("Find a fruit")
    .addStringOption((option) => option.setName("name").setDescription("name").setAutocomplete(true)),
  new djs.ContextMenuCommandBuilder().setName("Shout").setType(djs.ApplicationCommandType.Message),
];

client.once(djs.Events.ClientReady, async () => {
  await client.application.commands.set(commands);
  console.log(`ready ${client.guilds.cache.size} ${client.ws.shards.size}`);
});

client.on(djs.Events.MessageReactionAdd, async (reaction, user) => {
  if (user.id !== client.user.id && reaction.message.author?.id === client.user.id) {
    await reaction.message.channel.send(`Reacted ${reaction.emoji}`);
  }
});

client.on(djs.Events.MessageCreate, async (message) => {
  if (message.author.bot) return;
  const word = message.content;
  if (word === "!ping") await message.channel.send("Pong!");
  if (word === "!panel") await message.channel.send({ content: "Panel", components: panel() });
  if (word === "!members") {
    client.user.setPresence({ activities: [{ name: "chess" }], status: "idle" });
    const found = await message.guild.members.fetch({ query: "al", limit: 5 });
    const all = await message.guild.members.fetch();
    await message.reply(`${found.map((each) => each.user.username).join(", ")} of ${all.size}`);
  }
  if (word === "!tour") await tour(message);
});

client.on(djs.Events.InteractionCreate, async (interaction) => {
  if (interaction.isAutocomplete()) {
    const found = ["apple", "pear", "apricot"].filter((each) => each.startsWith(interaction.options.getFocused()));
    return interaction.respond(found.map((each) => ({ name: each, value: each })));
  }
  if (interaction.commandName === "add") {
    const sum = interaction.options.getInteger("one") + interaction.options.getInteger("two");
    const answer = await interaction.reply({ content: `${sum}`, flags: djs.MessageFlags.Ephemeral, withResponse: true });
    assert.equal(answer.resource.message.content, `${sum}`);
    return interaction.editReply(`= ${sum}`);
  }
  if (interaction.commandName === "fruit") {
    await interaction.deferReply();
    await interaction.followUp("fills what was deferred");
    const sent = await interaction.followUp(interaction.options.getString("name"));
    await interaction.webhook.editMessage(sent.id, `${interaction.options.getString("name")}!`);
    return interaction.deleteReply();
  }
  if (interaction.commandName === "Shout") return interaction.reply(interaction.targetMessage.content.toUpperCase());
  if (interaction.isStringSelectMenu()) return interaction.reply(`Chose ${interaction.values[0]}`);
  if (interaction.customId === "again") {
    await interaction.update({ content: "Clicked", components: [] });
    return interaction.followUp({ content: "Followed", flags: djs.MessageFlags.Ephemeral });
  }
  if (interaction.customId === "form" && interaction.isButton()) return interaction.showModal(form());
  if (interaction.isModalSubmit()) {
    await interaction.deferReply();
    return interaction.editReply(`Hello ${interaction.fields.getTextInputValue("name")}`);
  }
});

function panel() {
  const button = (id) => new djs.ButtonBuilder().setCustomId(id).setLabel(id).setStyle(djs.ButtonStyle.Primary);
  const select = new djs.StringSelectMenuBuilder()
    .setCustomId("colour")
    .addOptions({ label: "Red", value: "Red" }, { label: "Blue", value: "Blue" });
  return [
    new djs.ActionRowBuilder().addComponents(button("again"), button("form")),
    new djs.ActionRowBuilder().addComponents(select),
  ];
}

function form() {
  const input = new djs.TextInputBuilder().setCustomId("name").setLabel("Name").setStyle(djs.TextInputStyle.Short);
  return new djs.ModalBuilder()
    .setCustomId("asked")
    .setTitle("Form")
    .addComponents(new djs.ActionRowBuilder().addComponents(input));
}

const PARTS = { messages, reactions, threads, webhooks, moderation, guildThings, questions, errors };

async function tour(message) {
  const failed = [];
  for (const [name, part] of Object.entries(PARTS)) {
    try {
      await part(message);
    } catch (error) {
      console.log(error.stack, JSON.stringify(error.requestBody?.json));
      failed.push(name);
    }
  }
  await message.channel.send(failed.length ? `failed: ${failed.join(", ")}` : "toured");
}

async function messages({ channel, author }) {
  await channel.sendTyping();
  const embed = new djs.EmbedBuilder().setTitle("T").setDescription("D").setColor(255).setTimestamp();
  const files = [new djs.AttachmentBuilder(Buffer.from("one"), { name: "one.txt", description: "text" })];
  const sent = await channel.send({ content: "hello", embeds: [embed], files, nonce: "7", enforceNonce: true });
  assert.equal(sent.attachments.first().description, "text");
  const data = await fetch(sent.attachments.first().url);
  assert.equal(await data.text(), "one");
  const edited = await sent.edit({ content: "bye", embeds: [], files: [{ attachment: PIXEL, name: "p.png" }] });
  assert.deepEqual(edited.attachments.map((each) => each.name), ["p.png"]);
  await sent.pin();
  assert.equal((await channel.messages.fetchPins()).items.length, 1);
  await sent.unpin();
  const reply = await sent.reply({ content: "an answer", allowedMentions: { repliedUser: false } });
  assert.equal((await reply.fetchReference()).id, sent.id);
  assert.ok((await channel.messages.fetch({ around: sent.id, limit: 5, cache: false })).has(sent.id));
  const poll = { question: { text: "Which?" }, answers: [{ text: "this" }, { text: "that" }], duration: 1 };
  const asked = await channel.send({ poll: { ...poll, allowMultiselect: false } });
  assert.equal((await asked.poll.answers.first().voters.fetch()).size, 0);
  await asked.poll.end();
  const forwarded = await reply.forward(channel);
  assert.equal(forwarded.messageSnapshots.first().content, "an answer");
  await channel.bulkDelete([reply, forwarded]);
  await sent.delete();
  const text = new djs.TextDisplayBuilder().setContent("## Components");
  const shown = await channel.send({ components: [text], flags: djs.MessageFlags.IsComponentsV2 });
  assert.equal(shown.components.length, 1);
  const direct = await author.send("psst");
  await direct.edit("psst!");
}

async function reactions({ channel }) {
  const sent = await channel.send("react");
  await sent.react("👍");
  await sent.react("🎉");
  const fetched = await sent.fetch(true);
  assert.deepEqual([...fetched.reactions.cache.keys()], ["👍", "🎉"]);
  assert.ok((await fetched.reactions.cache.get("👍").users.fetch()).has(client.user.id));
  await fetched.reactions.cache.get("👍").users.remove(client.user);
  await fetched.reactions.cache.get("🎉").remove();
  await fetched.reactions.removeAll();
}

async function threads({ channel, author, guild }) {
  const thread = await (await channel.send("start")).startThread({ name: "talk", autoArchiveDuration: 60 });
  await thread.send("inside");
  await thread.members.add(author);
  assert.ok((await thread.members.fetch({ withMember: true, cache: false })).has(author.id));
  await thread.members.remove(author.id);
  await thread.edit({ name: "renamed", rateLimitPerUser: 5 });
  assert.ok((await guild.channels.fetchActiveThreads()).threads.has(thread.id));
  await thread.leave();
  await thread.join();
  await thread.setArchived(true);
  assert.ok((await channel.threads.fetchArchived()).threads.has(thread.id));
  await thread.delete();
  const forum = await guild.channels.create({
    name: "forum",
    type: djs.ChannelType.GuildForum,
    availableTags: [{ name: "new", moderated: false, emoji: null }],
  });
  assert.equal(forum.availableTags[0].name, "new");
  const post = await forum.threads.create({
    name: "post",
    message: { content: "first" },
    appliedTags: [forum.availableTags[0].id],
  });
  assert.equal((await post.fetchStarterMessage()).content, "first");
  await forum.delete();
}

async function webhooks({ channel, guild }) {
  const hook = await channel.createWebhook({ name: "hook", avatar: PIXEL });
  const sent = await hook.send({ content: "by hook", username: "Herald", files: [Buffer.from("x")] });
  await hook.editMessage(sent, "by hook, changed");
  assert.equal((await hook.fetchMessage(sent.id)).content, "by hook, changed");
  await hook.deleteMessage(sent);
  assert.ok((await channel.fetchWebhooks()).has(hook.id));
  assert.ok((await guild.fetchWebhooks()).has(hook.id));
  await hook.edit({ name: "crook" });
  assert.equal((await client.fetchWebhook(hook.id)).name, "crook");
  assert.equal((await client.fetchWebhook(hook.id, hook.token)).token, hook.token);
  await hook.delete();
}

async function moderation({ guild }) {
  const role = await guild.roles.create({ name: "new", colors: { primaryColor: 0xff0000 }, reason: "a reason ü" });
  await role.edit({ hoist: true, mentionable: true });
  const bob = (await guild.members.list({ limit: 100 })).find((each) => each.user.username === "bob");
  await bob.roles.add(role);
  await bob.setNickname("Bobby");
  await bob.timeout(300_000);
  await bob.timeout(null);
  assert.ok((await bob.fetch(true)).roles.cache.has(role.id));
  assert.equal((await guild.members.search({ query: "bob" })).size, 1);
  await bob.roles.remove(role);
  await role.delete();
  await bob.ban({ reason: "rude", deleteMessageSeconds: 0 });
  assert.equal((await guild.bans.fetch(bob.id)).reason, "rude");
  assert.equal((await guild.bans.fetch()).size, 1);
  await guild.bans.remove(bob.id);
  assert.ok((await guild.fetchAuditLogs({ limit: 20 })).entries.size);
  const rule = await guild.autoModerationRules.create({
    name: "no spam",
    eventType: djs.AutoModerationRuleEventType.MessageSend,
    triggerType: djs.AutoModerationRuleTriggerType.Keyword,
    triggerMetadata: { keywordFilter: ["spam"] },
    actions: [{ type: djs.AutoModerationActionType.BlockMessage }],
    enabled: true,
  });
  await rule.setName("less spam");
  assert.equal((await guild.autoModerationRules.fetch()).size, 1);
  await rule.delete();
  assert.equal(await guild.members.prune({ days: 7, dry: true }), 0);
}

async function guildThings({ guild, channel }) {
  const category = await guild.channels.create({ name: "group", type: djs.ChannelType.GuildCategory });
  const made = await guild.channels.create({ name: "made", topic: "a topic", parent: category, nsfw: true });
  assert.ok(made.nsfw);
  await made.permissionOverwrites.create(guild.roles.everyone, { SendMessages: false });
  await made.edit({ topic: "another", nsfw: false, rateLimitPerUser: 3, defaultAutoArchiveDuration: 60 });
  assert.equal((await made.fetch(true)).nsfw, false);
  const copy = await made.clone();
  const voice = await guild.channels.create({ name: "voice", type: djs.ChannelType.GuildVoice, userLimit: 5 });
  await guild.channels.setPositions([{ channel: copy.id, position: 1 }]);
  for (const each of [copy, made, voice, category]) await each.delete();
  const emoji = await guild.emojis.create({ attachment: PIXEL, name: "dot" });
  await emoji.setName("point");
  assert.equal((await guild.emojis.fetch(emoji.id, { force: true })).name, "point");
  await emoji.delete();
  const invite = await channel.createInvite({ maxAge: 60, unique: true });
  await client.fetchInvite(invite.code);
  assert.ok((await guild.invites.fetch({ cache: false })).has(invite.code));
  await invite.delete();
  const event = await guild.scheduledEvents.create({
    name: "party",
    scheduledStartTime: Date.now() + 3_600_000,
    scheduledEndTime: Date.now() + 7_200_000,
    privacyLevel: djs.GuildScheduledEventPrivacyLevel.GuildOnly,
    entityType: djs.GuildScheduledEventEntityType.External,
    entityMetadata: { location: "here" },
  });
  await event.setName("bigger party");
  assert.equal((await guild.scheduledEvents.fetch({ cache: false })).size, 1);
  assert.equal((await event.fetchSubscribers()).size, 0);
  await event.delete();
  await guild.setAFKTimeout(300);
}

async function questions({ guild, author }) {
  assert.equal((await client.application.fetch()).id, client.user.id);
  assert.equal((await client.users.fetch(author.id, { force: true })).username, "alice");
  assert.equal((await client.guilds.fetch()).size, 2);
  assert.ok((await guild.fetch()).approximateMemberCount);
  assert.ok((await guild.channels.fetch()).size >= 3);
  assert.ok((await guild.roles.fetch(undefined, { force: true })).size >= 3);
  assert.equal((await client.application.commands.fetch()).size, 3);
  await guild.stickers.fetch();
  await client.fetchStickerPacks();
  await client.fetchDefaultSoundboardSounds();
  await guild.soundboardSounds.fetch();
  await client.application.emojis.fetch();
  await client.fetchVoiceRegions();
  await guild.fetchIntegrations();
  await guild.fetchTemplates();
  await guild.editWelcomeScreen({ description: "Welcome", enabled: true });
  assert.equal((await guild.fetchWelcomeScreen()).description, "Welcome");
  await guild.fetchOnboarding();
  await guild.fetchPreview();
  await guild.fetchWidgetSettings();
  await guild.members.fetchMe({ force: true });
}

async function errors({ guild, channel }) {
  const owner = await guild.fetchOwner();
  for (const [code, attempt] of [
    [10008, () => channel.messages.fetch("1")],
    [10003, () => client.channels.fetch("1")],
    [10004, () => client.guilds.fetch("1")],
    [10007, () => guild.members.fetch({ user: "1", force: true })],
    [10013, () => client.users.fetch("1")],
    [10015, () => client.fetchWebhook("1")],
    [10026, () => guild.bans.fetch(owner.id)],
    [10006, () => client.fetchInvite("nothing")],
    [50013, () => owner.setNickname("me")],
    [50006, () => channel.send({ content: "" })],
    [50035, () => channel.send("x".repeat(2001))],
    [50035, () => channel.send({ embeds: [{ title: "x".repeat(300) }] })],
    [10014, () => channel.messages.react(channel.lastMessageId, "nonsense")],
  ]) {
    await assert.rejects(attempt, (error) => error instanceof djs.DiscordAPIError && error.code === code, `${code}`);
  }
}

client.login(token);
