// The emoji picker: the guild's emoji and Unicode's, found by name.
import { emojiList } from "/composer/names.js";
import { $, customEmoji, el } from "/elements.js";

const SHOWN = 160;
const FREQUENT = ["thumbsup", "heart", "joy", "tada", "eyes", "white_check_mark", "x", "fire", "thinking", "pray"];

// Shows the picker; picked gets an emoji, or name:id of a custom one.
export function pickEmoji(picked) {
  const box = $("modal");
  const all = emojiList();
  const frequent = FREQUENT.map((name) => all.find((each) => each.names.includes(name))).filter(Boolean);
  const grid = el("div", { class: "emoji-grid", role: "group", "aria-label": "Emoji" });
  const choose = (each) => { box.close(); picked(each.id ? `${each.names[0]}:${each.id}` : each.emoji); };
  const button = (each) => el("button", {
    type: "button", title: `:${each.names[0]}:`, "aria-label": each.names[0].replaceAll("_", " "), onclick: () => choose(each),
  }, each.id ? customEmoji(each.names[0], each.id) : each.emoji);
  const search = el("input", { type: "search", placeholder: "Find an emoji", "aria-label": "Find an emoji" });
  let found = [];
  const draw = () => {
    const typed = search.value.trim().toLowerCase().replaceAll(":", "");
    const known = typed ? all.filter((each) => each.names.some((name) => name.includes(typed))) : [...frequent, ...all];
    const exact = all.find((each) => each.emoji && each.emoji === search.value.trim());
    found = exact ? [exact] : known.slice(0, SHOWN);
    grid.replaceChildren(...found.map(button));
  };
  search.addEventListener("input", draw);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (found.length) choose(found[0]);
  });
  draw();
  box.replaceChildren(el("h2", { id: "modal-title" }, "Pick an emoji"), search, grid);
  box.showModal();
  search.focus();
}
