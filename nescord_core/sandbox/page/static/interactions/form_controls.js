// The controls of a form: text, files, select menus, groups of radio buttons and checkboxes. Each is {element, value()}.
import { encode } from "/composer/uploads.js";
import { el, plural } from "/elements.js";
import { selectMenu } from "/messages/select_menu.js";
import { SELECT_KINDS } from "/state.js";

const TEXT_INPUT = 4;
const FILE_UPLOAD = 19;
const RADIO_GROUP = 21;
const CHECKBOX_GROUP = 22;
const CHECKBOX = 23;
const PARAGRAPH = 2;

let lastForm = 0;

export function controlFor(field) {
  const required = field.required ?? field.type !== CHECKBOX;
  if (field.type in SELECT_KINDS) return select(field, required);
  switch (field.type) {
    case RADIO_GROUP: return choices(field, "radio", required);
    case CHECKBOX_GROUP: return choices(field, "checkbox", required);
    case FILE_UPLOAD: return upload(field, required);
    case CHECKBOX: return checkbox(field);
    default: return text(field, field.required ?? field.type === TEXT_INPUT);
  }
}

function text(field, required) {
  const element = el(field.style === PARAGRAPH ? "textarea" : "input", {
    required, maxlength: field.max_length, minlength: field.min_length, placeholder: field.placeholder,
  });
  element.value = field.value ?? "";
  return { element, value: () => element.value };
}

function checkbox(field) {
  const element = el("input", { type: "checkbox", checked: field.default });
  return { element, value: () => element.checked };
}

// File types as a browser has them: groups as media types, extensions as they are.
const acceptOf = (field) => field.file_types?.map((each) => (each.startsWith(".") ? each : `${each}/*`)).join(",");

function upload(field, required) {
  const element = el("input", {
    type: "file", required, multiple: (field.max_values ?? 1) > 1, accept: acceptOf(field),
  });
  return { element, value: () => Promise.all([...element.files].map(encode)) };
}

// A select menu as in a message; an input out of sight keeps the form from being sent with too few values.
function select(field, required) {
  lastForm += 1;
  const options = field.options ?? [];
  let values = [...options.filter((each) => each.default), ...(field.default_values ?? [])].map((each) => each.value ?? each.id);
  const guard = el("input", { class: "hide", tabindex: "-1", "aria-hidden": "true" });
  const least = required ? field.min_values ?? 1 : 0;
  const check = () => {
    guard.setCustomValidity(values.length < least ? `Select at least ${least} ${plural(least, "option")}.` : "");
  };
  check();
  const choose = (_message, _id, chosen) => { values = chosen; check(); };
  const menu = selectMenu({ ...field, min_values: least }, { message: { id: `form ${lastForm}` }, actions: { select: choose } });
  return { element: el("div", { class: "row" }, guard, menu), value: () => values };
}

function choices(field, type, required) {
  lastForm += 1;
  const boxes = (field.options ?? []).map((option) => {
    const box = el("input", {
      type, name: `form-${lastForm}`, value: option.value, checked: option.default, required: required && type === "radio",
    });
    const note = option.description ? el("small", {}, option.description) : "";
    return [box, el("label", { class: "check" }, box, el("span", {}, option.label, note))];
  });
  const chosen = () => boxes.filter(([box]) => box.checked).map(([box]) => box.value);
  const element = el("fieldset", {}, el("legend", {}, field.label ?? ""), ...boxes.map(([, label]) => label));
  return { element, isGroup: true, value: () => (type === "radio" ? chosen()[0] ?? null : chosen()) };
}
