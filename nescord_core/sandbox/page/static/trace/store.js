// What the bot's code did: each event with its handlers, their REST calls and errors, as main's workers report them.
// Calls are joined with the requests that the sandbox has answered, which know the response and the rate limit.
import { state } from "/state.js";

const MAX_TRACES = 300;
const MAX_REQUESTS = 300;
const LEAST_WAIT_MS = 200;

export const traces = [];
const byMessage = new Map();
let requests = [];
let workers = 0;
const listeners = new Set();

export const onTrace = (listener) => listeners.add(listener);
export const isTraced = () => workers > 0;

const changed = (trace) => { for (const each of listeners) each(trace); };

export function addRequest(report) {
  requests.push({ ...report, route: masked(report.path.replace(/^\/v\d+/, "")) });
  if (requests.length > MAX_REQUESTS) requests.shift();
}

// Tokens of webhooks and interactions are masked in the records of calls.
const masked = (path) => path.replace(/^(\/(?:webhooks|interactions)\/[^/?]+)\/(?!github\b|slack\b)[^/?]+/, "$1/***");

export function addRecord(record, at) {
  if (record.kind === "workers") { workers = record.count; changed(null); return; }
  if (record.kind === "event") { addEvent(record, at); return; }
  const trace = traces.find((each) => each.record.id === record.id);
  if (!trace) return;
  if (record.kind === "call") trace.calls.push({ ...record, ...requestOf(record) });
  if (record.kind === "end") {
    Object.assign(trace, { ended: true, ms: record.ms, handlers: record.handlers ?? [], error: record.error ?? "" });
  }
  changed(trace);
}

function addEvent(record, at) {
  const trace = { record, at, calls: [], handlers: [], ended: false, error: "", messages: messagesOf(record) };
  add(trace);
}

export function addBuild(build, at) {
  add({ build, at, record: { id: null }, calls: [], handlers: [], messages: [] });
}

function add(trace) {
  traces.unshift(trace);
  for (const id of trace.messages) byMessage.set(id, [...(byMessage.get(id) ?? []), trace]);
  if (traces.length > MAX_TRACES) forget(traces.pop());
  changed(trace);
}

function forget(trace) {
  for (const id of trace.messages) {
    const left = byMessage.get(id).filter((each) => each !== trace);
    if (left.length) byMessage.set(id, left); else byMessage.delete(id);
  }
}

export function clearTraces() {
  traces.length = 0;
  byMessage.clear();
  changed(null);
}

function requestOf({ method, path, ms }) {
  const at = requests.findLastIndex((each) => each.method === method && each.route === path);
  if (at < 0) return {};
  const [found] = requests.splice(at, 1);
  const waited = ms - found.ms;
  return { status: found.status, answer: found.answer, served: found.ms, waited: waited > LEAST_WAIT_MS ? waited : 0 };
}

// The messages that an event belongs to; an interaction also belongs to its response, by its own id.
function messagesOf({ type, data }) {
  if (!data) return [];
  if (type === "INTERACTION_CREATE") return [data.id, data.message?.id].filter(Boolean);
  if (type.startsWith("MESSAGE_")) return [data.message_id ?? data.id].filter(Boolean);
  return [];
}

// The traces of a message, oldest first.
export function tracesOf(message) {
  const own = byMessage.get(message.id) ?? [];
  const started = byMessage.get(message.interaction_metadata?.id) ?? [];
  return started.length ? [...started, ...own.filter((each) => !started.includes(each))] : own;
}

// What handlers raised, [{name, error, place}], and refused calls, [{call, error}], of a trace.
export function problemsOf(trace) {
  const raised = trace.handlers.filter((each) => each.error).map((each) => (
    { name: each.name, error: each.error, place: each.error_place || each.place }
  ));
  if (!raised.length && trace.error) raised.push({ name: "the handler", error: trace.error, place: "" });
  const refused = trace.calls.filter((each) => each.status >= 400).map((call) => ({ call, error: reasonOf(call) }));
  return { raised, refused };
}

// Discord's error in one line: its message, and the first field that is wrong.
function reasonOf({ status, answer }) {
  try {
    const { message, errors } = JSON.parse(answer);
    const field = errors && firstField(errors, []);
    return field ? `${message}: ${field}` : message ?? String(status);
  } catch {
    return String(status);
  }
}

function firstField(errors, path) {
  if (Array.isArray(errors._errors)) return `${path.join(".")}: ${errors._errors[0].message}`;
  for (const [name, inner] of Object.entries(errors)) {
    const found = inner && typeof inner === "object" ? firstField(inner, [...path, name]) : null;
    if (found) return found;
  }
  return null;
}

// A path with the names of its channels and guilds, where the page knows them.
export function readablePath(path) {
  const known = (list, sign) => (id) => {
    const found = state.guilds.flatMap((each) => (list === "guilds" ? [each] : each[list])).find((each) => each.id === id);
    return found ? `${sign}${found.name}` : `…${id.slice(-4)}`;
  };
  return path.split("?")[0].replace(/^\/v\d+/, "").replace(/\/(\w[\w-]*)\/(\d{15,})/g, (_, kind, id) => {
    if (kind === "channels") return `/channels/${known("channels", "#")(id)}`;
    if (kind === "guilds") return `/guilds/${known("guilds", "")(id)}`;
    return `/${kind}/…${id.slice(-4)}`;
  }).replace(/\/\d{15,}/g, (id) => `/…${id.slice(-4)}`).replace(/\/[\w-]{60,}/g, "/***");
}
