// The inspector's Faults tab: faults of open connections, of the gateway, and of REST requests.
import { call } from "/api.js";
import { $, el } from "/elements.js";

const SCOPES = ["nowhere", "resume", "everywhere"];
const METHODS = ["*", "GET", "POST", "PUT", "PATCH", "DELETE"];

export async function drawFaults(openTab) {
  const active = await call("GET", "/fault").catch(() => null);
  if (!active || openTab() !== "Faults") return;
  const redraw = () => drawFaults(openTab);
  const clear = () => call("DELETE", "/fault").then(redraw);
  $("panel").replaceChildren(
    el("h3", {}, "Open connections"),
    connectionButtons(),
    el("h3", {}, "Gateway, until cleared"),
    gatewayFaults(active.gateway, redraw),
    el("h3", {}, "Next REST requests"),
    restForm(redraw),
    ...(active.rest.length ? [el("ul", {}, ...active.rest.map(restFault))] : []),
    el("div", { class: "row" }, el("button", { type: "button", class: "s1", onclick: clear }, "Clear all faults")),
  );
}

function connectionButtons() {
  const button = (label, connections) => el(
    "button", { type: "button", onclick: () => call("POST", "/fault", { connections }) }, label,
  );
  return el(
    "div", { class: "row" },
    button("Reset TCP", { do: "reset" }),
    button("Close 4000", { do: "close", code: 4000 }),
    button("Close 1000", { do: "close", code: 1000 }),
    button("Reconnect (op 7)", { do: "reconnect" }),
    button("Invalid session, resumable", { do: "invalid_session", resumable: true }),
    button("Invalid session", { do: "invalid_session", resumable: false }),
    button("Go silent", { do: "silence" }),
  );
}

function gatewayFaults(active, redraw) {
  const set = (gateway) => call("POST", "/fault", { gateway }).then(redraw);
  const scope = (name, label) => [
    el("label", { for: `f-${name}` }, label),
    picker(`f-${name}`, SCOPES, active[name] ?? "nowhere", (value) => set({ [name]: value })),
  ];
  const check = (name, label) => {
    const box = el("input", { type: "checkbox", id: `f-${name}`, onchange: () => set({ [name]: box.checked }) });
    box.checked = Boolean(active[name]);
    return [el("label", { for: `f-${name}` }, label), box];
  };
  return el(
    "div", { class: "grid" },
    ...scope("refuse", "Refuse new connections"),
    ...scope("silent", "Accept and stay silent"),
    ...check("refuse_resume", "Refuse every RESUME"),
    ...check("no_heartbeat_ack", "Do not acknowledge heartbeats"),
  );
}

function restFault(fault) {
  const late = fault.latency ? ` after ${fault.latency} s` : "";
  return el("li", {}, `${fault.method} ${fault.route}: ${fault.status || "served"}${late}, ${fault.count} more`);
}

function restForm(redraw) {
  const field = (name, label, value, type) => [
    el("label", { for: `r-${name}` }, label), el("input", { id: `r-${name}`, name, value, type }),
  ];
  const form = el("form", {}, el(
    "div", { class: "grid" },
    el("label", { for: "r-method" }, "Method"), picker("r-method", METHODS, "*", () => {}),
    ...field("route", "Route", "*", "text"),
    ...field("status", "Status (0: delay only)", "503", "number"),
    ...field("latency", "Delay (s)", "0", "number"),
    ...field("count", "Requests", "1", "number"),
  ), el("div", { class: "row" }, el("button", {}, "Add")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const value = (name) => form.querySelector(`#r-${name}`).value;
    const rest = {
      method: value("method"),
      route: value("route"),
      status: Number(value("status")),
      latency: Number(value("latency")),
      count: Number(value("count")),
    };
    if (await call("POST", "/fault", { rest }).catch(() => null)) redraw();
  });
  return form;
}

function picker(id, options, value, onPick) {
  const rows = options.map((each) => el("option", { value: each, selected: each === value }, each));
  const made = el("select", { id, onchange: () => onPick(made.value) }, ...rows);
  return made;
}
