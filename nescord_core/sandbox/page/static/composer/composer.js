// The message box: sends messages, replies, edits and commands.
import { attempt, call } from "/api.js";
import { commandSuggestions, withNextOption } from "/composer/commands/suggestions.js";
import { nameSuggestions } from "/composer/name_suggestions.js";
import { fromDiscord, toDiscord } from "/composer/names.js";
import { suggestionList } from "/composer/suggestion_list.js";
import { reportTyping } from "/composer/typing.js";
import { hasUploads, setUpUploads, takeUploads } from "/composer/uploads.js";
import { $, nameOf } from "/elements.js";
import { runCommand } from "/interactions/run.js";
import { follow } from "/messages/following.js";
import { clearLine } from "/messages/unread.js";
import { DIRECT, speaker, speakerId, state } from "/state.js";

const LEAST_HEIGHT = 34;
const SCROLL_HEIGHT = 160;

export const replyTo = (message) => setTarget(message, null);

export function editMessage(message) {
  setTarget(null, message);
  setContent(fromDiscord(message.content));
}

export const clearTarget = () => setTarget(null, null);

// Sets the message to reply to or to edit; at most one of the two.
function setTarget(reply, editing) {
  Object.assign(state, { replyTo: reply, editing });
  $("reply").hidden = !reply && !editing;
  $("reply").firstElementChild.textContent = targetText(reply, editing);
  if (reply || editing) $("content").focus();
}

function targetText(reply, editing) {
  if (editing) return "Editing your message. Press Escape to cancel.";
  return reply ? `Replying to ${nameOf(reply.author)}` : "";
}

function cancelTarget() {
  if (state.editing) $("content").value = "";
  clearTarget();
  resize();
}

function setContent(text) {
  $("content").value = text;
  resize();
}

// Fits the height of the box to its text.
function resize() {
  const box = $("content");
  box.style.height = "auto";
  box.style.height = `${Math.max(box.value ? box.scrollHeight : 0, LEAST_HEIGHT)}px`;
  box.style.overflowY = box.scrollHeight > SCROLL_HEIGHT ? "auto" : "hidden";
}

async function submit() {
  const content = $("content").value;
  const user = speaker();
  if (!content.trim() && !hasUploads()) return;
  picker.close();
  setContent("");
  const { replyTo: reply, editing } = state;
  clearTarget();
  if (!editing) { follow(); clearLine(); }
  const done = await send(content, user, reply, editing);
  // Refused text stays in the box, unless something else has been typed; a missing option is put in.
  if (done || $("content").value) return;
  setContent(content.startsWith("/") ? withNextOption(content) : content);
  picker.update();
}

function send(content, user, reply, editing) {
  if (editing) {
    const body = { channel: editing.channel_id, message: editing.id, content: toDiscord(content), user };
    return attempt(() => call("POST", "/edit", body));
  }
  if (/^\/\w/.test(content) && state.channel) return runCommand(content, user);
  return attempt(async () => {
    const files = await takeUploads();
    const body = { user, content: toDiscord(content), ...(files.length ? { files } : {}) };
    if (state.guild === DIRECT) return call("POST", "/dm", body);
    return call("POST", "/say", { ...body, channel: state.channel, ...(reply ? { reply_to: reply.id } : {}) });
  });
}

function editLastMessage() {
  const own = [...state.messages.values()].filter((each) => each.author.id === speakerId() && !each.deleted).at(-1);
  if (own) editMessage(own);
  return Boolean(own);
}

function onKey(event) {
  if (event.isComposing) return;
  if (picker.onKey(event)) { event.preventDefault(); return; }
  if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); submit(); }
  if (event.key === "Escape") cancelTarget();
  if (event.key === "ArrowUp" && !$("content").value && editLastMessage()) event.preventDefault();
}

let picker;

export function setUpComposer() {
  picker = suggestionList($("content"), [commandSuggestions, nameSuggestions]);
  setUpUploads();
  $("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  $("content").addEventListener("input", () => { resize(); picker.update(); reportTyping(); });
  $("content").addEventListener("blur", () => picker.close());
  $("content").addEventListener("keydown", onKey);
  $("reply").querySelector("button").addEventListener("click", cancelTarget);
}
