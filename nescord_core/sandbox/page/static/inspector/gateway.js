// The inspector's Gateway tab: connections, sessions, and totals since the start.
import { call } from "/api.js";
import { $, el } from "/elements.js";

export async function drawGateway(openTab) {
  const shown = await call("GET", "/gateway").catch(() => null);
  if (!shown || openTab() !== "Gateway") return;
  $("panel").replaceChildren(
    el("h3", {}, "Connections"),
    connectionTable(shown),
    el("h3", {}, "Sessions"),
    sessionTable(shown.sessions),
    ...intentsByShards(shown.sessions).map(([shards, listed]) => el("p", {}, `Intents of ${shards}: ${listed}.`)),
    ...undocumentedIntents(shown.sessions),
    el("h3", {}, "Since the start"),
    totalsTable(shown),
  );
}

function table(head, rows) {
  const cells = (row) => row.map((each) => el("td", {}, String(each)));
  const titles = head.map((each) => el("th", { scope: "col" }, each));
  return el(
    "table", {},
    el("thead", {}, el("tr", {}, ...titles)),
    el("tbody", {}, ...rows.map((row) => el("tr", {}, ...cells(row)))),
  );
}

function connectionTable({ connections, url }) {
  if (!connections.length) return el("p", {}, `None. Clients connect to ${url}.`);
  const rows = connections.map((each) => [
    each.shard?.join("/") ?? "–", each.compress, `${Math.round(each.age)} s`, each.heartbeats, each.events_sent,
    each.behind,
  ]);
  return table(["shard", "compression", "age", "heartbeats", "sent", "behind"], rows);
}

function sessionTable(sessions) {
  if (!sessions.length) return el("p", {}, "None.");
  const stateOf = ({ waiting }) => (waiting === null ? "connected" : `waiting for RESUME, ${Math.round(waiting)} s`);
  const rows = sessions.map((each) => [each.shard.join("/"), each.seq, each.resumes, stateOf(each)]);
  return table(["shard", "seq", "resumes", "state"], rows);
}

// Groups sessions by intents: [[shards, intents]].
function intentsByShards(sessions) {
  const found = new Map();
  for (const each of sessions) {
    const listed = each.intent_names.map((name) => name.replaceAll("_", " ")).join(", ") || "none";
    found.set(listed, [...(found.get(listed) ?? []), each.shard.join("/")]);
  }
  return [...found].map(([listed, shards]) => (
    [shards.length > 1 ? `shards ${shards.join(", ")}` : `shard ${shards[0]}`, listed]
  ));
}

// Warns of intents that are accepted, as on Discord, and bring nothing here.
function undocumentedIntents(sessions) {
  const found = [...new Set(sessions.flatMap((each) => each.undocumented_intents))].join(", ");
  if (!found) return [];
  return [el("p", {}, `⚠ Discord does not document ${found}: the sandbox sends no events for it.`)];
}

function totalsTable({ totals, closes, session_start_limit: limit }) {
  const closed = Object.entries(closes).map(([code, count]) => `${code} ×${count}`).join(", ") || "none";
  return table(["what", "count"], [
    ...Object.entries(totals).map(([name, count]) => [name.replaceAll("_", " "), count]),
    ["closes", closed],
    ["session starts left", `${limit.remaining} of ${limit.total}`],
  ]);
}
