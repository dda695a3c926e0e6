// Modals: the forms that a bot opens in response to an interaction.
import { attempt } from "/api.js";
import { encode } from "/composer/uploads.js";
import { dialog, labelled } from "/dialogs.js";
import { el } from "/elements.js";
import { entityChoices, SELECT_KINDS } from "/state.js";

const TEXT_INPUT = 4;
const TEXT_DISPLAY = 10;
const LABEL = 18;
const FILE_UPLOAD = 19;
const RADIO_GROUP = 21;
const CHECKBOX_GROUP = 22;
const CHECKBOX = 23;
const PARAGRAPH = 2;

// Shows a modal; submit gets the values of its fields by custom id.
export function openModal(modal, submit) {
  const components = modal.components ?? [];
  const fields = fieldsOf(components).map((field) => [field, controlFor(field)]);
  const texts = components.filter((each) => each.type === TEXT_DISPLAY).map((each) => el("p", {}, each.content));
  const rows = fields.map(([field, control]) => labelled(field.label ?? field.custom_id, field.description, control));
  dialog(modal.title ?? "Form", [...texts, ...rows], "Submit", () => attempt(async () => {
    const values = fields.map(async ([field, control]) => [field.custom_id, await valueOf(field, control)]);
    submit(Object.fromEntries(await Promise.all(values)));
  }));
}

const fieldsOf = (components) => components.flatMap((each) => {
  if (each.type === LABEL && each.component) {
    return [{ ...each.component, label: each.label, description: each.description }];
  }
  if (each.components) return fieldsOf(each.components);
  return each.custom_id ? [each] : [];
});

function controlFor(field) {
  const required = field.required ?? field.type === TEXT_INPUT;
  if (field.type in SELECT_KINDS || field.type === RADIO_GROUP || field.type === CHECKBOX_GROUP) {
    return selectFor(field, required);
  }
  if (field.type === FILE_UPLOAD) {
    return el("input", {
      type: "file", required: field.required ?? true, multiple: (field.max_values ?? 1) > 1, accept: acceptOf(field),
    });
  }
  if (field.type === CHECKBOX) return el("input", { type: "checkbox", checked: field.default });
  const made = el(field.style === PARAGRAPH ? "textarea" : "input", {
    required, maxlength: field.max_length, minlength: field.min_length, placeholder: field.placeholder,
  });
  made.value = field.value ?? "";
  return made;
}

// Returns file types as a browser has them: groups as media types, extensions as they are.
const acceptOf = (field) => field.file_types?.map((each) => (each.startsWith(".") ? each : `${each}/*`)).join(",");

function selectFor(field, required) {
  const options = field.options ?? entityChoices(SELECT_KINDS[field.type]);
  const multiple = (field.max_values ?? 1) > 1;
  return el(
    "select", { required, multiple },
    multiple || required ? "" : el("option", { value: "" }, "–"),
    ...options.map((each) => el("option", { value: each.value, selected: each.default }, each.label)),
  );
}

function valueOf(field, control) {
  if (field.type === FILE_UPLOAD) return Promise.all([...control.files].map(encode));
  if (control.tagName === "SELECT") {
    const chosen = [...control.selectedOptions].map((each) => each.value).filter(Boolean);
    return field.type === RADIO_GROUP ? chosen[0] ?? null : chosen;
  }
  return control.type === "checkbox" ? control.checked : control.value;
}
