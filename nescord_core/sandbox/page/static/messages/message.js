// Turns messages into elements.
import { avatar, color, customEmoji, el, link, markdown, nameOf, ownUrl } from "/markdown.js";

const HEX = (number) => `#${number.toString(16).padStart(6, "0")}`;
const SELECTS = { 3: "string", 5: "user", 6: "role", 7: "mentionable", 8: "channel" };
const EPHEMERAL = 64;
const LOADING = 128;
const SIGNS = { 1: "→", 2: "←", 4: "✎", 6: "◆", 7: "→", 12: "⇉", 18: "⌙", 21: "⌙", 24: "⛨", 46: "☑" };

function embed(data, names) {
  const made = el("div", { class: "embed" });
  if (data.color) made.style.borderLeftColor = HEX(data.color);
  if (data.author?.name) made.append(el("small", {}, link(data.author.url, data.author.name)));
  if (data.title) made.append(el("div", { class: "title" }, link(data.url, markdown(data.title, names))));
  if (data.description) made.append(markdown(data.description, names));
  if (data.fields?.length) {
    made.append(el("div", { class: "fields" }, ...data.fields.map((field) => el(
      "div", { class: field.inline ? "inline" : "" }, el("b", {}, field.name), markdown(field.value, names),
    ))));
  }
  for (const shown of [data.image, data.thumbnail]) if (shown?.url) made.append(image(shown.url, data.title));
  const foot = [data.footer?.text, data.timestamp && new Date(data.timestamp).toLocaleString()].filter(Boolean);
  if (foot.length) made.append(el("small", {}, foot.join(" • ")));
  return made;
}

// Pictures of other hosts are linked to, not fetched: the page asks nobody but the sandbox for anything.
function image(url, alt) {
  if (!ownUrl(url)) return el("small", {}, link(url, url));
  return link(url, el("img", { src: url, alt: alt || "picture" }));
}

