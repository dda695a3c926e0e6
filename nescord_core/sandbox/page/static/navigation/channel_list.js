// Guilds, channels and members, and what stands above a channel's messages.
import { $, CATEGORY, channel, channels, currentGuild, DIRECT, DIRECTLY, FORUM, me, names, SIGNS, state, TEXT, THREADS, titleOf, VOICE } from "/state.js";
import { el, nameOf, picture } from "/markdown.js";

// What a person does with them: open, newGuild, newPost, userMenu, move.
let acts = {};
export const placesDo = (given) => { acts = given; };

// --- drawing places ------------------------------------------------------------------------------

export function drawPlaces() {
  const guild = currentGuild();
  const direct = el("button", { type: "button", data: { id: DIRECT }, title: DIRECTLY.name, "aria-label": DIRECTLY.name, "aria-current": String(state.guild === DIRECT), class: unreadIn(state.direct) ? "unread" : "", onclick: () => acts.open(DIRECT, null) }, "@");
  $("guilds").replaceChildren(direct, ...state.guilds.map(guildButton), el("button", { type: "button", class: "add", title: "New guild", "aria-label": "New guild", onclick: acts.newGuild }, "+"));
  $("guild-name").textContent = guild?.name ?? "No guild";
  $("channels").replaceChildren(...channelList(guild));
  const place = channel();
  $("channel-name").textContent = place ? `${SIGNS[place.type] ?? (state.guild === DIRECT ? "@" : "#")} ${titleOf(place)}` : guild?.name ?? "";
  $("topic").textContent = place?.topic ?? "";
  $("content").placeholder = place && state.guild !== DIRECT ? `Message #${titleOf(place)}` : "Message the bot directly";
  const writable = state.guild === DIRECT || TEXT.has(place?.type);
  $("composer").hidden = $("hint").hidden = !writable;
  drawPeople(guild);
}

export const unreadIn = (places) => places.some((each) => state.unread.has(each.id));

export function guildButton(guild) {
  const initials = guild.name.split(/\s+/).map((word) => word[0]).join("").slice(0, 3);
  return el("button", {
    type: "button", data: { id: guild.id }, title: guild.available === false ? `${guild.name} (unavailable)` : guild.name, "aria-label": guild.name, "aria-current": String(guild.id === state.guild),
    class: [unreadIn(guild.channels) && "unread", guild.available === false && "lost"].filter(Boolean).join(" "), onclick: () => acts.open(guild.id, null),
  }, guild.icon ? el("img", { src: picture("icons", guild.id, guild.icon), alt: "" }) : initials);
}

export function channelList(guild) {
  const all = channels();
  if (state.guild === DIRECT && !all.length) return [el("p", {}, "Nobody has written to the bot yet. Write below to be the first.")];
  if (!all.length) return [el("p", {}, "There are no channels here.")];
  const tops = all.filter((each) => !THREADS.has(each.type) && each.type !== CATEGORY);
  const under = (id) => tops.filter((each) => (each.parent_id ?? null) === id).sort((a, b) => (a.position ?? 0) - (b.position ?? 0)).flatMap((each) => [channelButton(each), ...inVoice(guild, each), ...threadsOf(each).map(channelButton)]);
  const categories = all.filter((each) => each.type === CATEGORY);
  return [...under(null), ...categories.flatMap((each) => [el("h2", {}, each.name), ...under(each.id)])];
}

export const threadsOf = (place) => channels().filter((each) => THREADS.has(each.type) && each.parent_id === place.id && !each.thread_metadata?.archived);

export function inVoice(guild, place) {
  const there = (guild?.voice_states ?? []).filter((each) => each.channel_id === place.id).map((each) => names.user(each.user_id));
  return there.length ? [el("p", {}, `♪ ${there.join(", ")}`)] : [];
}

export function channelButton(place) {
  const sign = SIGNS[place.type] ?? (state.guild === DIRECT ? "@" : "#");
  return el("button", {
    type: "button", data: { sign, id: place.id }, "aria-current": String(place.id === state.channel),
    class: [state.unread.has(place.id) && "unread", THREADS.has(place.type) && "thread"].filter(Boolean).join(" "), onclick: () => acts.open(state.guild, place.id),
  }, titleOf(place));
}

export function drawPeople(guild) {
  const select = $("user");
  const chosen = select.value || "alice";
  const people = state.users.filter((each) => !each.bot);
  select.replaceChildren(...people.map((each) => el("option", { value: each.username, selected: each.username === chosen }, each.username)), el("option", { value: "" }, "new user…"));
  const seen = (each) => (each.user.id === state.bot?.id ? (state.online ? "online" : "offline") : each.presence?.status ?? "online");
  const members = (guild?.members ?? []).slice(0, 200);
  const groups = [["Online", members.filter((each) => seen(each) !== "offline")], ["Offline", members.filter((each) => seen(each) === "offline")]];
  $("people").replaceChildren(...groups.filter(([, each]) => each.length).flatMap(([title, found]) => [
    el("h2", {}, `${title} — ${found.length}`),
    ...found.map((each) => el("button", { type: "button", title: "Role, presence, apps", onclick: (event) => acts.userMenu(each.user, event) },
      el("span", { class: "dot", data: { status: seen(each) }, role: "img", "aria-label": seen(each) }),
      el("span", {}, each.nick || nameOf(each.user), each.presence?.activities?.[0] ? el("small", {}, each.presence.activities[0].name) : ""), each.user.bot ? el("span", { class: "tag" }, "BOT") : "")),
  ]));
  if (!members.length) $("people").append(el("h2", {}, "Nobody is here"));
}

export function start(place) {
  if (!state.guilds.length && (state.guild !== DIRECT || !place)) return el("li", { class: "start" }, el("h2", {}, "The bot is in no guild"), el("p", {}, "Make one, and the bot is invited to it."), el("button", { type: "button", onclick: acts.newGuild }, "New guild"));
  if (!place) return el("li", { class: "start" }, el("h2", {}, state.guild === DIRECT ? "Direct messages" : currentGuild().name), el("p", {}, state.guild === DIRECT ? "What you write below goes to the bot alone." : "There is no channel to write in."));
  if (VOICE.has(place.type)) return voiceRoom(place);
  if (FORUM.has(place.type)) return el("li", { class: "start" }, el("h2", {}, titleOf(place)), el("p", {}, "Posts of this forum:"), ...(threadsOf(place).length ? threadsOf(place).map((each) => el("button", { type: "button", class: "thread-link", onclick: () => acts.open(state.guild, each.id) }, each.name)) : [el("p", {}, "None yet.")]), el("p", {}, el("button", { type: "button", onclick: acts.newPost }, `New post as ${$("user").value}`)));
  return el("li", { class: "start" }, el("h2", {}, `${state.guild === DIRECT ? "@" : "#"}${titleOf(place)}`), el("p", {}, [...state.messages.values()].length ? "This is the start of what the sandbox remembers here." : "Nothing was said here yet. Say !ping, or type / for the bot's commands."));
}

export function voiceRoom(place) {
  const there = (currentGuild().voice_states ?? []).filter((each) => each.channel_id === place.id);
  const mine = there.some((each) => each.user_id === me());
  return el("li", { class: "start" }, el("h2", {}, `♪ ${titleOf(place)}`), el("p", {}, there.length ? `Connected: ${there.map((each) => names.user(each.user_id)).join(", ")}. There is no sound, only who is where.` : "Nobody is connected. There is no sound here, only who is where."),
    el("button", { type: "button", onclick: () => acts.move(mine ? null : place.id) }, mine ? "Leave" : `Join as ${$("user").value}`));
}
