// A message as an element: author, content, marks and tools.
import { avatar, classes, el, nameOf } from "/elements.js";
import { markdown } from "/markdown/markdown.js";
import { component } from "/messages/components.js";
import { ofMessage } from "/interactions/pending.js";
import { interactionLine } from "/interactions/rows.js";
import { inFull, timeOfDay } from "/markdown/timestamps.js";
import { attachments, attachmentsOf } from "/messages/attachments.js";
import { isEdited } from "/messages/edited.js";
import { embed } from "/messages/embeds.js";
import { poll } from "/messages/polls.js";
import { reaction } from "/messages/reactions.js";
import { traceElement } from "/trace/lines.js";

const CROSSPOST = 2;
const EPHEMERAL = 64;
const LOADING = 128;
const JOIN_MS = 300_000;
const MODAL_SUBMIT = 5;
const THREAD_STARTER = 21;
const WITH_EMBEDS = new Set([24, 46]);
const SYSTEM_SIGNS = {
  1: "→", 2: "←", 4: "✎", 6: "◆", 7: "→", 12: "⇉", 18: "⌙", 21: "⌙", 24: "⛨", 46: "☑",
};

// The text of system messages, which Discord's clients write themselves.
function systemText(message) {
  const who = nameOf(message.author);
  switch (message.type) {
    case 4: return `${who} changed the name of this thread to ${message.content}`;
    case 6: return `${who} pinned a message`;
    case 7: return `${who} joined the guild`;
    case 12: return `${who} follows ${message.content || "an announcement channel"} here`;
    case 18: return `${who} started the thread ${message.content}`;
    case 21: return `${who} started this thread from a message`;
    case 24: return `Auto moderation blocked a message by ${who}`;
    case 46: return "A poll has ended";
    default: return null;
  }
}

// An ephemeral message is visible to the user of its interaction only.
export function isVisible(message, userId) {
  if (!(message.flags & EPHEMERAL)) return true;
  return message.interaction_metadata?.user?.id === userId;
}

// context: {names, actions, userId, tracesOf}; userId is the user that the page speaks as, tracesOf returns what the
// bot's code did for a message.
export function messageElement(given, previous, context) {
  // A thread begins with the message that it was started from.
  const starter = given.type === THREAD_STARTER && given.referenced_message;
  const message = starter ? { ...starter, id: given.id, referenced_message: null } : given;
  const system = systemText(message);
  const made = el("li", { class: messageClasses(message, previous, context, system), data: { id: message.id } });
  if (system) {
    made.append(...systemParts(message, system, context));
    return made;
  }
  made.append(
    ...origin(message, context),
    avatar(message.author, { onclick: (event) => context.actions.user(message.author, event) }),
    byline(message),
    body(message, context),
    tools(message, context),
  );
  return made;
}

function messageClasses(message, previous, { userId }, system) {
  const mentioned = message.mentions?.some((user) => user.id === userId) || message.mention_everyone;
  return classes(
    "message",
    !system && previous && followsOn(message, previous) && "joined",
    system && "system",
    mentioned && !system && "mentions",
    message.flags & EPHEMERAL && "private",
    message.deleted && "deleted",
  );
}

// Returns whether a message is shown below the previous one without its author's name.
function followsOn(message, previous) {
  return !systemText(previous)
    && !message.referenced_message
    && !message.interaction_metadata
    && previous.author.id === message.author.id
    && previous.author.username === message.author.username
    && !(previous.flags & EPHEMERAL)
    && !(message.flags & EPHEMERAL)
    && Date.parse(message.timestamp) - Date.parse(previous.timestamp) < JOIN_MS;
}

function timeElement(message) {
  const at = new Date(message.timestamp);
  return el("time", { datetime: message.timestamp, title: inFull(at) }, timeOfDay(at));
}

function systemParts(message, text, { names }) {
  const embeds = WITH_EMBEDS.has(message.type) ? message.embeds ?? [] : [];
  return [
    el("span", { class: "sign", "aria-hidden": "true" }, SYSTEM_SIGNS[message.type] ?? "·"),
    el(
      "div", { class: "body" }, `${text} `, el("span", { class: "by" }, timeElement(message)),
      ...embeds.map((data) => embed(data, names)),
    ),
  ];
}

