// Slash commands as they are typed: "/name group sub option:value".
import { uploadNames } from "/composer/uploads.js";

export const CHAT_INPUT = 1;
const INTEGER = 4;
export const BOOLEAN = 5;
const NUMBER = 10;
export const FILE = 11;
const SUBCOMMANDS = new Set([1, 2]);
const STRING = 3;
const WHOLE = /^-?\d{1,15}$/;
const DECIMAL = /^-?\d{1,15}(\.\d+)?$/;

// Every command that can be run, {path, description, options}; a subcommand's path is "name group sub".
export function runnableCommands(commands) {
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

// The choices that the bot has suggested, by option and name: the box shows names, the bot gets values.
const suggested = new Map();
const choiceKey = (option, name) => `${option.type} ${option.name} ${name}`;
export const rememberChoice = (option, { name, value }) => suggested.set(choiceKey(option, name), value);

// Returns an option's value in its type; invalid text is passed on, for the sandbox to refuse.
export function optionValue(option, raw) {
  const text = raw.trim();
  const choice = option.choices?.find((each) => each.name === text || String(each.value) === text);
  if (choice) return choice.value;
  if (suggested.has(choiceKey(option, text))) return suggested.get(choiceKey(option, text));
  if (option.type === INTEGER || option.type === NUMBER) return DECIMAL.test(text) ? Number(text) : text;
  if (option.type === BOOLEAN) return text === "true" ? true : text === "false" ? false : text;
  return text.replace(/^[@#]/, "");
}

// --- checking, as Discord's client does before it sends ------------------------------------------

// Returns the first required option without a value. File options take the attached files in turn.
export function missingOption(command, given) {
  const isGiven = (option) => given.some((each) => each.option === option && each.raw.trim());
  let files = uploadNames().length - given.filter((each) => each.option.type === FILE && each.raw.trim()).length;
  return command.options.find((each) => {
    if (!each.required || isGiven(each)) return false;
    if (each.type !== FILE) return true;
    files -= 1;
    return files < 0;
  });
}

// Returns what is wrong with the value of an option, or null.
export function problemOf({ option, raw }) {
  const text = raw.trim();
  const value = optionValue(option, raw);
  if (option.choices?.length) {
    const isChoice = option.choices.some((each) => each.value === value);
    return isChoice ? null : `${option.name} must be one of ${option.choices.map((each) => each.name).join(", ")}.`;
  }
  if (suggested.has(choiceKey(option, text))) return null;
  if (option.type === INTEGER && !WHOLE.test(text)) return `${option.name} must be a whole number.`;
  if (option.type === NUMBER && !DECIMAL.test(text)) return `${option.name} must be a number.`;
  if (option.type === BOOLEAN && typeof value !== "boolean") return `${option.name} must be true or false.`;
  if (option.type === INTEGER || option.type === NUMBER) {
    return outside(option.name, value, option.min_value, option.max_value, "");
  }
  return option.type === STRING
    ? outside(option.name, text.length, option.min_length, option.max_length, " characters long")
    : null;
}

function outside(name, value, least, most, unit) {
  if (least !== undefined && value < least) return `${name} must be at least ${least}${unit}.`;
  return most !== undefined && value > most ? `${name} must be at most ${most}${unit}.` : null;
}
