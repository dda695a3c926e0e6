// The quick switcher: Ctrl+K, and a part of a channel's name.
import { $, el } from "/elements.js";
import { signOf } from "/navigation/channel_list.js";
import { openChannel } from "/navigation/open_channel.js";
import { CATEGORY, DIRECT, state, titleOf } from "/state.js";

const SHOWN = 12;

function places() {
  const inGuilds = state.guilds.flatMap((guild) => guild.channels.filter((each) => each.type !== CATEGORY).map((each) => (
    { guild: guild.id, channel: each.id, label: `${signOf(each)} ${titleOf(each)}`, note: guild.name }
  )));
  const direct = state.direct.map((each) => (
    { guild: DIRECT, channel: each.id, label: `@ ${titleOf(each)}`, note: "Direct messages" }
  ));
  return [...inGuilds, ...direct].sort((a, b) => state.unread.has(b.channel) - state.unread.has(a.channel));
}

export function showQuickSwitcher() {
  const box = $("modal");
  const all = places();
  let found = [];
  let selected = 0;
  const list = el("ul", { class: "switcher", role: "listbox", id: "switcher-list", "aria-label": "Channels" });
  const input = el("input", {
    type: "text", role: "combobox", placeholder: "Where would you like to go?", "aria-label": "Channel", "aria-expanded": "true",
    "aria-controls": "switcher-list", "aria-autocomplete": "list",
  });
  const go = (place) => { box.close(); openChannel(place.guild, place.channel); $("content").focus(); };
  const select = (at) => {
    selected = at;
    [...list.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === at)));
    if (found.length) input.setAttribute("aria-activedescendant", `switch-${at}`);
  };
  const draw = () => {
    const typed = input.value.trim().toLowerCase();
    found = all.filter((each) => `${each.label} ${each.note}`.toLowerCase().includes(typed)).slice(0, SHOWN);
    list.replaceChildren(...found.map((each, at) => el(
      "li", { role: "option", id: `switch-${at}`, onclick: () => go(each) },
      el("span", { class: state.unread.has(each.channel) ? "unread" : "" }, each.label), el("small", {}, each.note),
    )));
    select(0);
  };
  input.addEventListener("input", draw);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) select((selected + step + found.length) % found.length);
    else if (event.key === "Enter" && found.length) go(found[selected]);
    else return;
    event.preventDefault();
  });
  draw();
  box.replaceChildren(el("h2", { id: "modal-title" }, "Go to a channel"), input, list);
  box.showModal();
  input.focus();
}