function file(data) {
  const shown = ownUrl(data.url) && data.content_type?.startsWith("image/") && !data.content_type.includes("svg");
  const children = [`${data.filename} (${size(data.size)})`];
  if (shown) children.push(el("img", { src: data.url, alt: data.description || data.filename }));
  return link(data.url, ...children);
}

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1 << 20 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / (1 << 20)).toFixed(1)} MB`);

function component(data, message, actions, names) {
  const again = (inner) => component(inner, message, actions, names);
  if (data.type === 1) return el("div", { class: "row" }, ...data.components.map(again));
  if (data.type === 2) return button(data, message, actions);
  if (data.type in SELECTS) return menu(data, message, actions);
  if (data.type === 9) return el("div", { class: "section" }, el("div", {}, ...data.components.map(again)), data.accessory && again(data.accessory));
  if (data.type === 10) return markdown(data.content, names);
  if (data.type === 12) return el("div", { class: "files" }, ...data.items.map((item) => image(item.media.url, item.description)));
  if (data.type === 11) return image(data.media.url, data.description);
  if (data.type === 13) return el("div", { class: "files" }, link(data.file.url, data.file.url.split("/").pop()));
  if (data.type === 14) return el("hr");
  if (data.type === 17) {
    const made = el("div", { class: data.spoiler ? "container spoiler shown" : "container" }, ...data.components.map(again));
    if (data.accent_color) made.style.borderLeftColor = HEX(data.accent_color);
    return made;
  }
  return null;
}

function emojiOf(data) {
  if (!data) return null;
  return data.id ? customEmoji(data.name, data.id) : data.name;
}

function button(data, message, actions) {
  const label = [emojiOf(data.emoji), data.emoji && data.label ? " " : null, data.label].filter(Boolean);
  if (!label.length) label.push("button");
  if (data.style === 5) {
    const made = link(data.url, ...label, " ↗");
    made.classList.add("linked");
    return made;
  }
  return el("button", {
    type: "button", class: `s${data.style}`, disabled: data.disabled, data: { customId: data.custom_id ?? "" },
    onclick: (event) => actions.click(message, data.custom_id, event.currentTarget),
  }, ...label);
}

function menu(data, message, actions) {
  const options = data.options ?? actions.choices(SELECTS[data.type]);
  const many = (data.max_values ?? 1) > 1;
  const made = el("select", { "aria-label": data.placeholder || "Choose", disabled: data.disabled, multiple: many, size: many ? Math.min(options.length, 5) : null });
  if (!many) made.append(el("option", { value: "" }, data.placeholder || "Choose…"));
  for (const option of options) {
    made.append(el("option", { value: option.value, selected: option.default, title: option.description }, option.description ? `${option.label} – ${option.description}` : option.label));
  }
  const chosen = () => [...made.selectedOptions].map((option) => option.value).filter(Boolean);
  const send = () => { if (chosen().length >= (data.min_values ?? 1)) actions.select(message, data.custom_id, chosen()); };
  if (!many) { made.addEventListener("change", send); return made; }
  return el("span", { class: "row" }, made, el("button", { type: "button", onclick: send }, "Choose"));
}

function reaction(data, message, actions, me) {
  const key = data.emoji.id ? `${data.emoji.name}:${data.emoji.id}` : data.emoji.name;
  const mine = data.users?.includes(me);
  return el("button", {
    type: "button", class: mine ? "me" : "", title: mine ? "Take it back" : "React", "aria-pressed": String(Boolean(mine)),
    onclick: () => actions.react(message, key, mine),
  }, emojiOf(data.emoji), ` ${data.count}`);
}

function bar(part, whole) {
  const made = el("span", { class: "bar", "aria-hidden": "true" });
  made.style.width = `${whole ? Math.round((part / whole) * 100) : 0}%`;
  return made;
}

function poll(data, message, actions) {
  const total = (data.results?.answer_counts ?? []).reduce((sum, each) => sum + each.count, 0);
  const count = (id) => data.results?.answer_counts?.find((each) => each.id === id)?.count ?? 0;
  const over = data.results?.is_finalized;
  return el("div", { class: "poll" }, el("h3", {}, data.question.text), ...data.answers.map((each) => el("button", {
    type: "button", disabled: over, onclick: () => actions.vote(message, each.answer_id, data.allow_multiselect),
  }, bar(count(each.answer_id), total), el("span", {}, emojiOf(each.poll_media.emoji), " ", each.poll_media.text), el("span", {}, String(count(each.answer_id))))),
  el("small", { class: "marks" }, `${total} ${total === 1 ? "vote" : "votes"} · ${over ? "ended" : `ends ${new Date(data.expiry).toLocaleString([], { dateStyle: "short", timeStyle: "short" })}`}`));
}

// What Discord's clients write themselves for messages without content.
function systemText(message, names) {
  const who = nameOf(message.author);
  switch (message.type) {
    case 4: return `${who} changed the name of this thread to ${message.content}`;
    case 6: return `${who} pinned a message`;
    case 7: return `${who} joined the guild`;
    case 12: return `${who} follows ${message.content || "an announcement channel"} here`;
    case 18: return `${who} started the thread ${message.content}`;
    case 21: return `${who} started this thread from a message`;
    case 24: return `Auto moderation stopped a message of ${who}`;
    case 46: return "A poll has ended";
    default: return null;
  }
}

export function visible(message, me) {
  if (!(message.flags & EPHEMERAL)) return true;
  return message.interaction_metadata?.user?.id === me;
}

export function messageElement(message, previous, context) {
  const { names, actions, me } = context;
  const author = message.author;
  const system = systemText(message, names);
  const joined = !system && previous && !systemText(previous, names) && !message.referenced_message && !message.interaction_metadata && previous.author.id === author.id
    && author.username === previous.author.username && !(previous.flags & EPHEMERAL) && !(message.flags & EPHEMERAL)
    && Date.parse(message.timestamp) - Date.parse(previous.timestamp) < 300_000;
  const mentions = message.mentions?.some((user) => user.id === me) || message.mention_everyone;
  const made = el("li", { class: ["message", joined && "joined", system && "system", mentions && !system && "mentions", message.flags & EPHEMERAL && "private", message.deleted && "deleted"].filter(Boolean).join(" "), data: { id: message.id } });
  const at = new Date(message.timestamp);
  const time = el("time", { datetime: message.timestamp, title: at.toLocaleString() }, at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  if (system) {
    made.append(el("span", { class: "sign", "aria-hidden": "true" }, SIGNS[message.type] ?? "·"), el("div", { class: "body" }, `${system} `, el("span", { class: "by" }, time)));
    if (message.type === 24 || message.type === 46) made.lastChild.append(...(message.embeds ?? []).map((data) => embed(data, names)));
    return made;
  }
  if (message.referenced_message) {
    const quoted = message.referenced_message;
    made.append(el("button", { type: "button", class: "quote", title: "Show it", onclick: () => actions.jump(quoted.id) }, `${nameOf(quoted.author)}: ${quoted.content || "…"}`));
  } else if (message.message_reference?.type === 0) {
    made.append(el("div", { class: "quote" }, "The message it answers is gone."));
  } else if (message.interaction_metadata) {
    const used = message.interaction_metadata;
    made.append(el("div", { class: "quote" }, `${nameOf(used.user)} used ${used.name ? `/${used.name}` : used.type === 5 ? "a form" : "a component"}`));
  }
  made.append(avatar(author, { onclick: (event) => actions.user(author, event) }));
  made.append(el("div", { class: "by" }, el("strong", {}, nameOf(author)), author.bot ? el("span", { class: "tag" }, message.webhook_id && !message.interaction_metadata ? "HOOK" : "BOT") : "", time));
  made.append(body(message, names, actions, me));
  made.append(tools(message, actions, me));
  return made;
}

function body(message, names, actions, me) {
  const made = el("div", { class: "body" });
  if (message.flags & LOADING) made.append(el("span", { class: "thinking" }, `${nameOf(message.author)} is thinking…`));
  if (message.content) made.append(markdown(message.content, names));
  for (const { message: inner } of message.message_snapshots ?? []) {
    made.append(el("div", { class: "forward" }, el("small", {}, "forwarded"), inner.content ? markdown(inner.content, names) : "", ...(inner.embeds ?? []).map((data) => embed(data, names))));
  }
  for (const data of message.embeds ?? []) made.append(embed(data, names));
  if (message.attachments?.length) made.append(el("div", { class: "files" }, ...message.attachments.map(file)));
  for (const each of message.sticker_items ?? []) made.append(el("div", { class: "marks" }, `sticker: ${each.name}`));
  if (message.poll) made.append(poll(message.poll, message, actions));
  for (const data of message.components ?? []) {
    const shown = component(data, message, actions, names);
    if (shown) made.append(shown);
  }
  if (message.reactions?.length) made.append(el("div", { class: "reactions" }, ...message.reactions.map((each) => reaction(each, message, actions, me))));
  if (message.thread) made.append(el("button", { type: "button", class: "thread-link", onclick: () => actions.open(message.thread.id) }, `⌙ ${message.thread.name}`, el("span", { class: "marks" }, `${message.thread.message_count} messages`)));
  const marks = [message.edited_timestamp && "edited", message.deleted && "deleted", message.pinned && "pinned", message.flags & EPHEMERAL && "only its receiver can see this", message.flags & 2 && "published elsewhere"].filter(Boolean);
  if (marks.length) made.append(el("span", { class: "marks" }, `(${marks.join(", ")})`));
  return made;
}

function tools(message, actions, me) {
  const button = (label, title, act) => el("button", { type: "button", title, "aria-label": title, onclick: act }, label);
  const made = el("div", { class: "tools" });
  if (message.flags & EPHEMERAL) {
    made.append(button("×", "Dismiss", () => actions.dismiss(message)));
    return made;
  }
  made.append(button("👍", "React", () => actions.react(message, "👍")), button("☺", "React with another emoji", () => actions.reactWith(message)), button("↩", "Reply", () => actions.reply(message)));
  if (message.author.id === me) made.append(button("✎", "Edit", () => actions.edit(message)), button("✕", "Delete", () => actions.remove(message)));
  made.append(button("⋯", "More: pin, apps, copy", (event) => actions.more(message, event)));
  return made;
}

export { color };
