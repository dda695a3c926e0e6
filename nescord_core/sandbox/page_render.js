// Turns messages into elements. Text becomes text nodes only, never markup, so nothing that a bot or a user
// writes can run here; links lead to http and https alone.

export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(made.dataset, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child != null && child !== ""));
  return made;
}

export const nameOf = (user) => user?.global_name || user?.username || "someone";

export function color(id) {
  // Ids made together are neighbours; the golden angle sets their colours far apart.
  const hue = Number((BigInt(id) % 3600n) * 137n % 360n);
  return `hsl(${hue} 55% 68%)`;
}

function safeLink(url) {
  try {
    const parsed = new URL(url);
    return parsed.protocol === "http:" || parsed.protocol === "https:" ? parsed.href : null;
  } catch {
    return null;
  }
}

export function link(url, ...children) {
  const href = safeLink(url);
  if (!href) return el("span", {}, ...children);
  return el("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

// Inline markdown: the first rule that matches furthest left wins, and its inside is read again.
const INLINE = [
  [/`([^`\n]+)`/, (m) => el("code", {}, m[1])],
  [/\*\*([^]+?)\*\*(?!\*)/, (m, inner) => el("b", {}, inner(m[1]))],
  [/__([^]+?)__(?!_)/, (m, inner) => el("u", {}, inner(m[1]))],
  [/~~([^]+?)~~/, (m, inner) => el("s", {}, inner(m[1]))],
  [/\|\|([^]+?)\|\|/, (m, inner) => spoiler(inner(m[1]))],
  [/\*([^\s*][^*]*?)\*/, (m, inner) => el("i", {}, inner(m[1]))],
  [/(?<![A-Za-z0-9])_([^\s_][^_]*?)_(?![A-Za-z0-9])/, (m, inner) => el("i", {}, inner(m[1]))],
  [/\[([^\]\n]+)\]\(<?(https?:\/\/[^\s)>]+)>?\)/, (m, inner) => link(m[2], inner(m[1]))],
  [/<(https?:\/\/[^\s>]+)>/, (m) => link(m[1], m[1])],
  [/https?:\/\/[^\s<>]+[^\s<>.,:;"')\]]/, (m) => link(m[0], m[0])],
  [/<@!?(\d+)>/, (m, _, names) => mention(`@${names.user(m[1])}`)],
  [/<#(\d+)>/, (m, _, names) => mention(`#${names.channel(m[1])}`)],
  [/<@&(\d+)>/, (m, _, names) => mention(`@${names.role(m[1])}`)],
  [/@(?:everyone|here)\b/, (m) => mention(m[0])],
  [/<a?:(\w+):\d+>/, (m) => el("span", {}, `:${m[1]}:`)],
  [/<\/([^:>]+):\d+>/, (m) => mention(`/${m[1]}`)],
  [/<t:(-?\d{1,13})(?::[tTdDfFR])?>/, (m) => el("time", {}, new Date(Number(m[1]) * 1000).toLocaleString())],
];

const mention = (text) => el("span", { class: "mention" }, text);

function spoiler(content) {
  const made = el("span", { class: "spoiler", tabindex: "0", role: "button", title: "Show spoiler" }, content);
  made.addEventListener("click", () => made.classList.add("shown"));
  return made;
}

function inline(text, names, depth = 0) {
  const out = document.createDocumentFragment();
  let rest = text;
  while (rest) {
    let best = null;
    for (const [pattern, make] of depth < 8 ? INLINE : []) {
      const match = pattern.exec(rest);
      if (match && (!best || match.index < best.match.index)) best = { match, make };
    }
    if (!best) break;
    out.append(rest.slice(0, best.match.index));
    out.append(best.make(best.match, (inner) => inline(inner, names, depth + 1), names));
    rest = rest.slice(best.match.index + best.match[0].length);
  }
  out.append(rest);
  return out;
}

export function markdown(text, names) {
  const out = el("div", { class: "text" });
  text.split(/```(?:[a-z0-9+#-]+\n)?([^]*?)```/i).forEach((part, at) => {
    if (at % 2) out.append(el("pre", {}, el("code", {}, part.replace(/^\n|\n$/g, ""))));
    else if (part) lines(part, names, out);
  });
  return out;
}

function lines(part, names, out) {
  let plain = [];
  const flush = () => {
    if (plain.length) out.append(inline(plain.join("\n"), names));
    plain = [];
  };
  for (const line of part.split("\n")) {
    const head = /^(#{1,3}) (.+)$/.exec(line);
    const quote = /^> ?(.*)$/.exec(line);
    const item = /^[-*] (.+)$/.exec(line);
    if (!head && !quote && !item) { plain.push(line); continue; }
    flush();
    if (head) out.append(el("h3", { class: `h${head[1].length}` }, inline(head[2], names)));
    else if (quote) out.append(el("blockquote", {}, inline(quote[1], names)));
    else out.append(el("ul", {}, el("li", {}, inline(item[1], names))));
  }
  flush();
}

function embed(data, names) {
  const made = el("div", { class: "embed" });
  if (data.color) made.style.borderLeftColor = `#${data.color.toString(16).padStart(6, "0")}`;
  if (data.author?.name) made.append(el("small", {}, link(data.author.url, data.author.name)));
  if (data.title) made.append(el("div", { class: "title" }, link(data.url, inline(data.title, names))));
  if (data.description) made.append(markdown(data.description, names));
  if (data.fields?.length) {
    made.append(el("div", { class: "fields" }, ...data.fields.map((field) => el(
      "div", { class: field.inline ? "inline" : "" }, el("b", {}, inline(field.name, names)), markdown(field.value, names),
    ))));
  }
  for (const picture of [data.image, data.thumbnail]) {
    if (picture?.url) made.append(el("small", {}, link(picture.url, picture.url)));
  }
  const foot = [data.footer?.text, data.timestamp && new Date(data.timestamp).toLocaleString()].filter(Boolean);
  if (foot.length) made.append(el("small", {}, foot.join(" • ")));
  return made;
}

function file(data) {
  const own = data.url?.startsWith(`${location.origin}/`);
  const shown = own && data.content_type?.startsWith("image/") && !data.content_type.includes("svg");
  const children = [`${data.filename} (${Math.max(1, Math.round(data.size / 1024))} kB)`];
  if (shown) children.push(el("img", { src: data.url, alt: data.description || data.filename }));
  return link(data.url, ...children);
}

const SELECTS = { 3: "string", 5: "user", 6: "role", 7: "mentionable", 8: "channel" };

function component(data, message, actions, names) {
  const again = (inner) => component(inner, message, actions, names);
  if (data.type === 1) return el("div", { class: "row" }, ...data.components.map(again));
  if (data.type === 2) return button(data, message, actions);
  if (data.type in SELECTS) return menu(data, message, actions);
  if (data.type === 9) return el("div", {}, ...data.components.map(again), data.accessory && again(data.accessory));
  if (data.type === 10) return markdown(data.content, names);
  if (data.type === 12) return el("div", { class: "files" }, ...data.items.map((item) => link(item.media.url, item.description || item.media.url)));
  if (data.type === 11) return el("span", { class: "files" }, link(data.media.url, data.description || "picture"));
  if (data.type === 14) return el("hr");
  if (data.type === 17) return el("div", { class: "container" }, ...data.components.map(again));
  return null;
}

function button(data, message, actions) {
  const label = [data.emoji?.name, data.label].filter(Boolean).join(" ") || "button";
  if (data.style === 5) return link(data.url, label);
  return el("button", {
    type: "button", class: `s${data.style}`, disabled: data.disabled, data: { customId: data.custom_id ?? "" },
    onclick: () => actions.click(message, data.custom_id),
  }, label);
}

function menu(data, message, actions) {
  const options = data.options ?? actions.choices(SELECTS[data.type]);
  const many = (data.max_values ?? 1) > 1;
  const made = el("select", { "aria-label": data.placeholder || "Choose", disabled: data.disabled, multiple: many });
  if (!many) made.append(el("option", { value: "" }, data.placeholder || "Choose…"));
  for (const option of options) made.append(el("option", { value: option.value, selected: option.default }, option.label));
  made.addEventListener("change", () => {
    const values = [...made.selectedOptions].map((option) => option.value).filter(Boolean);
    if (values.length >= (data.min_values ?? 1)) actions.select(message, data.custom_id, values);
  });
  return made;
}

function reaction(data, message, actions) {
  const name = data.emoji.id ? `:${data.emoji.name}:` : data.emoji.name;
  const key = data.emoji.id ? `${data.emoji.name}:${data.emoji.id}` : data.emoji.name;
  return el("button", { type: "button", class: data.me ? "me" : "", title: "React", onclick: () => actions.react(message, key) }, `${name} ${data.count}`);
}

const EPHEMERAL = 64;
const JOIN = 7;

export function messageElement(message, previous, context) {
  const { names, actions, me, bot } = context;
  const author = message.author;
  const joined = previous && !message.referenced_message && previous.author.id === author.id
    && Date.parse(message.timestamp) - Date.parse(previous.timestamp) < 300_000;
  const mentions = message.mentions?.some((user) => user.id === me) || message.mention_everyone;
  const made = el("li", { class: ["message", joined && "joined", mentions && "mentions", message.deleted && "deleted"].filter(Boolean).join(" "), data: { id: message.id } });
  if (message.referenced_message) {
    const quoted = message.referenced_message;
    made.append(el("div", { class: "quote" }, `${nameOf(quoted.author)}: ${quoted.content || "…"}`));
  }
  const avatar = el("div", { class: "avatar", "aria-hidden": "true" }, nameOf(author).slice(0, 1).toUpperCase());
  avatar.style.background = color(author.id);
  const at = new Date(message.timestamp);
  made.append(avatar, el("div", { class: "by" }, el("strong", {}, nameOf(author)), author.bot ? el("span", { class: "tag" }, "BOT") : "", el("time", { datetime: message.timestamp, title: at.toLocaleString() }, at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }))));
  made.append(body(message, names, actions));
  made.append(tools(message, actions, me, bot));
  return made;
}

