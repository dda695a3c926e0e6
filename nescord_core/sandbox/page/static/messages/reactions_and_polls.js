// Reactions and polls of a message.
import { el, emojiOf } from "/elements.js";

export function reaction(data, message, actions, userId) {
  const key = data.emoji.id ? `${data.emoji.name}:${data.emoji.id}` : data.emoji.name;
  const mine = data.users?.includes(userId);
  return el("button", {
    type: "button",
    class: mine ? "me" : "",
    title: mine ? "Remove your reaction" : "React",
    "aria-pressed": String(Boolean(mine)),
    onclick: () => actions.react(message, key, mine),
  }, emojiOf(data.emoji), ` ${data.count}`);
}

export function poll(data, message, actions) {
  const counts = data.results?.answer_counts ?? [];
  const total = counts.reduce((sum, each) => sum + each.count, 0);
  const over = data.results?.is_finalized;
  const rows = data.answers.map((answer) => {
    const count = counts.find((each) => each.id === answer.answer_id)?.count ?? 0;
    const vote = () => actions.vote(message, answer.answer_id);
    return el(
      "button", { type: "button", disabled: over, onclick: vote },
      bar(count, total),
      el("span", {}, emojiOf(answer.poll_media.emoji), " ", answer.poll_media.text),
      el("span", {}, String(count)),
    );
  });
  const end = new Date(data.expiry).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
  const marks = `${total} ${total === 1 ? "vote" : "votes"} · ${over ? "ended" : `ends ${end}`}`;
  const question = el("h3", {}, data.question.text);
  return el("div", { class: "poll" }, question, ...rows, el("small", { class: "marks" }, marks));
}

function bar(part, whole) {
  const made = el("span", { class: "bar", "aria-hidden": "true" });
  made.style.width = `${whole ? Math.round((part / whole) * 100) : 0}%`;
  return made;
}
