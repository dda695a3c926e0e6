// Discord's markdown, as elements.
import { customEmoji, el, link } from "/elements.js";
import { codeBlock } from "/markdown/code_block.js";
import { parse } from "/markdown/rules.js";
import { timestamp } from "/markdown/timestamps.js";

const JUMBO = /^(?:\s|<a?:\w+:\d+>|\p{Extended_Pictographic}|\p{Emoji_Component}|\u200d|\ufe0f){1,120}$/u;
const PLAIN_NUMBER = /^[\d\s#*]*$/;
const PAGES = { guide: "Server Guide", browse: "Browse Channels", customize: "Channels & Roles", "linked-roles": "Linked Roles" };

const mention = (text, data = {}) => el("span", { class: "mention", data }, text);

// names: {user, role, channel}, functions that return the name of an id.
export function markdown(text, names) {
  const isJumbo = JUMBO.test(text) && !PLAIN_NUMBER.test(text);
  return el("div", { class: isJumbo ? "text jumbo" : "text" }, ...elementsOf(parse(text), names));
}

function elementsOf(nodes, names) {
  const inner = (content) => elementsOf(content, names);
  return nodes.map((node) => MAKERS[node.type](node, inner, names));
}

const tag = (name, props) => (node, inner) => el(name, props, ...inner(node.content));

const MAKERS = {
  text: ({ content }) => content,
  newline: ({ content }) => content,
  codeBlock,
  quote: tag("blockquote"),
  heading: (node, inner) => el("h3", { class: `h${node.level}` }, ...inner(node.content)),
  subtext: tag("small", { class: "subtext" }),
  list,
  code: ({ content }) => el("code", {}, content),
  maskedLink: (node, inner) => titled(link(node.url, ...inner(node.content)), node.title ?? node.url),
  link: ({ url }) => link(url, url),
  user: ({ id }, _, names) => mention(`@${names.user(id)}`, { user: id }),
  role: ({ id }, _, names) => mention(`@${names.role(id)}`),
  channel: ({ id }, _, names) => mention(`#${names.channel(id)}`, { channel: id }),
  command: ({ name }) => mention(`/${name}`, { command: name }),
  page: ({ name }) => mention(PAGES[name]),
  everyone: ({ name }) => mention(`@${name}`),
  emoji: ({ name, id }) => customEmoji(name, id),
  timestamp,
  em: tag("i"),
  strong: tag("b"),
  underline: tag("u"),
  strike: tag("s"),
  spoiler: (node, inner) => spoiler(inner(node.content)),
};

function titled(element, title) {
  element.title = title;
  return element;
}

function list({ isNumbered, start, items }, inner) {
  const rows = items.map((each) => el("li", {}, ...inner(each.content), each.list ? list(each.list, inner) : ""));
  return el(isNumbered ? "ol" : "ul", { start }, ...rows);
}

// Covers its content until it is clicked.
export function spoiler(content, kind = "span") {
  const made = el(kind, {
    class: "spoiler", tabindex: "0", role: "button", "aria-expanded": "false", title: "Show spoiler",
  }, el(kind, {}, ...content));
  const show = (event) => {
    if (made.classList.contains("shown")) return;
    event.preventDefault();
    made.classList.add("shown");
    made.setAttribute("aria-expanded", "true");
    made.removeAttribute("title");
  };
  made.addEventListener("click", show, { capture: true });
  made.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") show(event); });
  return made;
}
