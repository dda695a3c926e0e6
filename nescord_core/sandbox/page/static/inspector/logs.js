// The logs of events and REST requests: newest first, with filters; a click shows the details.
import { $, el } from "/elements.js";
import { aboutEvent, clock } from "/inspector/about.js";
import { copy } from "/members.js";
import { readablePath } from "/trace/store.js";

const MAX_ENTRIES = 300;

// describe returns {kind, text, summary, details} of an entry: its kind and text for the filters, the parts of its line,
// and a function that returns its details. While the log is paused, entries are kept and not shown.
function log(describe, empty, every) {
  const entries = [];
  let filter = "";
  let kind = "";
  let pausedAt = null;

  const isShown = (made) => made.dataset.text.includes(filter) && (!kind || made.dataset.kind === kind);
  const row = (entry) => {
    const { kind: own, text, summary, details } = describe(entry);
    const made = el("details", { data: { kind: own, text: text.toLowerCase() } }, el("summary", {}, ...summary));
    made.hidden = !isShown(made);
    made.addEventListener("toggle", () => {
      if (made.open && made.children.length === 1) made.append(...details());
    });
    return made;
  };
  const add = (entry, isOpen) => {
    entries.push(entry);
    if (entries.length > MAX_ENTRIES) entries.shift();
    const list = isOpen && pausedAt === null && $("panel").querySelector(".list");
    if (!list) return;
    const picker = $("panel").querySelector("select");
    if (![...picker.options].some((each) => each.value === describe(entry).kind)) picker.replaceChildren(...kindOptions());
    list.querySelector(":scope > p")?.remove();
    list.prepend(row(entry));
    while (list.children.length > MAX_ENTRIES) list.lastChild.remove();
  };
  const applyFilters = () => {
    for (const each of $("panel").querySelectorAll("details")) each.hidden = !isShown(each);
  };
  const kindOptions = () => ["", ...new Set(entries.map((each) => describe(each).kind))].sort().map((each) => (
    el("option", { value: each, selected: each === kind }, each || every)
  ));
  const draw = () => {
    const search = el("input", { type: "search", placeholder: "Filter", "aria-label": "Filter", value: filter });
    search.addEventListener("input", () => { filter = search.value.toLowerCase(); applyFilters(); });
    const kinds = el("select", { "aria-label": "Kind" }, ...kindOptions());
    kinds.addEventListener("change", () => { kind = kinds.value; applyFilters(); });
    const pause = () => { pausedAt = pausedAt === null ? entries.length : null; draw(); };
    const clear = el("button", { type: "button", onclick: () => { entries.length = 0; pausedAt = null; draw(); } }, "Clear");
    const shown = pausedAt === null ? entries : entries.slice(0, pausedAt);
    const list = el("div", { class: "list" }, ...shown.map(row).reverse());
    if (!shown.length) list.append(el("p", {}, empty));
    const paused = el("button", { type: "button", "aria-pressed": String(pausedAt !== null), onclick: pause }, "Pause");
    $("panel").replaceChildren(el("div", { class: "bar" }, search, kinds, paused, clear), list);
  };
  return { add, draw, clearFilter: () => { filter = ""; kind = ""; } };
}

const copyButton = (text) => el("button", { type: "button", onclick: () => copy(text) }, "Copy");

function describeEvent({ t, d, at }) {
  const about = aboutEvent(t, d);
  return {
    kind: t,
    text: `${t} ${about}`,
    summary: [el("b", {}, t), el("span", {}, about), el("small", {}, clock(at))],
    details: () => {
      const text = JSON.stringify(d, null, 2);
      return [copyButton(text), el("pre", { tabindex: "0" }, text)];
    },
  };
}

function describeRequest(request) {
  const { method, path, status, ms, at } = request;
  return {
    kind: status < 400 ? method : `${method} refused`,
    text: `${method} ${path} ${readablePath(path)} ${status}`,
    summary: [
      el("span", { class: status < 400 ? "ok" : "no" }, String(status)),
      el("b", { title: path }, `${method} ${readablePath(path)}`),
      el("small", {}, `${ms} ms · ${clock(at)}`),
    ],
    details: () => [
      el("p", {}, path), el("p", {}, bucketText(request)), ...bodyParts("Sent", request.sent),
      ...bodyParts("Response", request.answer),
    ],
  };
}

function bucketText({ bucket, remaining, limit, retry_after: retryAfter }) {
  if (!limit) return "No rate limit bucket.";
  const retry = retryAfter ? `, retry after ${retryAfter} s` : "";
  return `Bucket ${bucket.slice(0, 8)}: ${remaining} of ${limit} left${retry}.`;
}

function bodyParts(title, text) {
  if (!text) return [];
  return [el("h3", {}, title, " ", copyButton(indented(text))), el("pre", { tabindex: "0" }, indented(text))];
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export const eventLog = log(
  describeEvent, "No events yet. All events are listed here, whatever the bot's intents are.", "all events",
);
export const requestLog = log(describeRequest, "No requests yet.", "all requests");
