// The message box: suggestions for commands and their options, files, replies and edits.
import { el } from "/markdown.js";

const $ = (id) => document.getElementById(id);
const TYPES = { 3: "text", 4: "whole number", 5: "true or false", 6: "user", 7: "channel", 8: "role", 9: "user or role", 10: "number", 11: "file" };
const SUBS = new Set([1, 2]);

// Every command that can be run, subcommands as "name group sub".
export function leaves(commands) {
  const walk = (command, path) => {
    const subs = (command.options ?? []).filter((each) => SUBS.has(each.type));
    if (subs.length) return subs.flatMap((each) => walk(each, `${path} ${each.name}`));
    return [{ path, description: command.description, options: command.options ?? [] }];
  };
  return commands.filter((each) => (each.type ?? 1) === 1).flatMap((each) => walk(each, each.name));
}

// "/roll sides:6 why:for fun" -> the command and its options; only names that the command knows begin one.
export function parse(text, commands) {
  const typed = text.slice(1);
  const leaf = leaves(commands).filter((each) => typed === each.path || typed.startsWith(`${each.path} `)).sort((a, b) => b.path.length - a.path.length)[0];
  if (!leaf) return { leaf: null, typed };
  const rest = typed.slice(leaf.path.length);
  const names = leaf.options.map((each) => each.name.replace(/[-]/g, "\\-")).join("|");
  const found = names ? [...rest.matchAll(new RegExp(`(?:^|\\s)(${names}):`, "g"))] : [];
  const given = found.map((match, at) => ({ option: leaf.options.find((each) => each.name === match[1]), raw: rest.slice(match.index + match[0].length, found[at + 1]?.index) }));
  const before = found.length ? "" : rest.trim();
  return { leaf, typed, given, loose: before };
}

