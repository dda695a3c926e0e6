// A trace as a test of the bot, for pytest and nescord_core.testing.
import { names } from "/state.js";
import { commandOf } from "/trace/replay.js";

const text = (value) => JSON.stringify(value);
const nameOf = (words) => words.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 40) || "event";

function header(name) {
  return `from nescord_core.testing import RunningBot\n\n\ndef test_${nameOf(name)}(bot: RunningBot) -> None:\n`;
}

const where = (channel, user) => [
  channel && channel !== "general" ? `channel=${text(channel)}` : "", user !== "alice" ? `user=${text(user)}` : "",
].filter(Boolean);

// Returns the source of a test, or null for an event that no person causes.
export function asTest({ record, calls }) {
  const { type, data } = record;
  if (type === "MESSAGE_CREATE") return messageTest(data, calls);
  if (type === "INTERACTION_CREATE" && data.type === 2) return commandTest(data, calls);
  return null;
}

const sentText = (calls) => calls.map((each) => each.body).find((body) => body?.content ?? body?.data?.content);

function messageTest(data, calls) {
  const sent = sentText(calls);
  const given = [text(data.content), ...where(names.channel(data.channel_id), data.author.username)].join(", ");
  const lines = sent
    ? [`    assert bot.ask(${given}) == ${text(sent.content)}`]
    : [`    said = bot.say(${given})`, `    assert said["content"] == ${text(data.content)}`];
  return `${header(data.content || "message")}${lines.join("\n")}\n`;
}

function commandTest({ data, member, user, channel_id: channel }, calls) {
  const { path, options } = commandOf(data);
  const python = (value) => (value === true ? "True" : value === false ? "False" : text(value));
  const who = (member?.user ?? user).username;
  const given = [text(path), ...where(names.channel(channel), who)];
  given.push(...Object.entries(options).map(([name, value]) => `${name}=${python(value)}`));
  const sent = sentText(calls)?.data?.content;
  const check = sent === undefined ? 'answer["responded"]' : `answer["message"]["content"] == ${text(sent)}`;
  return `${header(path)}    answer = bot.command(${given.join(", ")})\n    assert ${check}\n`;
}
