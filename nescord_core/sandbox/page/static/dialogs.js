// Dialogs with a form, context menus, and toasts.
import { $, el } from "/elements.js";

const TOAST_MS = 7000;

let toastTimer;
export function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, TOAST_MS);
}

export const labelled = (label, description, control) => el(
  "label", {}, el("span", {}, label), description ? el("small", {}, description) : "", control,
);

export function dialog(title, rows, verb, submit) {
  const box = $("modal");
  const buttons = el(
    "div", { class: "row" },
    el("button", { type: "button", onclick: () => box.close() }, "Cancel"),
    el("button", { class: "s1" }, verb),
  );
  const form = el("form", { method: "dialog" }, el("h2", { id: "modal-title" }, title), ...rows, buttons);
  form.addEventListener("submit", submit);
  box.replaceChildren(form);
  box.showModal();
}

// Shows a dialog with fields, {name, label, note?, options?, optional?, value?, type?}; submit gets their values by name.
export function formDialog(title, fields, verb, submit) {
  const control = (field) => {
    const required = !field.optional;
    if (!field.options) return el("input", { required, maxlength: 1024, type: field.type, value: field.value });
    const options = field.options.map((each) => el("option", { value: each.value }, each.label));
    return el("select", { required }, ...options);
  };
  const made = fields.map((field) => [field, control(field)]);
  const rows = made.map(([field, input]) => labelled(field.label, field.note, input));
  dialog(title, rows, verb, () => {
    submit(Object.fromEntries(made.map(([field, input]) => [field.name, input.value.trim()])));
  });
}

// Opens a menu at the element that the event came from; entries are [label, action], falsy ones are skipped.
export function contextMenu(event, title, entries) {
  const menu = $("context");
  const opener = event.currentTarget;
  const close = (focus) => {
    menu.hidden = true;
    document.removeEventListener("pointerdown", closeOutside);
    if (focus) opener?.focus?.();
  };
  const closeOutside = (outside) => { if (!menu.contains(outside.target)) close(false); };
  const rows = entries.filter(Boolean).map(([label, action]) => el(
    "button", { type: "button", role: "menuitem", onclick: () => { close(true); action(); } }, label,
  ));
  menu.replaceChildren(el("small", {}, title), ...rows);
  menu.hidden = false;
  const box = opener.getBoundingClientRect();
  menu.style.left = `${Math.max(4, Math.min(box.left, innerWidth - menu.offsetWidth - 8))}px`;
  menu.style.top = `${Math.max(4, Math.min(box.bottom + 4, innerHeight - menu.offsetHeight - 8))}px`;
  menu.onkeydown = (key) => {
    if (key.key === "Escape" || key.key === "Tab") { key.preventDefault(); close(true); }
    const step = { ArrowDown: 1, ArrowUp: rows.length - 1 }[key.key];
    if (step === undefined) return;
    key.preventDefault();
    rows[(rows.indexOf(document.activeElement) + step) % rows.length].focus();
  };
  setTimeout(() => { document.addEventListener("pointerdown", closeOutside); rows[0]?.focus(); });
}
