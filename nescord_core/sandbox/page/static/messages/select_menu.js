// Select menus: a button with the chosen options, and a list to choose from. With several values to choose, the
// choice is sent when the list closes, as by Discord's client.
import { classes, el, emojiOf } from "/elements.js";
import { render } from "/render.js";
import { entityChoices, SELECT_KINDS } from "/state.js";

// The chosen values by menu, which outlive a new drawing of their message.
const chosenBy = new Map();
let opened = null;
let lastId = 0;

const keyOf = (message, data) => `${message.id} ${data.custom_id}`;

export function selectMenu(data, context) {
  const options = data.options ?? entityChoices(SELECT_KINDS[data.type], data.channel_types);
  const key = keyOf(context.message, data);
  const defaults = [
    ...options.filter((each) => each.default).map((each) => each.value), ...(data.default_values ?? []).map((each) => each.id),
  ];
  const chosen = new Set(chosenBy.get(key) ?? defaults);
  const isWaiting = context.waiting !== undefined && context.waiting === data.custom_id;
  const place = el("div", { class: "select" });
  const opener = el("button", {
    type: "button", class: classes("opener", isWaiting && "waiting"), "aria-haspopup": "listbox", "aria-expanded": "false",
    "aria-label": data.placeholder || "Make a selection", disabled: data.disabled || isWaiting,
    data: { customId: data.custom_id },
    onclick: () => (opened?.place === place ? close() : open({ place, opener, options, data, chosen, key, context })),
  }, ...shownChoice(options, chosen, data), el("span", { class: "arrow", "aria-hidden": "true" }, "▾"));
  place.append(opener);
  return place;
}

function shownChoice(options, chosen, data) {
  const found = options.filter((each) => chosen.has(each.value));
  if (!found.length) return [el("span", { class: "placeholder" }, data.placeholder || "Make a selection")];
  return found.map((each) => el("span", { class: "choice" }, emojiOf(each.emoji), each.emoji ? " " : "", each.label));
}

// --- the open list -------------------------------------------------------------------------------

const isMultiple = (data) => (data.max_values ?? 1) > 1;

function open(menu) {
  close();
  lastId += 1;
  const before = [...menu.chosen].join();
  const list = el("ul", {
    role: "listbox", tabindex: "-1", "aria-label": menu.data.placeholder || "Options", id: `select-${lastId}`,
    "aria-multiselectable": isMultiple(menu.data) ? "true" : null,
  });
  opened = { ...menu, list, before, selected: 0 };
  list.append(...menu.options.map((each, at) => optionRow(each, at)));
  if (!menu.options.length) list.append(el("li", { role: "option", "aria-disabled": "true" }, "Nothing to choose from"));
  list.addEventListener("keydown", onKey);
  menu.place.append(list);
  menu.opener.setAttribute("aria-expanded", "true");
  mark(Math.max(0, menu.options.findIndex((each) => menu.chosen.has(each.value))));
  list.focus();
  list.scrollIntoView({ block: "nearest" });
  document.addEventListener("pointerdown", onOutside);
}

const optionRow = (option, at) => el(
  "li",
  {
    role: "option", id: `select-${lastId}-${at}`, "aria-selected": String(opened.chosen.has(option.value)),
    data: { value: option.value }, onclick: () => { mark(at); toggle(option.value); },
  },
  option.emoji ? el("span", { class: "sign" }, emojiOf(option.emoji)) : "",
  el("span", {}, option.label, option.description ? el("small", {}, option.description) : ""),
  el("span", { class: "check", "aria-hidden": "true" }, "✓"),
);

function mark(at) {
  if (!opened.options.length) return;
  opened.selected = at;
  [...opened.list.children].forEach((row, index) => row.classList.toggle("marked", index === at));
  opened.list.setAttribute("aria-activedescendant", opened.list.children[at].id);
  opened.list.children[at].scrollIntoView({ block: "nearest" });
}

function toggle(value) {
  const { chosen, data } = opened;
  const most = data.max_values ?? 1;
  if (chosen.has(value) && (isMultiple(data) || (data.min_values ?? 1) === 0)) chosen.delete(value);
  else if (!isMultiple(data)) { chosen.clear(); chosen.add(value); }
  else if (chosen.size < most) chosen.add(value);
  for (const row of opened.list.children) row.setAttribute("aria-selected", String(chosen.has(row.dataset.value)));
  if (!isMultiple(data)) close(true);
}

// Whether a list is open within an element.
export const isOpenIn = (element) => Boolean(opened) && element.contains(opened.place);

// Sends the choice if it may be sent and is not the one from before; a single choice is sent even if it is the same.
function close(isChosen = false) {
  if (!opened) return;
  const { place, opener, list, chosen, before, data, key, context, options } = opened;
  opened = null;
  document.removeEventListener("pointerdown", onOutside);
  list.remove();
  opener.setAttribute("aria-expanded", "false");
  setTimeout(() => render("messages"));  // what has changed meanwhile
  const values = [...chosen];
  if (!isChosen && values.join() === before) return;
  if (values.length < (data.min_values ?? 1)) {
    chosen.clear();
    before.split(",").filter(Boolean).forEach((each) => chosen.add(each));
    return;
  }
  chosenBy.set(key, values);
  opener.replaceChildren(...shownChoice(options, chosen, data), opener.lastElementChild);
  if (place.isConnected) context.actions.select(context.message, data.custom_id, values);
}

const onOutside = (event) => { if (!opened.place.contains(event.target)) close(); };

function onKey(event) {
  const { options, selected, opener } = opened;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Tab") { close(); return; }
  event.stopPropagation();
  if (step && options.length) mark((selected + step + options.length) % options.length);
  else if (event.key === "Home") mark(0);
  else if (event.key === "End") mark(options.length - 1);
  else if ((event.key === "Enter" || event.key === " ") && options.length) toggle(options[selected].value);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  if (!opened) opener.focus();
}
