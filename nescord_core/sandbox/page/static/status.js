// Shows the bot's state, faults, the notice about code that does not run, and the page's own connection.
import { $, nameOf } from "/elements.js";
import { timeOfDay } from "/markdown/timestamps.js";
import { currentGuild, state } from "/state.js";

export function showStatus(status) {
  state.online = status.bot_online;
  $("bot-dot").dataset.status = status.bot_online ? "online" : "offline";
  $("bot-state").textContent = status.bot_online ? "online" : "offline: no gateway session";
  if (state.bot) $("bot-name").textContent = nameOf(state.bot);
  showFaults(status.faults);
  showNotice(status);
  $("offline").hidden = status.bot_online;
  $("offline").textContent = "The bot is not connected; it gets what you write when it resumes or starts again. "
    + `Start it with "nescord dev", or connect any client to ${location.origin}/api/v10.`;
  document.title = `${status.bot_online ? "" : "○ "}${currentGuild()?.name ?? "nescord"} – nescord sandbox`;
}

// The code that does not run: what came before it still serves, or nothing does since the start.
function showNotice({ notice, notice_serving: serving }) {
  $("notice-box").hidden = !notice;
  $("notice-title").textContent = serving
    ? "The new code does not run; the previous code is still serving."
    : "The bot has not started. Fix the error and save; it starts by itself.";
  $("notice").textContent = notice;
  if (!notice || serving) return;
  $("bot-dot").dataset.status = "dnd";
  $("bot-state").textContent = "not started: its code has an error";
}

function showFaults({ gateway, rest }) {
  const parts = Object.entries(gateway).map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}`);
  const described = rest.map((each) => `${each.method} ${each.route} ${each.status || "delayed"} ×${each.count}`);
  if (rest.length) parts.push(`REST: ${described.join("; ")}`);
  $("faults").hidden = !parts.length;
  $("faults").textContent = `Active faults: ${parts.join(" · ")}`;
}

// The latest reload, below the bot.
export function showBuild({ files, ms }, at) {
  $("build").hidden = false;
  $("build").textContent = `reloaded in ${Math.round(ms ?? 0)} ms, ${timeOfDay(new Date(at))}`;
  $("build").title = (files ?? []).join(", ");
}

export function showConnection(name) {
  $("link").textContent = name;
  $("link").dataset.state = name;
}