// The message or the interaction that the message responds to.
function origin(message, { actions }) {
  if (message.referenced_message) {
    const quoted = message.referenced_message;
    const text = `${nameOf(quoted.author)}: ${quoted.content || "…"}`;
    const jump = () => actions.jump(quoted.id);
    return [el("button", { type: "button", class: "quote", title: "Show the message", onclick: jump }, text)];
  }
  if (message.message_reference?.type === 0) {
    return [el("div", { class: "quote" }, "Original message was deleted")];
  }
  const used = message.interaction_metadata;
  if (!used) return [];
  const what = used.name ? `/${used.name}` : used.type === MODAL_SUBMIT ? "a form" : "a component";
  return [el("div", { class: "quote" }, `${nameOf(used.user)} used ${what}`)];
}

function byline(message) {
  return el(
    "div", { class: "by" },
    el("strong", {}, nameOf(message.author)), message.author.bot ? el("span", { class: "tag" }, "APP") : "",
    timeElement(message),
  );
}

function body(message, context) {
  const { names, actions, userId } = context;
  const made = el("div", { class: "body" });
  const thinking = `${nameOf(message.author)} is thinking…`;
  if (message.flags & LOADING) made.append(el("span", { class: "thinking" }, thinking));
  if (message.content) made.append(markdown(message.content, names));
  for (const snapshot of message.message_snapshots ?? []) made.append(forwarded(snapshot.message, names));
  for (const data of message.embeds ?? []) made.append(embed(data, names));
  const files = attachmentsOf(message);
  if (files.length) made.append(el("div", { class: "files" }, ...attachments(files)));
  for (const each of message.sticker_items ?? []) made.append(el("div", { class: "marks" }, `sticker: ${each.name}`));
  if (message.poll) made.append(poll(message.poll, message, context));
  const pending = ofMessage(message.id);
  const waiting = pending && !pending.failure ? pending.customId : undefined;
  for (const data of message.components ?? []) {
    const shown = component(data, { message, actions, names, waiting });
    if (shown) made.append(shown);
  }
  if (message.reactions?.length) {
    const rows = message.reactions.map((each) => reaction(each, message, actions, userId));
    made.append(el("div", { class: "reactions" }, ...rows));
  }
  if (message.thread) made.append(threadLink(message.thread, actions));
  made.append(interactionLine(pending));
  if (message.flags & EPHEMERAL) made.append(dismissal(message, actions));
  const trace = traceElement(context.tracesOf(message));
  if (trace) made.append(trace);
  const listed = marks(message);
  if (listed.length) made.append(el("span", { class: "marks" }, `(${listed.join(", ")})`));
  return made;
}

const dismissal = (message, actions) => el(
  "div", { class: "marks" }, "Only you can see this · ",
  el("button", { type: "button", class: "plain", onclick: () => actions.dismiss(message) }, "Dismiss message"),
);

const forwarded = (message, names) => el(
  "div", { class: "forward" },
  el("small", {}, "forwarded"),
  message.content ? markdown(message.content, names) : "",
  ...(message.embeds ?? []).map((data) => embed(data, names)),
);

function threadLink(thread, actions) {
  const noun = thread.message_count === 1 ? "message" : "messages";
  return el(
    "button", { type: "button", class: "thread-link", onclick: () => actions.open(thread.id) },
    `⌙ ${thread.name}`, el("span", { class: "marks" }, `${thread.message_count} ${noun}`),
  );
}

const marks = (message) => [
  isEdited(message) && "edited",
  message.deleted && "deleted",
  message.pinned && "pinned",
  message.flags & CROSSPOST && "published in another channel",
].filter(Boolean);

function tools(message, { actions, userId }) {
  const button = (label, title, onclick) => el(
    "button", { type: "button", title, "aria-label": title, onclick }, label,
  );
  const made = el("div", { class: "tools" });
  if (message.flags & EPHEMERAL) return "";
  made.append(
    button("👍", "React", () => actions.react(message, "👍")),
    button("☺", "React with another emoji", () => actions.reactWith(message)),
    button("↩", "Reply", () => actions.reply(message)),
  );
  if (message.author.id === userId) {
    made.append(
      button("✎", "Edit", () => actions.edit(message)),
      button("✕", "Delete", () => actions.remove(message)),
    );
  }
  made.append(button("⋯", "More: pin, apps, copy", (event) => actions.more(message, event)));
  return made;
}
