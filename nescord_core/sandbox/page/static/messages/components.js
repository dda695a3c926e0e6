// Components of a message: buttons, select menus, layout.
import { classes, el, emojiOf, link } from "/elements.js";
import { markdown, spoiler } from "/markdown/markdown.js";
import { gallery, tile } from "/messages/attachments.js";
import { hexColor, picture } from "/messages/embeds.js";
import { selectMenu } from "/messages/select_menu.js";
import { SELECT_KINDS } from "/state.js";

const LINK = 5;
const PREMIUM = 6;
const LARGE = 2;

// Returns null for an unknown type. context: {message, actions, names, waiting}; waiting is the custom id of the
// component whose interaction the bot has not answered yet.
export function component(data, context) {
  const inner = (each) => component(each, context);
  if (data.type in SELECT_KINDS) return selectMenu(data, context);
  switch (data.type) {
    case 1: return el("div", { class: "row" }, ...data.components.map(inner));
    case 2: return button(data, context);
    case 9: return section(data, inner);
    case 10: return markdown(data.content, context.names);
    case 11: return el("div", { class: "thumbnail" }, covered(data, picture(data.media, data.description)));
    case 12: return gallery(data.items.map((each) => covered(each, picture(each.media, each.description))));
    case 13: return covered(data, el("div", { class: "file" }, tile({ ...data.file, filename: data.name, size: data.size })));
    case 14: return separator(data);
    case 17: return container(data, inner);
    default: return null;
  }
}

const covered = (data, element) => (data.spoiler ? spoiler([element], "div") : element);

const separator = ({ divider, spacing }) => el(
  "div", { class: classes("separator", divider !== false && "line", spacing === LARGE && "large"), role: "separator" },
);

const section = (data, inner) => el(
  "div", { class: "section" }, el("div", {}, ...data.components.map(inner)), data.accessory && inner(data.accessory),
);

function container(data, inner) {
  const made = el("div", { class: "container" }, ...data.components.map(inner));
  if (data.accent_color != null) made.style.borderLeftColor = hexColor(data.accent_color);
  return covered(data, made);
}

function button(data, { message, actions, waiting }) {
  const label = [emojiOf(data.emoji), data.emoji && data.label ? " " : null, data.label].filter(Boolean);
  if (!label.length) label.push(data.style === PREMIUM ? "Premium" : "button");
  if (data.style === LINK) {
    const made = link(data.url, ...label, " ↗");
    made.classList.add("linked");
    return made;
  }
  const isWaiting = waiting !== undefined && waiting === data.custom_id;
  return el("button", {
    type: "button",
    class: classes(`s${data.style}`, isWaiting && "waiting"),
    disabled: data.disabled || isWaiting,
    "aria-busy": isWaiting ? "true" : null,
    data: { customId: data.custom_id ?? "" },
    onclick: () => actions.click(message, data.custom_id),
  }, ...label);
}
