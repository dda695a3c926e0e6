// The logs of events and REST requests: newest first, with a filter; a click shows the details.
import { $, el } from "/elements.js";
import { aboutEvent, clock } from "/inspector/about.js";
import { readablePath } from "/trace/store.js";

const MAX_ENTRIES = 300;

// describe returns {text, summary, details} of an entry: the text for the filter, the parts of its line, and a
// function that returns its details.
function log(describe, empty) {
  const entries = [];
  let filter = "";

  const row = (entry) => {
    const { text, summary, details } = describe(entry);
    const made = el("details", { data: { text: text.toLowerCase() } }, el("summary", {}, ...summary));
    made.hidden = !made.dataset.text.includes(filter);
    made.addEventListener("toggle", () => {
      if (made.open && made.children.length === 1) made.append(...details());
    });
    return made;
  };
  const add = (entry, isOpen) => {
    entries.push(entry);
    if (entries.length > MAX_ENTRIES) entries.shift();
    const list = isOpen && $("panel").querySelector(".list");
    if (!list) return;
    list.querySelector(":scope > p")?.remove();
    const made = row(entry);
    if (made.hidden) return;
    list.prepend(made);
    while (list.children.length > MAX_ENTRIES) list.lastChild.remove();
  };
  const applyFilter = (event) => {
    filter = event.target.value.toLowerCase();
    for (const each of $("panel").querySelectorAll("details")) each.hidden = !each.dataset.text.includes(filter);
  };
  const draw = () => {
    const search = el("input", { type: "search", placeholder: "Filter", "aria-label": "Filter", value: filter });
    search.addEventListener("input", applyFilter);
    const clear = el("button", { type: "button", onclick: () => { entries.length = 0; draw(); } }, "Clear");
    const list = el("div", { class: "list" }, ...entries.map(row).reverse());
    if (!entries.length) list.append(el("p", {}, empty));
    $("panel").replaceChildren(el("div", { class: "bar" }, search, clear), list);
  };
  return { add, draw, clearFilter: () => { filter = ""; } };
}

function describeEvent({ t, d, at }) {
  const about = aboutEvent(t, d);
  return {
    text: `${t} ${about}`,
    summary: [el("b", {}, t), el("span", {}, about), el("small", {}, clock(at))],
    details: () => [el("pre", { tabindex: "0" }, JSON.stringify(d, null, 2))],
  };
}

function describeRequest(request) {
  const { method, path, status, ms, at } = request;
  return {
    text: `${method} ${path} ${readablePath(path)} ${status}`,
    summary: [
      el("span", { class: status < 400 ? "ok" : "no" }, String(status)),
      el("b", { title: path }, `${method} ${readablePath(path)}`),
      el("small", {}, `${ms} ms · ${clock(at)}`),
    ],
    details: () => [
      el("p", {}, bucketText(request)), ...bodyParts("Sent", request.sent), ...bodyParts("Response", request.answer),
    ],
  };
}

function bucketText({ bucket, remaining, limit, retry_after: retryAfter }) {
  if (!limit) return "No rate limit bucket.";
  const retry = retryAfter ? `, retry after ${retryAfter} s` : "";
  return `Bucket ${bucket.slice(0, 8)}: ${remaining} of ${limit} left${retry}.`;
}

const bodyParts = (title, text) => (text ? [el("h3", {}, title), el("pre", { tabindex: "0" }, indented(text))] : []);

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export const eventLog = log(
  describeEvent, "No events yet. All events are listed here, whatever the bot's intents are.",
);
export const requestLog = log(describeRequest, "No requests yet.");
