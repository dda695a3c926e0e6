// Opens a channel, and with it its guild.
import { attempt } from "/api.js";
import { clearTarget } from "/composer/composer.js";
import { clearTyping } from "/composer/typing.js";
import { $ } from "/elements.js";
import { loadState } from "/event_feed.js";
import { writeLocation } from "/navigation/location.js";
import { render } from "/render.js";
import { channels, currentChannel, DIRECT, state, TEXT } from "/state.js";

// Without a channel, opens the guild's first text channel.
export async function openChannel(guild, channel) {
  clearTarget();
  closeDrawer();
  state.guild = guild;
  state.channel = channel ?? channels().find((each) => TEXT.has(each.type))?.id ?? null;
  state.messages = new Map();
  state.unread.delete(state.channel);
  writeLocation(true);
  clearTyping();
  await attempt(loadState);
  // In a direct message, only the person it is with can speak.
  const person = state.guild === DIRECT && currentChannel()?.recipients?.find((each) => !each.bot);
  if (person) { $("user").value = person.username; writeLocation(); render("messages"); }
}

// In a narrow window, guilds and channels are in a drawer.
function closeDrawer() {
  $("places").classList.remove("open");
  $("menu").setAttribute("aria-expanded", "false");
}

export function setUpDrawer() {
  $("menu").addEventListener("click", () => {
    $("menu").setAttribute("aria-expanded", String($("places").classList.toggle("open")));
  });
  document.addEventListener("pointerdown", (event) => {
    if (!$("places").contains(event.target) && !$("menu").contains(event.target)) closeDrawer();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !$("places").classList.contains("open")) return;
    closeDrawer();
    $("menu").focus();
  });
}
