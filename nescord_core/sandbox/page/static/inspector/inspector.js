// The inspector: what the gateway tells, what the bot asks of REST, who is connected, and faults.
import { el } from "/markdown.js";

const $ = (id) => document.getElementById(id);
const KEPT = 300;
const TABS = ["Events", "REST", "Gateway", "Faults"];
const events = [];
const calls = [];
let tab = "Events";
let filter = "";
let timer = null;
let ask = null;

const clock = (at) => at.toLocaleTimeString([], { hour12: false }) + `.${String(at.getMilliseconds()).padStart(3, "0")}`;
const pretty = (text) => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; } };

export function setUp(call) {
  ask = call;
  const bar = el("div", { role: "tablist", "aria-label": "Inspector" }, ...TABS.map((name) => el("button", { role: "tab", type: "button", id: `tab-${name}`, "aria-selected": String(name === tab), "aria-controls": "panel", onclick: () => choose(name) }, name)));
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    choose(TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length]);
    $(`tab-${tab}`).focus();
  });
  $("inspector").replaceChildren(bar, el("div", { class: "panel", id: "panel", role: "tabpanel" }));
}

export function show(open) {
  $("inspector").hidden = !open;
  clearInterval(timer);
  if (open) { timer = setInterval(() => { if (tab === "Gateway") draw(); }, 2000); draw(); }
}

function choose(name) {
  tab = name;
  filter = "";
  for (const each of TABS) $(`tab-${each}`).setAttribute("aria-selected", String(each === name));
  draw();
}

// Takes what the feed says; only what is shown is drawn.
export function note(event) {
  const at = new Date();
  if (event.t === "SANDBOX_REST") { calls.push({ at, ...event.d }); if (calls.length > KEPT) calls.shift(); }
  else if (!event.t.startsWith("SANDBOX_")) { events.push({ at, ...event }); if (events.length > KEPT) events.shift(); }
  else return;
  if ($("inspector").hidden || tab !== (event.t === "SANDBOX_REST" ? "REST" : "Events")) return;
  const row = tab === "REST" ? callRow(calls.at(-1)) : eventRow(events.at(-1));
  const list = $("panel").querySelector(".list");
  if (!list || row.hidden) return;
  list.prepend(row);
  while (list.children.length > KEPT) list.lastChild.remove();
}

function draw() {
  if (tab === "Events") listOf(events.map(eventRow), "No event yet. Everything that happens here is listed, whatever the bot's intents are.");
  else if (tab === "REST") listOf(calls.map(callRow), "The bot has asked for nothing yet.");
  else if (tab === "Gateway") gateway();
  else faults();
}

function listOf(rows, empty) {
  const search = el("input", { type: "search", placeholder: "Filter", "aria-label": "Filter", value: filter });
  search.addEventListener("input", () => {
    filter = search.value.toLowerCase();
    for (const row of $("panel").querySelectorAll("details")) row.hidden = !row.dataset.text.includes(filter);
  });
  const clear = el("button", { type: "button", onclick: () => { (tab === "REST" ? calls : events).length = 0; draw(); } }, "Clear");
  const list = el("div", { class: "list" }, ...rows.reverse());
  if (!rows.length) list.append(el("p", {}, empty));
  $("panel").replaceChildren(el("div", { class: "bar" }, search, clear), list);
}

function detail(text, summary, make) {
  const row = el("details", { data: { text: text.toLowerCase() } }, el("summary", {}, ...summary));
  row.hidden = !row.dataset.text.includes(filter);
  row.addEventListener("toggle", () => { if (row.open && row.children.length === 1) row.append(...make()); });
  return row;
}

function eventRow(each) {
  const about = each.d.content || each.d.name || each.d.user?.username || "";
  return detail(`${each.t} ${about}`, [el("b", {}, each.t), el("span", {}, String(about).slice(0, 40)), el("small", {}, clock(each.at))], () => [el("pre", { tabindex: "0" }, JSON.stringify(each.d, null, 2))]);
}

function callRow(each) {
  const good = each.status < 400 ? "ok" : "no";
  return detail(`${each.method} ${each.path} ${each.status}`, [el("span", { class: good }, String(each.status)), el("b", {}, `${each.method} ${each.path}`), el("small", {}, `${each.ms} ms · ${clock(each.at)}`)], () => [
    el("p", {}, each.limit ? `Bucket ${each.bucket.slice(0, 8)}: ${each.remaining} of ${each.limit} left${each.retry_after ? `, retry after ${each.retry_after} s` : ""}.` : "No rate limit bucket."),
    ...(each.sent ? [el("h3", {}, "Sent"), el("pre", { tabindex: "0" }, pretty(each.sent))] : []),
    ...(each.answer ? [el("h3", {}, "Answer"), el("pre", { tabindex: "0" }, pretty(each.answer))] : []),
  ]);
}

const table = (head, rows) => el("table", {}, el("thead", {}, el("tr", {}, ...head.map((each) => el("th", { scope: "col" }, each)))), el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((each) => el("td", {}, String(each)))))));

