// The list of suggestions above the box. The box keeps the focus; the arrow keys move the selection.
import { $, el } from "/elements.js";

const MAX_ITEMS = 25;

// Each source is a function of the text and the caret that returns {hint, items: [{label, picture?, note, required?,
// text, caret?}], preselect}, or null if it has nothing to say; the first one that has is shown.
export function suggestionList(box, sources) {
  let items = [];
  let selected = -1;
  let lastUpdate = 0;

  const close = () => {
    lastUpdate += 1;
    items = [];
    selected = -1;
    $("suggest").hidden = true;
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
    const { text, caret = text.length } = items[at];
    box.value = text;
    box.focus();
    box.setSelectionRange(caret, caret);
    close();
    box.dispatchEvent(new Event("input"));
  };
  const row = (item, at) => el(
    "li",
    {
      id: `suggest-${at}`, role: "option", "aria-selected": "false",
      onmousedown: (event) => { event.preventDefault(); choose(at); },
    },
    el("span", {}, item.picture, item.picture ? " " : "", item.label, " ", item.required ? el("em", {}, "required") : ""),
    el("small", {}, item.note ?? ""),
  );
  const show = ({ hint, items: found, preselect }) => {
    items = found.slice(0, MAX_ITEMS);
    $("suggest-hint").textContent = hint;
    $("suggest-list").replaceChildren(...items.map(row));
    $("suggest").hidden = !items.length && !hint;
    const isTyped = items.length > 0 && items[0].text.trim() === box.value.trim();
    select(preselect && items.length && !isTyped ? 0 : -1);
  };
  const update = async () => {
    lastUpdate += 1;
    const thisUpdate = lastUpdate;
    for (const source of sources) {
      const found = await source(box.value, box.selectionStart);
      if (thisUpdate !== lastUpdate) return;  // more has been typed since
      if (found) { show(found); return; }
    }
    close();
  };
  // Returns whether the list has used the key.
  const onKey = (event) => {
    if ($("suggest").hidden) return false;
    if (event.key === "Escape") { close(); return true; }
    if (!items.length) return false;
    if (event.key === "ArrowDown") { select((selected + 1) % items.length); return true; }
    if (event.key === "ArrowUp") { select((selected <= 0 ? items.length : selected) - 1); return true; }
    if (event.key === "Tab" && !event.shiftKey) { choose(Math.max(selected, 0)); return true; }
    if (event.key === "Enter" && selected >= 0 && !event.shiftKey) { choose(selected); return true; }
    return false;
  };
  return { update, close, onKey };
}
