// What the page knows, and how it asks the sandbox.
import { nameOf } from "/markdown.js";

export const $ = (id) => document.getElementById(id);
export const DIRECT = "direct";
export const TEXT = new Set([0, 1, 3, 5, 10, 11, 12]);
export const VOICE = new Set([2, 13]);
export const FORUM = new Set([15, 16]);
export const THREADS = new Set([10, 11, 12]);
export const CATEGORY = 4;
export const SIGNS = { 2: "♪", 5: "✶", 10: "⌙", 11: "⌙", 12: "⌙", 13: "♪", 15: "☰", 16: "☰" };

export const state = {
  guilds: [], direct: [], users: [], bot: null, online: false, guild: null, channel: null, commands: [],
  messages: new Map(), unread: new Set(), dismissed: new Set(), drawn: new Map(), replyTo: null, editing: null, loading: 0, held: [],
};

export async function call(method, path, body) {
  const answer = await fetch(`/sandbox${path}`, {
    method, headers: body ? { "Content-Type": "application/json" } : {}, body: body ? JSON.stringify(body) : undefined,
  });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.error || `${answer.status}`);
  return result;
}

export async function attempt(action) {
  try { return await action(); } catch (error) {
    toast(error instanceof TypeError ? "The sandbox does not answer. Is it still running?" : error.message);
    return null;
  }
}

let toastTimer;
export function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 7000);
}

export const DIRECTLY = { id: DIRECT, name: "Direct messages", members: [], roles: [], voice_states: [] };
export const currentGuild = () => (state.guild === DIRECT ? DIRECTLY : state.guilds.find((each) => each.id === state.guild));
export const channels = () => (state.guild === DIRECT ? state.direct : currentGuild()?.channels ?? []);
export const channel = () => channels().find((each) => each.id === state.channel);
export const titleOf = (place) => place.name ?? ((place.recipients ?? []).filter((each) => !each.bot).map(nameOf).join(", ") || "the bot");
export const userNamed = (name) => state.users.find((each) => each.username === name);
export const me = () => userNamed($("user").value)?.id;

export const names = {
  user: (id) => nameOf(state.users.find((each) => each.id === id)),
  channel: (id) => state.guilds.flatMap((each) => each.channels).find((each) => each.id === id)?.name ?? "unknown",
  role: (id) => state.guilds.flatMap((each) => each.roles).find((each) => each.id === id)?.name ?? "unknown",
};
