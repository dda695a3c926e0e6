// Modals: the forms that a bot opens in response to an interaction.
import { attempt } from "/api.js";
import { dialog, labelled } from "/dialogs.js";
import { el } from "/elements.js";
import { controlFor } from "/interactions/form_controls.js";
import { markdown } from "/markdown/markdown.js";
import { names } from "/state.js";

const TEXT_DISPLAY = 10;
const LABEL = 18;

// Shows a modal; submit gets the values of its fields by custom id.
export function openModal(modal, submit) {
  const components = modal.components ?? [];
  const fields = fieldsOf(components).map((field) => [field, controlFor(field)]);
  const texts = components.filter((each) => each.type === TEXT_DISPLAY).map((each) => markdown(each.content, names));
  const rows = fields.map(([field, control]) => rowOf(field, control));
  dialog(modal.title ?? "Form", [...texts, ...rows], "Submit", () => attempt(async () => {
    const values = fields.map(async ([field, control]) => [field.custom_id, await control.value()]);
    submit(Object.fromEntries(await Promise.all(values)));
  }));
}

// A click on a label reaches its control, which a group and a select menu are not.
function rowOf(field, { element, isGroup }) {
  const label = `${field.label ?? field.custom_id}${field.required === false ? "" : " *"}`;
  if (isGroup) return element;
  if (element.tagName !== "DIV") return labelled(label, field.description, element);
  return el("div", { class: "labelled" }, el("span", {}, label), field.description ? el("small", {}, field.description) : "", element);
}

const fieldsOf = (components) => components.flatMap((each) => {
  if (each.type === LABEL && each.component) {
    return [{ ...each.component, label: each.label, description: each.description }];
  }
  if (each.components) return fieldsOf(each.components);
  return each.custom_id ? [each] : [];
});
