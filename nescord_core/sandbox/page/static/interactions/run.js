// Interactions that a person starts: commands, buttons, select menus, modals.
import { attempt, call } from "/api.js";
import { FILE, missingOption, optionValue, parseCommand, problemOf } from "/composer/commands/parsing.js";
import { takeUploads, uploadNames } from "/composer/uploads.js";
import { toast } from "/dialogs.js";
import { loadState } from "/event_feed.js";
import { openModal } from "/interactions/modal.js";
import { begin, end, fail } from "/interactions/pending.js";
import { follow } from "/messages/following.js";
import { speaker, speakerId, state } from "/state.js";

const WAIT_S = 3;
const NO_RESPONSE = "The application did not respond";
const FAILED = "This interaction failed";

// The commands that context menus show: type 2 for users, 3 for messages.
export const menuCommands = (type) => state.commands.filter((each) => each.type === type);

// Starts an interaction and waits for the bot's response; returns false if it could not be started. It is shown at the
// message whose component was used (shown: {message, customId}), or as a row of its own ({label}).
export async function runInteraction(path, body, shown) {
  const entry = begin({ user: speaker(), userId: speakerId(), ...shown });
  if (!entry.message) follow();
  const result = await attempt(() => call("POST", path, { ...body, wait: WAIT_S }));
  if (result && !result.responded) {
    fail(entry, `${entry.message ? FAILED : NO_RESPONSE}${state.online ? "" : ": the bot is offline"}`);
    await attempt(loadState);
    return true;
  }
  if (result?.modal) submitLater(result, shown);
  if (result) await attempt(loadState);
  end(entry);
  return Boolean(result);
}

// A form is sent as an interaction of its own, from where the one that opened it was.
function submitLater({ id, modal }, shown) {
  openModal(modal, (values) => {
    const from = shown.message ? { message: shown.message } : { label: modal.title ?? "a form" };
    return runInteraction("/modal", { interaction: id, user: speaker(), values }, from);
  });
}

// Returns the name of the attached file for each file option: the typed one, else the next that is not used.
function fileNames(command, given) {
  const typed = new Map(given.map((each) => [each.option.name, each.raw.trim()]));
  const declared = (command?.options ?? []).filter((each) => each.type === FILE);
  const unused = uploadNames().filter((name) => ![...typed.values()].includes(name));
  return new Map(declared.flatMap((each) => {
    const name = typed.get(each.name) || unused.shift();
    return name === undefined && !typed.has(each.name) ? [] : [[each.name, name ?? ""]];
  }));
}

function missingText(command, given) {
  const missing = missingOption(command, given);
  if (missing?.type === FILE) return `${missing.name} needs a file: attach one, then send the command.`;
  return missing ? `${missing.name} is required.` : null;
}

// Runs a typed command, "/name group sub option:value"; returns false if it was not run.
export async function runCommand(text, user) {
  const { command, typed, given, unnamed } = parseCommand(text, state.commands);
  const path = command?.path ?? typed.trim();
  if (unnamed) {
    const example = command.options[0] ? `${command.options[0].name}:${unnamed}` : `/${path}`;
    toast(`/${path} takes options by name, for example ${example}.`);
    return false;
  }
  const problem = command && (missingText(command, given) ?? given.map(problemOf).find(Boolean));
  if (problem) { toast(problem); return false; }
  const chosen = fileNames(command, given ?? []);
  const missing = [...chosen].find(([, name]) => !uploadNames().includes(name));
  if (missing) {
    toast(`${missing[0]} needs a file: attach ${missing[1] || "one"}, then send the command.`);
    return false;
  }
  const files = chosen.size ? await takeUploads() : [];
  const values = (given ?? []).map((each) => [each.option.name, optionValue(each.option, each.raw)]);
  const options = Object.fromEntries(values);
  for (const [option, name] of chosen) options[option] = files.find((each) => each[0] === name);
  return runInteraction("/interact", { channel: state.channel, user, command: path, options }, { label: `/${path}` });
}
