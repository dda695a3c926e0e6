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

// Direct messages are shown like a guild, whose members are the two who talk.
export const DIRECT_MESSAGES = { id: DIRECT, name: "Direct messages", members: [], roles: [], voice_states: [] };

export const currentGuild = () => (
  state.guild === DIRECT
    ? { ...DIRECT_MESSAGES, members: inConversation().map((user) => ({ user, roles: [] })) }
    : state.guilds.find((each) => each.id === state.guild)
);

function inConversation() {
  const people = state.direct.find((each) => each.id === state.channel)?.recipients ?? [];
  return [state.bot, ...people.filter((each) => each.id !== state.bot?.id)].filter(Boolean);
}
export const channels = () => (state.guild === DIRECT ? state.direct : currentGuild()?.channels ?? []);
export const currentChannel = () => channels().find((each) => each.id === state.channel);

const peopleIn = (channel) => (channel.recipients ?? []).filter((each) => !each.bot).map(nameOf).join(", ");
export const titleOf = (channel) => channel.name ?? (peopleIn(channel) || "the bot");

// A direct message is listed by the person whom it is with, and headed by the bot, as that person sees it.
export const headingOf = (channel) => (channel.name || !state.bot ? titleOf(channel) : nameOf(state.bot));

// The name and the id of the user that the page speaks as.
export const speaker = () => $("user").value;
export const speakerId = () => state.users.find((each) => each.username === speaker())?.id;

const nameIn = (list, id) => state.guilds.flatMap((each) => each[list]).find((each) => each.id === id)?.name;
export const names = {
  user: (id) => nameOf(state.users.find((each) => each.id === id)),
  channel: (id) => nameIn("channels", id) ?? "unknown",
  role: (id) => nameIn("roles", id) ?? "unknown",
};

export const SELECT_KINDS = { 3: "string", 5: "user", 6: "role", 7: "mentionable", 8: "channel" };

// The choices of a select menu of users, roles, channels (of some types, if given) or mentionables.
export function entityChoices(kind, types) {
  const guild = currentGuild();
  const users = (guild?.members ?? []).map((each) => ({ value: each.user.id, label: nameOf(each.user) }));
  const roles = (guild?.roles ?? []).map((each) => ({ value: each.id, label: each.name }));
  if (kind === "user") return users;
  if (kind === "role") return roles;
  const isOfType = (each) => !types?.length || types.includes(each.type);
  if (kind === "channel") return channels().filter(isOfType).map((each) => ({ value: each.id, label: `#${titleOf(each)}` }));
  return [...users, ...roles];
}
