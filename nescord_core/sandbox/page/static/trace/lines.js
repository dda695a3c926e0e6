// A trace as elements: the line below a message, and the error in red.
import { el } from "/elements.js";
import { problemsOf, readablePath } from "/trace/store.js";

const duration = (ms) => (ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`);

const handlerText = ({ name, place, ms }) => [name, place, duration(ms ?? 0)].filter(Boolean).join(" · ");

export function callElement(call) {
  const fine = call.status > 0 && call.status < 400;
  const waited = call.waited ? `, ${duration(call.waited)} of it waiting` : "";
  return el(
    "span", { class: "call", title: `${call.method} ${call.path}` },
    el("b", { class: fine ? "ok" : "no" }, String(call.status || "no response")),
    ` ${call.method} ${readablePath(call.path)} · ${duration(call.ms ?? 0)}${waited}`,
  );
}

const handlerElement = (handler) => el(
  "span", { class: handler.error ? "handler no" : "handler" }, handlerText(handler),
);

// Errors that a library has logged have no duration, and are shown as problems only.
export const ranHandlers = (trace) => trace.handlers.filter((each) => each.ms).map(handlerElement);

export function problemElements(trace) {
  const { raised, refused } = problemsOf(trace);
  const place = (text) => (text ? [" (", el("code", {}, text), ")"] : []);
  return [
    ...raised.map((each) => el("div", { class: "problem" }, `${each.name} raised ${each.error}`, ...place(each.place))),
    ...refused.map(({ call, error }) => el(
      "div", { class: "problem" }, `${call.method} ${readablePath(call.path)} was refused, ${call.status}: ${error}`,
    )),
  ];
}

// The lines below a message: what ran for it, and what went wrong.
export function traceElement(found) {
  const ran = found.filter((each) => each.handlers.length || each.calls.length);
  const problems = found.flatMap(problemElements);
  if (!ran.length && !problems.length) return null;
  const rows = ran.map((trace) => el(
    "div", { class: "run" },
    el("span", { class: "event" }, trace.record.type, trace.record.again ? " (replayed)" : ""),
    ...ranHandlers(trace), ...trace.calls.map(callElement),
  ));
  return el("div", { class: "trace" }, ...rows, ...problems);
}
