// Components of a message: buttons, select menus, layout.
import { classes, el, emojiOf, link } from "/elements.js";
import { markdown } from "/markdown/markdown.js";
import { hexColor, image } from "/messages/embeds.js";
import { entityChoices } from "/state.js";

export const SELECT_KINDS = { 3: "string", 5: "user", 6: "role", 7: "mentionable", 8: "channel" };
const LINK = 5;

// Returns null for an unknown type.
export function component(data, message, actions, names) {
  const inner = (each) => component(each, message, actions, names);
  if (data.type in SELECT_KINDS) return selectMenu(data, message, actions);
  switch (data.type) {
    case 1: return el("div", { class: "row" }, ...data.components.map(inner));
    case 2: return button(data, message, actions);
    case 9: return section(data, inner);
    case 10: return markdown(data.content, names);
    case 11: return image(data.media.url, data.description);
    case 12: return el("div", { class: "files" }, ...data.items.map((each) => image(each.media.url, each.description)));
    case 13: return el("div", { class: "files" }, link(data.file.url, data.file.url.split("/").pop()));
    case 14: return el("hr");
    case 17: return container(data, inner);
    default: return null;
  }
}

const section = (data, inner) => el(
  "div", { class: "section" }, el("div", {}, ...data.components.map(inner)), data.accessory && inner(data.accessory),
);

function container(data, inner) {
  const name = classes("container", data.spoiler && "spoiler shown");
  const made = el("div", { class: name }, ...data.components.map(inner));
  if (data.accent_color) made.style.borderLeftColor = hexColor(data.accent_color);
  return made;
}

function button(data, message, actions) {
  const label = [emojiOf(data.emoji), data.emoji && data.label ? " " : null, data.label].filter(Boolean);
  if (!label.length) label.push("button");
  if (data.style === LINK) {
    const made = link(data.url, ...label, " ↗");
    made.classList.add("linked");
    return made;
  }
  return el("button", {
    type: "button",
    class: `s${data.style}`,
    disabled: data.disabled,
    data: { customId: data.custom_id ?? "" },
    onclick: () => actions.click(message, data.custom_id),
  }, ...label);
}

function selectMenu(data, message, actions) {
  const options = data.options ?? entityChoices(SELECT_KINDS[data.type]);
  const multiple = (data.max_values ?? 1) > 1;
  const made = el("select", {
    "aria-label": data.placeholder || "Choose",
    disabled: data.disabled,
    multiple,
    size: multiple ? Math.min(options.length, 5) : null,
  });
  if (!multiple) made.append(el("option", { value: "" }, data.placeholder || "Choose…"));
  made.append(...options.map(selectOption));
  const send = () => {
    const chosen = [...made.selectedOptions].map((each) => each.value).filter(Boolean);
    if (chosen.length >= (data.min_values ?? 1)) actions.select(message, data.custom_id, chosen);
  };
  if (multiple) return el("span", { class: "row" }, made, el("button", { type: "button", onclick: send }, "Choose"));
  made.addEventListener("change", send);
  return made;
}

const selectOption = (option) => el(
  "option", { value: option.value, selected: option.default, title: option.description },
  option.description ? `${option.label} – ${option.description}` : option.label,
);