async function gateway() {
  const shown = await ask("GET", "/gateway").catch(() => null);
  if (!shown || tab !== "Gateway") return;
  const limit = shown.session_start_limit;
  const closes = Object.entries(shown.closes).map(([code, count]) => `${code} ×${count}`).join(", ") || "none";
  $("panel").replaceChildren(
    el("h3", {}, "Connections"),
    shown.connections.length ? table(["shard", "compression", "age", "beats", "sent", "behind"], shown.connections.map((each) => [each.shard?.join("/") ?? "–", each.compress, `${Math.round(each.age)} s`, each.heartbeats, each.events_sent, each.behind])) : el("p", {}, `None. Clients connect to ${shown.url}.`),
    el("h3", {}, "Sessions"),
    shown.sessions.length ? table(["shard", "seq", "resumes", "state"], shown.sessions.map((each) => [each.shard.join("/"), each.seq, each.resumes, each.waiting === null ? "connected" : `waits for RESUME, ${Math.round(each.waiting)} s`])) : el("p", {}, "None."),
    ...intents(shown.sessions).map(([shards, listed]) => el("p", {}, `Intents of ${shards}: ${listed}.`)),
    el("h3", {}, "Since the start"),
    table(["what", "count"], [...Object.entries(shown.totals).map(([name, count]) => [name.replaceAll("_", " "), count]), ["closes", closes], ["session starts left", `${limit.remaining} of ${limit.total}`]]),
  );
}

// Sessions with the same intents, told once.
function intents(sessions) {
  const found = new Map();
  for (const each of sessions) {
    const listed = each.intent_names.map((name) => name.replaceAll("_", " ")).join(", ") || "none";
    found.set(listed, [...(found.get(listed) ?? []), each.shard.join("/")]);
  }
  return [...found].map(([listed, shards]) => [shards.length > 1 ? `shards ${shards.join(", ")}` : `shard ${shards[0]}`, listed]);
}

const WHERE = ["nowhere", "resume", "everywhere"];
async function faults() {
  const active = await ask("GET", "/fault").catch(() => null);
  if (!active || tab !== "Faults") return;
  const set = (gatewayFault) => ask("POST", "/fault", { gateway: gatewayFault }).then(faults);
  const hit = (connections) => ask("POST", "/fault", { connections });
  const where = (name, label) => [el("label", { for: `f-${name}` }, label), picker(`f-${name}`, WHERE, active.gateway[name] ?? "nowhere", (value) => set({ [name]: value }))];
  const check = (name, label) => {
    const box = el("input", { type: "checkbox", id: `f-${name}`, onchange: () => set({ [name]: box.checked }) });
    box.checked = Boolean(active.gateway[name]);
    return [el("label", { for: `f-${name}` }, label), box];
  };
  const press = (label, connections) => el("button", { type: "button", onclick: () => hit(connections) }, label);
  $("panel").replaceChildren(
    el("h3", {}, "Open connections"), el("div", { class: "row" },
      press("Reset TCP", { do: "reset" }), press("Close 4000", { do: "close", code: 4000 }), press("Close 1000", { do: "close", code: 1000 }), press("Reconnect (op 7)", { do: "reconnect" }),
      press("Invalid session, resumable", { do: "invalid_session", resumable: true }), press("Invalid session", { do: "invalid_session", resumable: false })),
    el("h3", {}, "Gateway, until switched off"), el("div", { class: "grid" },
      ...where("refuse", "Refuse new connections"), ...where("silent", "Accept, then stay silent"), ...check("refuse_resume", "Refuse every RESUME"), ...check("no_heartbeat_ack", "Leave heartbeats unanswered")),
    el("h3", {}, "The next REST requests"), restForm(),
    ...(active.rest.length ? [el("ul", {}, ...active.rest.map((each) => el("li", {}, `${each.method} ${each.route}: ${each.status || "served"}${each.latency ? ` after ${each.latency} s` : ""}, ${each.count} more`)))] : []),
    el("div", { class: "row" }, el("button", { type: "button", class: "s1", onclick: () => ask("DELETE", "/fault").then(faults) }, "Switch all faults off")),
  );
}

function picker(id, options, value, onpick) {
  const made = el("select", { id, onchange: () => onpick(made.value) }, ...options.map((each) => el("option", { value: each, selected: each === value }, each)));
  return made;
}

function restForm() {
  const field = (name, label, value, type) => [el("label", { for: `r-${name}` }, label), el("input", { id: `r-${name}`, name, value, type })];
  const form = el("form", {}, el("div", { class: "grid" },
    el("label", { for: "r-method" }, "Method"), picker("r-method", ["*", "GET", "POST", "PUT", "PATCH", "DELETE"], "*", () => {}),
    ...field("route", "Route", "*", "text"), ...field("status", "Status (0: only late)", "503", "number"), ...field("latency", "Seconds late", "0", "number"), ...field("count", "How many", "1", "number")),
  el("div", { class: "row" }, el("button", {}, "Add")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const value = (name) => form.querySelector(`#r-${name}`).value;
    const rest = { method: value("method"), route: value("route"), status: Number(value("status")), latency: Number(value("latency")), count: Number(value("count")) };
    if (await ask("POST", "/fault", { rest }).catch(() => null)) faults();
  });
  return form;
}
