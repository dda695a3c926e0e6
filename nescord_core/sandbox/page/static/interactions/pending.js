// Interactions that the bot has not answered yet, and those that it has left unanswered: at the message whose component
// was used, or as a row of their own for a command.
import { render } from "/render.js";
import { state } from "/state.js";

export const WAIT_MS = 3000;
const EPOCH_MS = 1_420_070_400_000n;
const COMMANDS = new Set([2, 3, 5]);

const pending = new Set();

// An id between those of messages before and after now.
const idNow = () => String((BigInt(Date.now()) - EPOCH_MS) << 22n);

// about: {user, userId, label?, message?, customId?}; returns the entry.
export function begin(about) {
  if (about.message) dropFailed((each) => each.message === about.message);
  const entry = { ...about, id: idNow(), channel: state.channel, began: Date.now(), interaction: null, failure: null };
  pending.add(entry);
  render("messages");
  return entry;
}

export function end(entry) {
  pending.delete(entry);
  render("messages");
}

export function fail(entry, failure) {
  if (!pending.has(entry)) return;
  entry.failure = failure;
  render("messages");
}

function dropFailed(isMeant) {
  for (const each of pending) if (each.failure && isMeant(each)) pending.delete(each);
}

// The event of an interaction tells its id, by which the bot's response and its trace are found.
export function onInteraction(data) {
  if (!COMMANDS.has(data.type)) return;
  const user = data.member?.user ?? data.user;
  const entry = [...pending].find((each) => (
    !each.interaction && each.userId === user.id && (each.customId ?? null) === (data.type === 3 ? data.data.custom_id : null)
  ));
  if (!entry) return;
  entry.interaction = data.id;
  render("messages");
}

// The bot has answered: nothing waits any more.
export function onCallback(path) {
  const id = /\/interactions\/(\d+)\//.exec(path)?.[1];
  for (const each of pending) if (id && each.interaction === id && !each.failure) pending.delete(each);
}

export const ofCommand = () => [...pending].filter((each) => !each.message && each.channel === state.channel);
export const ofMessage = (messageId) => [...pending].find((each) => each.message === messageId);
