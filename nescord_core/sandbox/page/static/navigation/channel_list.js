// The bar of guilds, the list of a guild's channels, and the header above the messages.
import { $, classes, el, imagePath } from "/elements.js";
import { newGuild } from "/settings/creation.js";
import { openChannel } from "/navigation/open_channel.js";
import { drawnBy, render } from "/render.js";
import { channelMenu } from "/settings/channels.js";
import {
  CATEGORY, CHANNEL_SIGNS, channels, currentChannel, currentGuild, DIRECT, DIRECT_MESSAGES, names, headingOf, state, TEXT,
  THREADS, titleOf,
} from "/state.js";

function drawNavigation() {
  const guild = currentGuild();
  $("guilds").replaceChildren(directButton(), ...state.guilds.map(guildButton), newGuildButton());
  $("guild-name").textContent = guild?.name ?? "No guild";
  $("guild-name").disabled = !guild || state.guild === DIRECT;
  $("channels").replaceChildren(...channelList(guild));
  drawHeader(guild, currentChannel());
  render("members");
}

function drawHeader(guild, channel) {
  const title = channel ? `${signOf(channel)} ${headingOf(channel)}` : guild?.name ?? "";
  $("channel-name").textContent = title;
  $("topic").textContent = channel?.topic ?? "";
  const inGuild = channel && state.guild !== DIRECT;
  $("content").placeholder = inGuild ? `Message #${titleOf(channel)}` : "Message the bot";
  const writable = state.guild === DIRECT || TEXT.has(channel?.type);
  $("composer").hidden = $("hint").hidden = !writable;
}

export const signOf = (channel) => CHANNEL_SIGNS[channel.type] ?? (state.guild === DIRECT ? "@" : "#");

// --- guilds --------------------------------------------------------------------------------------

const hasUnread = (list) => list.some((each) => state.unread.has(each.id));

const directButton = () => el("button", {
  type: "button",
  data: { id: DIRECT },
  title: DIRECT_MESSAGES.name,
  "aria-label": DIRECT_MESSAGES.name,
  "aria-current": String(state.guild === DIRECT),
  class: hasUnread(state.direct) ? "unread" : "",
  onclick: () => openChannel(DIRECT, null),
}, "@");

const newGuildButton = () => el("button", {
  type: "button", class: "add", title: "New guild", "aria-label": "New guild", onclick: newGuild,
}, "+");

function guildButton(guild) {
  const initials = guild.name.split(/\s+/).map((word) => word[0]).join("").slice(0, 3);
  const unavailable = guild.available === false;
  return el("button", {
    type: "button",
    data: { id: guild.id },
    title: unavailable ? `${guild.name} (unavailable)` : guild.name,
    "aria-label": guild.name,
    "aria-current": String(guild.id === state.guild),
    class: classes(hasUnread(guild.channels) && "unread", unavailable && "lost"),
    onclick: () => openChannel(guild.id, null),
  }, guild.icon ? el("img", { src: imagePath("icons", guild.id, guild.icon), alt: "" }) : initials);
}

// --- channels ------------------------------------------------------------------------------------

function channelList(guild) {
  const all = channels();
  if (state.guild === DIRECT && !all.length) {
    return [el("p", {}, "No direct messages yet. Send one below.")];
  }
  if (!all.length) return [el("p", {}, "No channels")];
  const categories = all.filter((each) => each.type === CATEGORY);
  return [
    ...channelsIn(null, guild),
    ...categories.flatMap((each) => [el("h2", { oncontextmenu: (event) => channelMenu(each, event) }, each.name), ...channelsIn(each.id, guild)]),
  ];
}

// The channels of a category (null: those without one), each with its connected users and threads.
const channelsIn = (category, guild) => channels()
  .filter((each) => !THREADS.has(each.type) && each.type !== CATEGORY && (each.parent_id ?? null) === category)
  .sort((a, b) => (a.position ?? 0) - (b.position ?? 0))
  .flatMap((each) => [channelButton(each), ...connectedUsers(guild, each), ...threadsOf(each).map(channelButton)]);

export const threadsOf = (channel) => channels().filter((each) => (
  THREADS.has(each.type) && each.parent_id === channel.id && !each.thread_metadata?.archived
));

function connectedUsers(guild, channel) {
  const states = (guild?.voice_states ?? []).filter((each) => each.channel_id === channel.id);
  const speaks = (each) => each.user_id === state.bot?.id && state.botSpeaksIn.includes(channel.id);
  const nameOf = (each) => `${names.user(each.user_id)}${speaks(each) ? " (speaking)" : ""}`;
  return states.length ? [el("p", {}, `♪ ${states.map(nameOf).join(", ")}`)] : [];
}

const channelButton = (channel) => el("button", {
  type: "button",
  data: { sign: signOf(channel), id: channel.id },
  "aria-current": String(channel.id === state.channel),
  class: classes(state.unread.has(channel.id) && "unread", THREADS.has(channel.type) && "thread"),
  onclick: () => openChannel(state.guild, channel.id),
  oncontextmenu: (event) => channelMenu(channel, event),
  onkeydown: (event) => { if (event.key === "ContextMenu" || (event.shiftKey && event.key === "F10")) channelMenu(channel, event); },
}, titleOf(channel));

drawnBy("navigation", drawNavigation);
