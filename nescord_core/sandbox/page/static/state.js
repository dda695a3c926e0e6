// The state of the page, and look-ups in it.
import { $, nameOf } from "/elements.js";

export const DIRECT = "direct";
export const TEXT = new Set([0, 1, 3, 5, 10, 11, 12]);
export const VOICE = new Set([2, 13]);
export const FORUM = new Set([15, 16]);
export const THREADS = new Set([10, 11, 12]);
export const CATEGORY = 4;
export const CHANNEL_SIGNS = { 2: "♪", 5: "✶", 10: "⌙", 11: "⌙", 12: "⌙", 13: "♪", 15: "☰", 16: "☰" };

export const state = {
  guilds: [], direct: [], users: [], bot: null, online: false, botSpeaksIn: [], commands: [],
  guild: null, channel: null, messages: new Map(), unread: new Set(), dismissed: new Set(),
  lastUser: undefined, replyTo: null, editing: null,
};

// Direct messages are shown like a guild.
export const DIRECT_MESSAGES = { id: DIRECT, name: "Direct messages", members: [], roles: [], voice_states: [] };

export const currentGuild = () => (
  state.guild === DIRECT ? DIRECT_MESSAGES : state.guilds.find((each) => each.id === state.guild)
);
export const channels = () => (state.guild === DIRECT ? state.direct : currentGuild()?.channels ?? []);
export const currentChannel = () => channels().find((each) => each.id === state.channel);

const peopleIn = (channel) => (channel.recipients ?? []).filter((each) => !each.bot).map(nameOf).join(", ");
export const titleOf = (channel) => channel.name ?? (peopleIn(channel) || "the bot");

// The name and the id of the user that the page speaks as.
export const speaker = () => $("user").value;
export const speakerId = () => state.users.find((each) => each.username === speaker())?.id;

const nameIn = (list, id) => state.guilds.flatMap((each) => each[list]).find((each) => each.id === id)?.name;
export const names = {
  user: (id) => nameOf(state.users.find((each) => each.id === id)),
  channel: (id) => nameIn("channels", id) ?? "unknown",
  role: (id) => nameIn("roles", id) ?? "unknown",
};

// The choices of a select menu of users, roles, channels or mentionables.
export function entityChoices(kind) {
  const guild = currentGuild();
  const users = (guild?.members ?? []).map((each) => ({ value: each.user.id, label: nameOf(each.user) }));
  const roles = (guild?.roles ?? []).map((each) => ({ value: each.id, label: each.name }));
  if (kind === "user") return users;
  if (kind === "role") return roles;
  if (kind === "channel") return channels().map((each) => ({ value: each.id, label: `#${titleOf(each)}` }));
  return [...users, ...roles];
}
