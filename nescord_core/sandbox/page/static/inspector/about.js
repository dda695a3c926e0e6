// What an event is about, in a few words, and the time of day.
import { nameOf } from "/elements.js";
import { names } from "/state.js";

const LONGEST = 60;

export function clock(at) {
  const date = new Date(at);
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  return `${date.toLocaleTimeString([], { hour12: false })}.${milliseconds}`;
}

// Returns who did what where: "alice: !ping", "alice: /roll sides:6", "bob in #general".
export function aboutEvent(type, data) {
  if (!data) return "";
  const who = whoOf(data);
  const what = type === "INTERACTION_CREATE" ? interactionText(data) : data.content || data.emoji?.name || data.name;
  const where = data.channel_id && !what ? `in #${names.channel(data.channel_id)}` : "";
  const text = [who && what ? `${who}: ${what}` : who || what, where].filter(Boolean).join(" ");
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

function whoOf(data) {
  const user = data.author ?? data.user ?? data.member?.user;
  if (user) return nameOf(user);
  return data.user_id ? names.user(data.user_id) : "";
}

function interactionText({ data }) {
  if (!data) return "";
  if (data.name) return `/${data.name} ${optionsText(data.options)}`.trim();
  return `[${data.custom_id}] ${(data.values ?? []).join(" ")}`.trim();
}

const optionsText = (options) => (options ?? []).map((each) => (
  each.options ? `${each.name} ${optionsText(each.options)}` : each.value === undefined ? each.name : `${each.name}:${each.value}`
)).join(" ");
