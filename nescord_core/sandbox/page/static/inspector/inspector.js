// The inspector: tabs with events, REST requests, the gateway and faults.
import { $, el } from "/elements.js";
import { drawFaults } from "/inspector/faults.js";
import { drawGateway } from "/inspector/gateway.js";
import { eventLog, requestLog } from "/inspector/logs.js";
import { drawTrace } from "/inspector/trace_tab.js";

const REFRESH_MS = 2000;
const TABS = { Trace: drawTrace, Events: eventLog.draw, REST: requestLog.draw, Gateway: drawGateway, Faults: drawFaults };
const NAMES = Object.keys(TABS);
let tab = "Trace";
let timer = null;

export function setUpInspector() {
  const bar = el("div", { role: "tablist", "aria-label": "Inspector" }, ...NAMES.map(tabButton));
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    choose(NAMES[(NAMES.indexOf(tab) + step + NAMES.length) % NAMES.length]);
    $(`tab-${tab}`).focus();
  });
  $("inspector").replaceChildren(bar, el("div", { class: "panel", id: "panel", role: "tabpanel" }));
}

const tabButton = (name) => el("button", {
  role: "tab",
  type: "button",
  id: `tab-${name}`,
  "aria-selected": String(name === tab),
  "aria-controls": "panel",
  onclick: () => choose(name),
}, name);

export function showInspector(open) {
  $("inspector").hidden = !open;
  clearInterval(timer);
  if (!open) return;
  timer = setInterval(() => { if (tab === "Gateway") draw(); }, REFRESH_MS);
  draw();
}

function choose(name) {
  tab = name;
  eventLog.clearFilter();
  requestLog.clearFilter();
  for (const each of NAMES) $(`tab-${each}`).setAttribute("aria-selected", String(each === name));
  draw();
}

// A tab that loads its content first gets a function for the open tab, to draw only if it is still open.
const draw = () => TABS[tab](() => tab);

// Adds an event of the feed to its log, which is drawn if it is open.
export function record(event) {
  const at = new Date(event.at);
  const isOpen = (name) => tab === name && !$("inspector").hidden;
  if (event.t === "SANDBOX_REST") requestLog.add({ at, ...event.d }, isOpen("REST"));
  else if (!event.t.startsWith("SANDBOX_")) eventLog.add({ at, ...event }, isOpen("Events"));
}
