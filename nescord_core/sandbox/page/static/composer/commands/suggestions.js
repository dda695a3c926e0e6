// Suggests slash commands, their options, and values of options.
import { call } from "/api.js";
import {
  BOOLEAN, FILE, missingOption, optionValue, parseCommand, rememberChoice, runnableCommands,
} from "/composer/commands/parsing.js";
import { uploadNames } from "/composer/uploads.js";
import { nameOf } from "/elements.js";
import { channels, currentGuild, speaker, state, titleOf } from "/state.js";

const USER = 6;
const CHANNEL = 7;
const ROLE = 8;
const MENTIONABLE = 9;
const TYPE_NAMES = {
  3: "text", 4: "whole number", 5: "true or false", 6: "user", 7: "channel", 8: "role", 9: "user or role",
  10: "number", 11: "file",
};
const WAIT_S = 3;

const matches = (name, typed) => name.toLowerCase().includes(typed.toLowerCase());

// Returns what can come next, {hint, items: [{label, note, text}], preselect}; text is the content of the box
// once the item is chosen. Null if no command is typed.
export async function commandSuggestions(text) {
  if (!text.startsWith("/")) return null;
  const { command, typed, given, unnamed } = parseCommand(text, state.commands);
  if (!command || (text === `/${command.path}` && !command.options.length)) return matchingCommands(typed);
  const last = given.at(-1);
  if (last && !/\S\s$/.test(text)) return valueSuggestions(text, command, given);
  const used = new Set(given.map((each) => each.option.name));
  const word = given.length ? "" : unnamed;
  const base = word ? text.slice(0, text.length - word.length) : text.endsWith(" ") ? text : `${text} `;
  const items = command.options.filter((each) => !used.has(each.name) && matches(each.name, word)).map((each) => ({
    label: `${each.name}:`,
    note: `${each.description} (${TYPE_NAMES[each.type]})`,
    required: each.required,
    text: `${base}${each.name}:`,
  }));
  return { hint: command.description, items, preselect: false };
}

function matchingCommands(typed) {
  const found = runnableCommands(state.commands).filter((each) => matches(each.path, typed));
  const items = found.map((each) => ({
    label: `/${each.path}`,
    note: each.description,
    text: withNextOption(`/${each.path}${each.options.length ? " " : ""}`),
  }));
  if (!state.commands.length) return { hint: "The bot has no commands here yet.", items, preselect: true };
  return { hint: items.length ? "" : "No matching command.", items, preselect: true };
}

// Appends the name of the next required option, as Discord's client puts in the required options by itself.
export function withNextOption(text) {
  const { command, given } = parseCommand(text.trimEnd(), state.commands);
  const missing = command && missingOption(command, given);
  if (!missing || given.some((each) => each.option === missing)) return text;
  return `${text.trimEnd()} ${missing.name}:`;
}

async function valueSuggestions(text, command, given) {
  const { option, raw } = given.at(-1);
  const typed = raw.trimStart();
  const base = text.slice(0, text.length - raw.length);
  const hint = `${option.name}: ${option.description} (${TYPE_NAMES[option.type]})`;
  if (option.type === FILE && !uploadNames().length) {
    return { hint: `${hint}: attach it with the button, by pasting, or by dropping it here`, items: [], preselect: false };
  }
  const known = knownValues(option);
  if (known === null && option.autocomplete) {
    const choices = await autocomplete(command, given, typed);
    for (const each of choices ?? []) rememberChoice(option, each);
    const items = (choices ?? []).map((each) => ({ label: each.name, text: withNextOption(`${base}${each.name} `) }));
    return { hint: choices ? hint : `${hint}: the bot sent no choices`, items, preselect: true };
  }
  const items = (known ?? [])
    .filter((each) => matches(each.label, typed) && each.text !== typed.trim())
    .map((each) => ({ ...each, text: withNextOption(`${base}${each.text} `) }));
  return { hint: hint + limitsOf(option), items, preselect: true };
}

function limitsOf({ min_value: least, max_value: most }) {
  if (least !== undefined && most !== undefined) return `, ${least} to ${most}`;
  if (least !== undefined) return `, at least ${least}`;
  return most === undefined ? "" : `, at most ${most}`;
}

// Returns the values of an option, [{label, text}]; null if the page does not know them.
function knownValues(option) {
  if (option.choices?.length) return option.choices.map((each) => ({ label: each.name, text: each.name }));
  switch (option.type) {
    case FILE: return uploadNames().map((each) => ({ label: each, text: each }));
    case BOOLEAN: return ["true", "false"].map((each) => ({ label: each, text: each }));
    case USER: return users();
    case CHANNEL: return channels().map((each) => ({ label: `#${titleOf(each)}`, text: titleOf(each) }));
    case ROLE: return roles();
    case MENTIONABLE: return [...users(), ...roles()];
    default: return null;
  }
}

const users = () => (currentGuild()?.members ?? []).map((each) => (
  { label: nameOf(each.user), text: each.user.username }
));
const roles = () => (currentGuild()?.roles ?? []).map((each) => ({ label: each.name, text: each.name }));

// Asks the bot to complete the last option; returns null if it does not respond.
async function autocomplete(command, given, value) {
  const before = given.slice(0, -1)
    .filter((each) => each.option.type !== FILE)
    .map((each) => [each.option.name, optionValue(each.option, each.raw)]);
  const body = {
    channel: state.channel, user: speaker(), command: command.path, option: given.at(-1).option.name, value,
    options: Object.fromEntries(before), wait: WAIT_S,
  };
  return (await call("POST", "/autocomplete", body).catch(() => null))?.choices ?? null;
}
