// Has the bot handle an event again. An interaction can be answered once only, so it is made anew: the same command or
// component by the same person.
import { attempt, call } from "/api.js";
import { runInteraction } from "/interactions/run.js";

const COMMAND = 2;
const COMPONENT = 3;
const BUTTON = 2;
const ATTACHMENT = 11;
const CHAT_INPUT = 1;

export function replay({ record }) {
  const again = record.type === "INTERACTION_CREATE" ? interactionAgain(record.data) : null;
  return again ?? attempt(() => call("POST", "/replay", record));
}

function interactionAgain({ type, data, channel_id: channel, message, member, user }) {
  const who = (member?.user ?? user).username;
  if (type === COMMAND && data.type === CHAT_INPUT) {
    const { path, options } = commandOf(data);
    return runInteraction("/interact", { channel, user: who, command: path, options }, { label: `/${path}` });
  }
  if (type !== COMPONENT) return null;
  const body = { channel, user: who, message: message.id, custom_id: data.custom_id };
  const shown = { message: message.id, customId: data.custom_id };
  if (data.component_type === BUTTON) return runInteraction("/click", body, shown);
  return runInteraction("/select", { ...body, values: data.values ?? [] }, shown);
}

// The path "name group sub" of a command, and its options by name; files cannot be sent again.
export function commandOf(data) {
  const path = [data.name];
  let options = data.options ?? [];
  while (options[0]?.options || (options[0] && options[0].value === undefined)) {
    path.push(options[0].name);
    options = options[0].options ?? [];
  }
  const given = options.filter((each) => each.type !== ATTACHMENT).map((each) => [each.name, each.value]);
  return { path: path.join(" "), options: Object.fromEntries(given) };
}