export function valueOf(option, raw) {
  const text = raw.trim();
  const choice = option.choices?.find((each) => each.name === text || String(each.value) === text);
  if (choice) return choice.value;
  if (option.type === 4 || option.type === 10) return /^-?\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : text;
  if (option.type === 5) return text === "true" ? true : text === "false" ? false : text;
  return text.replace(/^[@#]/, "");
}

const fits = (name, typed) => name.toLowerCase().includes(typed.toLowerCase());

// What can come next: {hint, items: [{label, note, text}]}, where text is what the box holds then.
export async function suggestions(text, context) {
  if (!text.startsWith("/")) return null;
  const { leaf, typed, given, loose } = parse(text, context.commands);
  if (!leaf || (text === `/${leaf.path}` && !leaf.options.length)) {
    const items = leaves(context.commands).filter((each) => fits(each.path, typed)).map((each) => ({ label: `/${each.path}`, note: each.description, text: `/${each.path}${each.options.length ? " " : ""}` }));
    const hint = context.commands.length ? (items.length ? "" : "No command of the bot begins like that.") : "The bot has no commands here yet.";
    return { hint, items, eager: true };
  }
  const last = given.at(-1);
  if (last && !/\S\s$/.test(text)) return valueSuggestions(text, leaf, given, last, context);
  const used = new Set(given.map((each) => each.option.name));
  const word = given.length ? "" : loose;
  const base = word ? text.slice(0, text.length - word.length) : text.endsWith(" ") ? text : `${text} `;
  const items = leaf.options.filter((each) => !used.has(each.name) && fits(each.name, word)).map((each) => ({ label: `${each.name}:`, note: `${each.description} (${TYPES[each.type]})`, required: each.required, text: `${base}${each.name}:` }));
  return { hint: leaf.description, items, eager: false };
}

async function valueSuggestions(text, leaf, given, last, context) {
  const { option, raw } = last;
  const typed = raw.trimStart();
  const base = text.slice(0, text.length - raw.length);
  const hint = `${option.name}: ${option.description} (${TYPES[option.type]})`;
  let found = [];
  if (option.choices?.length) found = option.choices.map((each) => ({ label: each.name, text: String(each.value) }));
  else if (option.type === 5) found = ["true", "false"].map((each) => ({ label: each, text: each }));
  else if (option.type === 6) found = context.users();
  else if (option.type === 7) found = context.channels();
  else if (option.type === 8) found = context.roles();
  else if (option.type === 9) found = [...context.users(), ...context.roles()];
  else if (option.autocomplete) {
    const options = Object.fromEntries(given.slice(0, -1).map((each) => [each.option.name, valueOf(each.option, each.raw)]));
    const choices = await context.complete(leaf.path, option.name, typed, options);
    return { hint: choices ? hint : `${hint}: the bot does not complete it`, items: (choices ?? []).map((each) => ({ label: each.name, text: `${base}${each.value} ` })), eager: false };
  }
  const items = found.filter((each) => fits(each.label, typed) && each.text !== typed.trim()).map((each) => ({ ...each, text: `${base}${each.text} ` }));
  return { hint, items, eager: Boolean(typed) };
}

// The list below the box. The box keeps the focus; the arrows move the choice.
export function suggestBox(context) {
  const box = $("content");
  let items = [];
  let active = -1;
  let turn = 0;

  const close = () => {
    items = [];
    active = -1;
    $("suggest").hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const mark = (at) => {
    active = at;
    [...$("suggest-list").children].forEach((row, index) => row.setAttribute("aria-selected", String(index === at)));
    if (at >= 0) { box.setAttribute("aria-activedescendant", `suggest-${at}`); $("suggest-list").children[at].scrollIntoView({ block: "nearest" }); }
    else box.removeAttribute("aria-activedescendant");
  };
  const take = (at) => {
    box.value = items[at].text;
    box.dispatchEvent(new Event("input"));
    box.focus();
  };
  const update = async () => {
    const mine = ++turn;
    const found = await suggestions(box.value, context);
    if (mine !== turn) return;
    if (!found) { close(); return; }
    items = found.items.slice(0, 25);
    $("suggest-hint").textContent = found.hint;
    $("suggest-list").replaceChildren(...items.map((each, at) => el("li", { id: `suggest-${at}`, role: "option", "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); take(at); } },
      el("span", {}, each.label, " ", each.required ? el("em", {}, "required") : ""), el("small", {}, each.note ?? ""))));
    $("suggest").hidden = !items.length && !found.hint;
    box.setAttribute("aria-expanded", String(items.length > 0));
    mark(found.eager && items.length && items[0].text.trim() !== box.value.trim() ? 0 : -1);
  };
  const key = (event) => {
    if ($("suggest").hidden) return false;
    if (event.key === "Escape") { close(); return true; }
    if (!items.length) return false;
    if (event.key === "ArrowDown") { mark((active + 1) % items.length); return true; }
    if (event.key === "ArrowUp") { mark((active - 1 + items.length) % items.length); return true; }
    if (event.key === "Tab" && !event.shiftKey) { take(Math.max(active, 0)); return true; }
    if (event.key === "Enter" && active >= 0 && !event.shiftKey) { take(active); return true; }
    return false;
  };
  return { update, close, key };
}

// Files that wait to be sent.
export function uploads() {
  let waiting = [];
  const draw = () => {
    $("uploads").hidden = !waiting.length;
    $("uploads").replaceChildren(...waiting.map((each) => el("li", {}, each.name, el("button", { type: "button", "aria-label": `Do not send ${each.name}`, onclick: () => { waiting = waiting.filter((other) => other !== each); draw(); } }, "×"))));
  };
  const add = (files) => { waiting.push(...files); draw(); };
  const encode = (file) => new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done([file.name, reader.result.slice(reader.result.indexOf(",") + 1)]);
    reader.onerror = () => failed(new Error(`${file.name} cannot be read.`));
    reader.readAsDataURL(file);
  });
  const taken = async () => {
    const files = await Promise.all(waiting.filter((each) => each.size).map(encode));
    waiting = [];
    draw();
    return files;
  };
  $("attach").addEventListener("click", () => $("files").click());
  $("files").addEventListener("change", () => { add($("files").files); $("files").value = ""; });
  $("content").addEventListener("paste", (event) => { if (event.clipboardData.files.length) { event.preventDefault(); add(event.clipboardData.files); } });
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      $("composer").classList.toggle("drop", name === "dragover");
      if (name === "drop") add(event.dataTransfer.files);
    });
  }
  return { taken, some: () => waiting.length > 0 };
}
