// The open channel and the speaker in the address, "#/guild/channel?as=bob": a reload keeps both, and two windows can be
// two people. Ids or names are understood.
import { $ } from "/elements.js";
import { channels, DIRECT, speaker, state } from "/state.js";

let wanted = parse(location.hash);

function parse(hash) {
  const [path, query] = hash.replace(/^#\/?/, "").split("?");
  const [guild, channel] = path.split("/").map(decodeURIComponent);
  return { guild: guild || null, channel: channel || null, as: new URLSearchParams(query).get("as") };
}

const found = (list, text) => list.find((each) => each.id === text || each.name === text);

// Puts what the address names into the state, once the state has been loaded.
export function applyLocation() {
  if (!wanted.guild) return;
  const guild = wanted.guild === DIRECT ? { id: DIRECT } : found(state.guilds, wanted.guild);
  if (guild) {
    state.guild = guild.id;
    state.channel = found(channels(), wanted.channel)?.id ?? null;
  }
  wanted = { ...wanted, guild: null, channel: null };
}

// The speaker that the address names, until another one is chosen.
export const wantedSpeaker = () => wanted.as;

export function writeLocation(isStep = false) {
  if (!state.guild) return;
  const as = speaker() || wanted.as;
  const hash = `#/${state.guild}/${state.channel ?? ""}${as ? `?as=${encodeURIComponent(as)}` : ""}`;
  if (hash === location.hash) return;
  history[isStep ? "pushState" : "replaceState"](null, "", hash);
}

// open(guild, channel) opens what the address names after a step back or forward, or a change by hand.
export function setUpLocation(open) {
  window.addEventListener("popstate", () => {
    wanted = parse(location.hash);
    const { guild, channel } = state;
    if (wanted.as) $("user").value = wanted.as;
    applyLocation();
    const next = { guild: state.guild, channel: state.channel };
    Object.assign(state, { guild, channel });
    open(next.guild, next.channel);
  });
}
