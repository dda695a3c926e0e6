// Dialogs, the fields of forms, and menus that open at a button.
import { $ } from "/state.js";
import { el } from "/markdown.js";

export const fieldsOf = (components) => components.flatMap((each) => {
  if (each.type === 18 && each.component) return [{ ...each.component, label: each.label, description: each.description }];
  if (each.components) return fieldsOf(each.components);
  return each.custom_id ? [each] : [];
});

export const SELECTS = { 3: "string", 5: "user", 6: "role", 7: "mentionable", 8: "channel" };

export function control(field, choices) {
  const required = field.required ?? field.type === 4;
  if (field.type in SELECTS || field.type === 21 || field.type === 22) {
    const options = field.options ?? choices(SELECTS[field.type]);
    const many = (field.max_values ?? 1) > 1;
    return el("select", { required, multiple: many }, many || required ? "" : el("option", { value: "" }, "–"), ...options.map((each) => el("option", { value: each.value, selected: each.default }, each.label)));
  }
  if (field.type === 23) return el("input", { type: "checkbox", checked: field.default });
  const made = el(field.style === 2 ? "textarea" : "input", { required, maxlength: field.max_length, minlength: field.min_length, placeholder: field.placeholder });
  made.value = field.value ?? "";
  return made;
}

export function read(field, made) {
  if (made.tagName === "SELECT") {
    const chosen = [...made.selectedOptions].map((each) => each.value).filter(Boolean);
    return field.type === 21 ? chosen[0] ?? null : chosen;
  }
  return made.type === "checkbox" ? made.checked : made.value;
}

export const labelled = (label, description, made) => el("label", {}, el("span", {}, label), description ? el("small", {}, description) : "", made);

export function ask(title, fields, act) {
  const made = fields.map((each) => [each, each.options ? el("select", { required: true }, ...each.options.map((option) => el("option", { value: option.value }, option.label))) : el("input", { required: true, maxlength: 100 })]);
  dialog(title, made.map(([each, input]) => labelled(each.label, each.note, input)), "OK", () => act(Object.fromEntries(made.map(([each, input]) => [each.name, input.value.trim()]))));
}

export function dialog(title, rows, verb, act) {
  const box = $("modal");
  const form = el("form", { method: "dialog" }, el("h2", { id: "modal-title" }, title), ...rows, el("div", { class: "row" }, el("button", { type: "button", onclick: () => box.close() }, "Cancel"), el("button", { class: "s1" }, verb)));
  form.addEventListener("submit", act);
  box.replaceChildren(form);
  box.showModal();
}

export function menuOf(event, title, entries) {
  const menu = $("context");
  const opener = event.currentTarget;
  const close = (focus) => { menu.hidden = true; document.removeEventListener("pointerdown", away); if (focus) opener?.focus?.(); };
  const away = (outside) => { if (!menu.contains(outside.target)) close(false); };
  const rows = entries.filter(Boolean).map(([label, act]) => el("button", { type: "button", role: "menuitem", onclick: () => { close(true); act(); } }, label));
  menu.replaceChildren(el("small", {}, title), ...rows);
  menu.hidden = false;
  const box = opener.getBoundingClientRect();
  menu.style.left = `${Math.max(4, Math.min(box.left, innerWidth - menu.offsetWidth - 8))}px`;
  menu.style.top = `${Math.max(4, Math.min(box.bottom + 4, innerHeight - menu.offsetHeight - 8))}px`;
  menu.onkeydown = (key) => {
    const at = rows.indexOf(document.activeElement);
    if (key.key === "Escape" || key.key === "Tab") { key.preventDefault(); close(true); }
    if (key.key === "ArrowDown" || key.key === "ArrowUp") { key.preventDefault(); rows[(at + (key.key === "ArrowDown" ? 1 : rows.length - 1)) % rows.length].focus(); }
  };
  setTimeout(() => { document.addEventListener("pointerdown", away); rows[0]?.focus(); });
}
