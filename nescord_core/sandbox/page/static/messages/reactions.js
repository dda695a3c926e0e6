// Reactions of a message.
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
