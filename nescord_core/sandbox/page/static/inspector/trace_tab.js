// The inspector's Trace tab: every event with the handlers that ran, their calls and errors, and every reload.
import { $, el } from "/elements.js";
import { aboutEvent, clock } from "/inspector/about.js";
import { copy } from "/members.js";
import { asTest } from "/trace/as_test.js";
import { callElement, problemElements, ranHandlers } from "/trace/lines.js";
import { replay } from "/trace/replay.js";
import { clearTraces, isTraced, onTrace, traces } from "/trace/store.js";

const EMPTY = "No events yet. Send a message to the bot.";
const UNTRACED = "Shows what bots of `nescord dev` and `nescord run main` do with each event. No such bot is connected; "
  + "the Events and REST tabs show those of any bot.";
let filter = "";
let onlyProblems = false;
let rows = new Map();
let openTab = () => null;

export function drawTrace(currentTab) {
  openTab = currentTab;
  rows = new Map();
  const search = el("input", { type: "search", placeholder: "Filter", "aria-label": "Filter", value: filter });
  search.addEventListener("input", () => { filter = search.value.toLowerCase(); drawRows(); });
  const errors = el("button", {
    type: "button", "aria-pressed": String(onlyProblems), onclick: () => {
      onlyProblems = !onlyProblems;
      errors.setAttribute("aria-pressed", String(onlyProblems));
      drawRows();
    },
  }, "Errors");
  const clear = el("button", { type: "button", onclick: () => { clearTraces(); drawRows(); } }, "Clear");
  $("panel").replaceChildren(el("div", { class: "bar" }, search, errors, clear), el("div", { class: "list" }));
  drawRows();
}

const isShown = (trace) => {
  if (onlyProblems && !problemElements(trace).length) return false;
  return !filter || textOf(trace).includes(filter);
};

const textOf = (trace) => [
  trace.record.type, trace.build?.line, aboutEvent(trace.record.type, trace.record.data),
  ...trace.handlers.map((each) => `${each.name} ${each.error}`), ...trace.calls.map((each) => `${each.method} ${each.path}`),
].join(" ").toLowerCase();

function drawRows() {
  const list = $("panel").querySelector(".list");
  if (!list) return;
  const shown = traces.filter(isShown);
  list.replaceChildren(...shown.map(rowOf));
  if (!shown.length) list.append(el("p", {}, isTraced() ? EMPTY : UNTRACED));
}

function rowOf(trace) {
  const isOpen = rows.get(trace)?.open ?? false;
  const row = trace.build ? buildRow(trace) : eventRow(trace);
  row.open = isOpen;
  rows.set(trace, row);
  return row;
}

const buildRow = ({ build, at }) => el(
  "div", { class: "build" }, el("b", {}, `Reloaded${build.ms ? ` in ${Math.round(build.ms)} ms` : ""}`),
  el("span", {}, (build.files ?? []).join(", ")), el("small", {}, clock(at)),
);

function eventRow(trace) {
  const { record, at } = trace;
  const failed = problemElements(trace);
  return el(
    "details", { class: failed.length ? "failed" : "" },
    el(
      "summary", {}, el("b", { class: failed.length ? "no" : "" }, record.type),
      el("span", {}, aboutEvent(record.type, record.data)),
      el("small", {}, `${trace.ended ? "" : "running · "}${record.again ? "replayed · " : ""}${clock(at)}`),
    ),
    el(
      "div", { class: "steps" }, ...ranHandlers(trace), ...trace.calls.map(callElement), ...failed,
      trace.ended && !trace.handlers.length && !trace.calls.length ? el("span", {}, "No handler of the bot takes it.") : "",
      actionsOf(trace),
    ),
  );
}

function actionsOf(trace) {
  const button = (label, onclick) => el("button", { type: "button", onclick }, label);
  const test = asTest(trace);
  return el(
    "div", { class: "row" },
    trace.record.data ? button("Replay", () => replay(trace)) : "",
    test ? button("Copy as test", () => copy(test)) : "",
    trace.record.data ? button("Copy event", () => copy(JSON.stringify(trace.record.data, null, 2))) : "",
  );
}

onTrace((trace) => {
  if (openTab() !== "Trace" || $("inspector").hidden) return;
  const old = rows.get(trace);
  if (!trace || !old?.isConnected) { drawRows(); return; }
  old.replaceWith(rowOf(trace));
});
