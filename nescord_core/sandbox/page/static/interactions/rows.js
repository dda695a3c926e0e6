// What is shown of an interaction that waits for the bot's answer, or that has failed.
import { avatar, el, nameOf } from "/elements.js";
import { end, WAIT_MS } from "/interactions/pending.js";
import { state } from "/state.js";
import { traceElement } from "/trace/lines.js";

// A bar that runs down within the three seconds that the bot has.
function countdown(began) {
  const bar = el("span", { class: "countdown", role: "timer", title: "The bot has 3 seconds to answer" }, el("i"));
  bar.firstChild.style.animationDelay = `${began - Date.now()}ms`;
  bar.firstChild.style.animationDuration = `${WAIT_MS}ms`;
  return bar;
}

// The line under a message whose component was used.
export function interactionLine(entry) {
  if (!entry) return "";
  if (!entry.failure) return el("div", { class: "interaction" }, "Waiting for the bot ", countdown(entry.began));
  return el("div", { class: "interaction failed", role: "alert" }, entry.failure);
}

// The row of a command, until its answer is there.
export function commandRow(entry, userId, tracesOf) {
  const author = state.bot ?? { id: "0", username: "Bot" };
  const dismiss = el("button", { type: "button", class: "plain", onclick: () => end(entry) }, "Dismiss message");
  const found = entry.interaction ? traceElement(tracesOf({ id: entry.interaction })) : null;
  return el(
    "li", { class: "message private command", data: { id: entry.id } },
    el("div", { class: "quote" }, `${entry.user} used ${entry.label}`),
    avatar(author),
    el("div", { class: "by" }, el("strong", {}, nameOf(author)), el("span", { class: "tag" }, "APP")),
    el(
      "div", { class: "body" },
      entry.failure
        ? el("div", { class: "interaction failed", role: "alert" }, entry.failure)
        : el("div", { class: "interaction" }, "Sending command… ", countdown(entry.began)),
      found ?? "",
      entry.failure ? el("div", { class: "marks" }, "Only you can see this · ", dismiss) : "",
    ),
  );
}
