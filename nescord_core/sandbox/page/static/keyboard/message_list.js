// The messages are one stop of the Tab key: the arrow keys move between them, Tab goes to the controls of the one that
// has the focus.
import { $ } from "/elements.js";

const CONTROLS = "a[href], button, audio, video, pre[tabindex], .spoiler";

let active = null;

const setControls = (row, tabindex) => {
  for (const each of row.querySelectorAll(CONTROLS)) each.setAttribute("tabindex", tabindex);
};

// Takes a new row out of the order of the Tab key.
export function prepareRow(row) {
  row.setAttribute("tabindex", "-1");
  setControls(row, "-1");
}

function activate(row) {
  if (active === row) return;
  if (active) setControls(active, "-1");
  active = row;
  if (row) setControls(row, "0");
}

const rowOf = (target) => target.closest("#messages > li");

function onKey(event) {
  const list = $("messages");
  const row = rowOf(event.target);
  if (event.key === "Escape" && row) { $("content").focus(); return; }
  if (event.target !== list && event.target !== row) return;
  const rows = [...list.querySelectorAll(":scope > li:not(.divider)")];
  const at = rows.indexOf(row);
  const next = {
    ArrowUp: at < 0 ? rows.length - 1 : Math.max(0, at - 1), ArrowDown: at < 0 ? rows.length - 1 : at + 1, Home: 0,
    End: rows.length - 1,
  }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  rows[Math.min(next, rows.length - 1)]?.focus();
}

export function setUpMessageKeys() {
  $("messages").addEventListener("keydown", onKey);
  $("messages").addEventListener("focusin", (event) => activate(rowOf(event.target)));
}