function body(message, names, actions) {
  const made = el("div", { class: "body" });
  if (message.type === JOIN) made.append(el("em", {}, "joined the guild"));
  if (message.content) made.append(markdown(message.content, names));
  for (const data of message.embeds ?? []) made.append(embed(data, names));
  if (message.attachments?.length) made.append(el("div", { class: "files" }, ...message.attachments.map(file)));
  for (const data of message.components ?? []) {
    const shown = component(data, message, actions, names);
    if (shown) made.append(shown);
  }
  if (message.reactions?.length) made.append(el("div", { class: "reactions" }, ...message.reactions.map((each) => reaction(each, message, actions))));
  const marks = [message.edited_timestamp && "edited", message.deleted && "deleted", message.pinned && "pinned", message.flags & EPHEMERAL && "only its receiver can see this"].filter(Boolean);
  if (marks.length) made.append(el("span", { class: "marks" }, `(${marks.join(", ")})`));
  return made;
}

function tools(message, actions, me, bot) {
  const button = (label, title, act) => el("button", { type: "button", title, "aria-label": title, onclick: act }, label);
  const made = el("div", { class: "tools" }, button("👍", "React", () => actions.react(message, "👍")), button("↩", "Reply", () => actions.reply(message)));
  if (message.author.id === me && message.author.id !== bot) {
    made.append(button("✎", "Edit", () => actions.edit(message)), button("🗑", "Delete", () => actions.remove(message)));
  }
  return made;
}
