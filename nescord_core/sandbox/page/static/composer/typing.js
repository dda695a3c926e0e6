// Shows who is typing in the open channel, and reports typing on the page.
import { call } from "/api.js";
import { $ } from "/elements.js";
import { names, speaker, speakerId, state } from "/state.js";

const SHOWN_MS = 9000;
const REPORT_MS = 8000;

// User ids, with the time until which each is shown.
const typing = new Map();

export function showTyping(event) {
  if (event.channel_id !== state.channel) return;
  typing.set(event.user_id, Date.now() + SHOWN_MS);
  draw();
  setTimeout(draw, SHOWN_MS + 100);
}

export function forgetTyping(userId) {
  typing.delete(userId);
  draw();
}

export function clearTyping() {
  typing.clear();
  draw();
}

function draw() {
  const now = Date.now();
  const who = [...typing].filter(([id, until]) => until > now && id !== speakerId()).map(([id]) => names.user(id));
  $("typing").textContent = who.length ? `${who.join(", ")} ${who.length > 1 ? "are" : "is"} typing…` : "";
}

let reportedAt = 0;
export function reportTyping() {
  const content = $("content").value;
  if (!content || content.startsWith("/") || !state.channel || Date.now() - reportedAt < REPORT_MS) return;
  reportedAt = Date.now();
  call("POST", "/typing", { channel: state.channel, user: speaker() }).catch(() => null);
}
