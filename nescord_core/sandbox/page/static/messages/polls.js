// Polls: answers are chosen, then voted for; the results are shown after the vote, or on request.
import { el, emojiOf, plural } from "/elements.js";
import { relative } from "/markdown/timestamps.js";

// What is chosen but not voted for yet, and whose results are shown, by message and user.
const chosenBy = new Map();
const withResults = new Set();

export function poll(data, message, { actions, userId }) {
  const key = `${message.id} ${userId}`;
  const counts = new Map((data.results?.answer_counts ?? []).map((each) => [each.id, each.count]));
  const total = [...counts.values()].reduce((sum, each) => sum + each, 0);
  const over = Boolean(data.results?.is_finalized);
  const votes = Object.entries(data.voters ?? {}).filter(([, users]) => users.includes(userId)).map(([id]) => Number(id));
  const made = el("div", { class: "poll" });
  const draw = () => {
    const shown = over || votes.length > 0 || withResults.has(key);
    const chosen = chosenBy.get(key) ?? new Set();
    const rows = data.answers.map((answer) => (shown
      ? resultRow(answer, counts.get(answer.answer_id) ?? 0, total, votes.includes(answer.answer_id))
      : answerRow(answer, chosen.has(answer.answer_id), () => { choose(data, key, answer.answer_id); draw(); })));
    made.replaceChildren(
      el("h3", {}, data.question.text),
      el("small", {}, over ? "Poll closed" : data.allow_multiselect ? "Select one or more answers" : "Select one answer"),
      ...rows,
      el("div", { class: "foot" }, el("small", { class: "marks" }, summary(data, total, over)), ...buttons()),
    );
  };
  const button = (label, props) => el("button", { type: "button", class: "plain", ...props }, label);
  const buttons = () => {
    if (over) return [];
    if (votes.length) return [button("Remove vote", { onclick: () => actions.vote(message, []) })];
    const chosen = chosenBy.get(key) ?? new Set();
    const isShown = withResults.has(key);
    const flip = () => { if (isShown) withResults.delete(key); else withResults.add(key); draw(); };
    const vote = () => { actions.vote(message, [...chosen]); chosenBy.delete(key); withResults.delete(key); };
    return [
      button(isShown ? "Go back to vote" : "Show results", { onclick: flip }),
      isShown ? "" : button("Vote", { class: "s1", disabled: !chosen.size, onclick: vote }),
    ];
  };
  draw();
  return made;
}

function choose(data, key, answerId) {
  const chosen = new Set(data.allow_multiselect ? chosenBy.get(key) : []);
  if (chosenBy.get(key)?.has(answerId)) chosen.delete(answerId); else chosen.add(answerId);
  chosenBy.set(key, chosen);
}

const media = (answer) => el("span", {}, emojiOf(answer.poll_media.emoji), " ", answer.poll_media.text ?? "");

const answerRow = (answer, isChosen, onclick) => el(
  "button", { type: "button", class: "answer", "aria-pressed": String(isChosen), onclick },
  media(answer), el("span", { class: "check", "aria-hidden": "true" }, isChosen ? "●" : "○"),
);

function resultRow(answer, count, total, isMine) {
  const share = total ? Math.round((count / total) * 100) : 0;
  const bar = el("span", { class: "bar", "aria-hidden": "true" });
  bar.style.width = `${share}%`;
  return el(
    "div", { class: isMine ? "answer me" : "answer" }, bar, media(answer),
    el("span", {}, isMine ? el("span", { class: "check" }, "✓ your vote ") : "", `${count} ${plural(count, "vote")} · ${share}%`),
  );
}

function summary(data, total, over) {
  const votes = `${total} ${plural(total, "vote")}`;
  return over || !data.expiry ? `${votes}${over ? " · ended" : ""}` : `${votes} · ends ${relative(Date.parse(data.expiry) / 1000)}`;
}
