// What is shown of the bot's state, of faults, of code that does not run, and of the page's own connection.
import { $, nameOf } from "/elements.js";
import { currentGuild, state } from "/state.js";

export function showStatus(status) {
  state.online = status.bot_online;
  $("bot-dot").dataset.status = status.bot_online ? "online" : "offline";
  $("bot-state").textContent = status.bot_online ? "online" : "offline: no gateway session";
  if (state.bot) $("bot-name").textContent = nameOf(state.bot);
  showFaults(status.faults);
  $("notice-box").hidden = !status.notice;
  $("notice").textContent = status.notice;
  $("offline").hidden = status.bot_online;
  $("offline").textContent = "The bot is not connected; it gets what you write when it resumes or comes back. "
    + `Start it with "nescord dev", or point any client at ${location.origin}/api/v10.`;
  document.title = `${status.bot_online ? "" : "○ "}${currentGuild()?.name ?? "nescord"} – nescord sandbox`;
}

function showFaults({ gateway, rest }) {
  const parts = Object.entries(gateway).map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}`);
  const described = rest.map((each) => `${each.method} ${each.route} ${each.status || "late"} ×${each.count}`);
  if (rest.length) parts.push(`REST: ${described.join("; ")}`);
  $("faults").hidden = !parts.length;
  $("faults").textContent = `Faults are on. ${parts.join(" · ")}`;
}

export function showConnection(name) {
  $("link").textContent = name;
  $("link").dataset.state = name;
}
