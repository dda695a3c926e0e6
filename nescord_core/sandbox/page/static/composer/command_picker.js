// The slash-command picker: parses typed commands, and suggests commands, options and values.
import { call } from "/api.js";
import { uploadNames } from "/composer/uploads.js";
import { $, el, nameOf } from "/elements.js";
import { channels, currentGuild, speaker, state, titleOf } from "/state.js";

const CHAT_INPUT = 1;
const SUBCOMMANDS = new Set([1, 2]);
const INTEGER = 4;
const BOOLEAN = 5;
const USER = 6;
const CHANNEL = 7;
const ROLE = 8;
const MENTIONABLE = 9;
const NUMBER = 10;
export const FILE = 11;
const TYPE_NAMES = {
  3: "text", 4: "whole number", 5: "true or false", 6: "user", 7: "channel", 8: "role", 9: "user or role",
  10: "number", 11: "file",
};
const MAX_ITEMS = 25;
const WAIT_S = 3;

// --- parsing -------------------------------------------------------------------------------------

// Every command that can be run, {path, description, options}; a subcommand's path is "name group sub".
function runnableCommands(commands) {
  const walk = (command, path) => {
    const inner = (command.options ?? []).filter((each) => SUBCOMMANDS.has(each.type));
    if (inner.length) return inner.flatMap((each) => walk(each, `${path} ${each.name}`));
    return [{ path, description: command.description, options: command.options ?? [] }];
  };
  return commands.filter((each) => (each.type ?? CHAT_INPUT) === CHAT_INPUT).flatMap((each) => walk(each, each.name));
}

// Parses "/roll sides:6 why:for fun" into {command, typed, given, unnamed}: the command (null if unknown), the
// text after the slash, the options as [{option, raw}], and text that belongs to no option. Only names of the
// command's options start an option.
export function parseCommand(text, commands) {
  const typed = text.slice(1);
  const command = runnableCommands(commands)
    .filter((each) => typed === each.path || typed.startsWith(`${each.path} `))
    .sort((a, b) => b.path.length - a.path.length)[0];
  if (!command) return { command: null, typed };
  const rest = typed.slice(command.path.length);
  const names = command.options.map((each) => each.name.replace(/[-]/g, "\\-")).join("|");
  const found = names ? [...rest.matchAll(new RegExp(`(?:^|\\s)(${names}):`, "g"))] : [];
  const given = found.map((match, at) => ({
    option: command.options.find((each) => each.name === match[1]),
    raw: rest.slice(match.index + match[0].length, found[at + 1]?.index),
  }));
  return { command, typed, given, unnamed: found.length ? "" : rest.trim() };
}

// Returns an option's value in its type; invalid text is passed on, for the sandbox to refuse.
export function optionValue(option, raw) {
  const text = raw.trim();
  const choice = option.choices?.find((each) => each.name === text || String(each.value) === text);
  if (choice) return choice.value;
  if (option.type === INTEGER || option.type === NUMBER) {
    return /^-?\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : text;
  }
  if (option.type === BOOLEAN) return text === "true" ? true : text === "false" ? false : text;
  return text.replace(/^[@#]/, "");
}

// --- suggesting ----------------------------------------------------------------------------------

const matches = (name, typed) => name.toLowerCase().includes(typed.toLowerCase());

// Returns what can come next, {hint, items: [{label, note, text}], preselect}; text is the content of the box
// once the item is chosen. Null if no command is typed.
async function suggestions(text) {
  if (!text.startsWith("/")) return null;
  const { command, typed, given, unnamed } = parseCommand(text, state.commands);
  if (!command || (text === `/${command.path}` && !command.options.length)) return commandSuggestions(typed);
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

function commandSuggestions(typed) {
  const found = runnableCommands(state.commands).filter((each) => matches(each.path, typed));
  const items = found.map((each) => ({
    label: `/${each.path}`, note: each.description, text: `/${each.path}${each.options.length ? " " : ""}`,
  }));
  if (!state.commands.length) return { hint: "The bot has no commands here yet.", items, preselect: true };
  return { hint: items.length ? "" : "No matching command.", items, preselect: true };
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
    const items = (choices ?? []).map((each) => ({ label: each.name, text: `${base}${each.value} ` }));
    return { hint: choices ? hint : `${hint}: the bot sent no choices`, items, preselect: false };
  }
  const items = (known ?? [])
    .filter((each) => matches(each.label, typed) && each.text !== typed.trim())
    .map((each) => ({ ...each, text: `${base}${each.text} ` }));
  return { hint, items, preselect: Boolean(typed) };
}

// Returns the values of an option, [{label, text}]; null if the page does not know them.
function knownValues(option) {
  if (option.choices?.length) return option.choices.map((each) => ({ label: each.name, text: String(each.value) }));
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
  const before = given.slice(0, -1).filter((each) => each.option.type !== FILE).map((each) => [each.option.name, optionValue(each.option, each.raw)]);
  const body = {
    channel: state.channel, user: speaker(), command: command.path, option: given.at(-1).option.name, value,
    options: Object.fromEntries(before), wait: WAIT_S,
  };
  return (await call("POST", "/autocomplete", body).catch(() => null))?.choices ?? null;
}

// --- the list ------------------------------------------------------------------------------------

// Shows suggestions next to the box. The box keeps the focus; the arrow keys move the selection.
export function commandPicker(box) {
  let items = [];
  let selected = -1;
  let lastUpdate = 0;

  const close = () => {
    items = [];
    selected = -1;
    $("suggest").hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const select = (at) => {
    selected = at;
    const rows = [...$("suggest-list").children];
    rows.forEach((row, index) => row.setAttribute("aria-selected", String(index === at)));
    if (at < 0) { box.removeAttribute("aria-activedescendant"); return; }
    box.setAttribute("aria-activedescendant", rows[at].id);
    rows[at].scrollIntoView({ block: "nearest" });
  };
  const choose = (at) => {
    box.value = items[at].text;
    box.dispatchEvent(new Event("input"));
    box.focus();
  };
  const row = (item, at) => el(
    "li",
    {
      id: `suggest-${at}`, role: "option", "aria-selected": "false",
      onmousedown: (event) => { event.preventDefault(); choose(at); },
    },
    el("span", {}, item.label, " ", item.required ? el("em", {}, "required") : ""),
    el("small", {}, item.note ?? ""),
  );
  const update = async () => {
    lastUpdate += 1;
    const thisUpdate = lastUpdate;
    const found = await suggestions(box.value);
    if (thisUpdate !== lastUpdate) return;  // more has been typed since
    if (!found) { close(); return; }
    items = found.items.slice(0, MAX_ITEMS);
    $("suggest-hint").textContent = found.hint;
    $("suggest-list").replaceChildren(...items.map(row));
    $("suggest").hidden = !items.length && !found.hint;
    box.setAttribute("aria-expanded", String(items.length > 0));
    select(found.preselect && items.length && items[0].text.trim() !== box.value.trim() ? 0 : -1);
  };
  // Returns whether the list has used the key.
  const onKey = (event) => {
    if ($("suggest").hidden) return false;
    if (event.key === "Escape") { close(); return true; }
    if (!items.length) return false;
    if (event.key === "ArrowDown") { select((selected + 1) % items.length); return true; }
    if (event.key === "ArrowUp") { select((selected - 1 + items.length) % items.length); return true; }
    if (event.key === "Tab" && !event.shiftKey) { choose(Math.max(selected, 0)); return true; }
    if (event.key === "Enter" && selected >= 0 && !event.shiftKey) { choose(selected); return true; }
    return false;
  };
  return { update, close, onKey };
}
