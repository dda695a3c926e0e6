// Keys of the whole page: typing anywhere goes to the box, Ctrl+K switches channels, Alt with the arrows steps through them.
import { $ } from "/elements.js";
import { showQuickSwitcher } from "/navigation/quick_switcher.js";

const TAKES_KEYS = "input, textarea, select, [contenteditable], [role=listbox], [role=menu], [role=tablist], dialog";

function stepChannel(step) {
  const buttons = [...$("channels").querySelectorAll("button[data-id]")];
  const at = buttons.findIndex((each) => each.getAttribute("aria-current") === "true");
  buttons[(at + step + buttons.length) % buttons.length]?.click();
}

function onKey(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (!$("modal").open) showQuickSwitcher();
    return;
  }
  if (event.altKey && !event.ctrlKey && step) {
    event.preventDefault();
    stepChannel(step);
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.key.length !== 1) return;
  if ($("modal").open || !$("context").hidden || event.target.closest(TAKES_KEYS)) return;
  if (event.key === " " && event.target.closest("button, a, summary, [role=button]")) return;
  $("content").focus();  // the key is typed there
}

export function setUpShortcuts() {
  document.addEventListener("keydown", onKey);
  // On a phone, the focus would bring up its keyboard.
  if (!matchMedia("(pointer: coarse)").matches) $("content").focus();
}
