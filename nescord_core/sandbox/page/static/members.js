// The list of members, the menu of a user, and the person whom the page speaks as.
import { attempt, call } from "/api.js";
import { contextMenu, formDialog } from "/dialogs.js";
import { $, el, nameOf } from "/elements.js";
import { loadState } from "/event_feed.js";
import { menuCommands, runInteraction } from "/interactions/run.js";
import { wantedSpeaker, writeLocation } from "/navigation/location.js";
import { drawnBy, render } from "/render.js";
import { currentGuild, DIRECT, speaker, state } from "/state.js";

const USER_COMMAND = 2;
const SHOWN_MEMBERS = 200;
const STATUSES = ["online", "idle", "dnd", "offline"];
const DEFAULT_SPEAKER = "alice";

function statusOf(member) {
  if (member.user.id === state.bot?.id) return state.online ? "online" : "offline";
  return member.presence?.status ?? "online";
}

function drawMembers() {
  drawSpeakers();
  const members = (currentGuild()?.members ?? []).slice(0, SHOWN_MEMBERS);
  const groups = [
    ["Online", members.filter((each) => statusOf(each) !== "offline")],
    ["Offline", members.filter((each) => statusOf(each) === "offline")],
  ].filter(([, found]) => found.length);
  $("people").replaceChildren(...groups.flatMap(([title, found]) => [
    el("h2", {}, `${title} — ${found.length}`), ...found.map(memberButton),
  ]));
  if (!members.length) $("people").append(el("h2", {}, "No members"));
}

function drawSpeakers() {
  const users = state.users.filter((each) => !each.bot);
  const chosen = [speaker(), wantedSpeaker(), DEFAULT_SPEAKER].find((name) => users.some((each) => each.username === name));
  const people = users.map((each) => el(
    "option", { value: each.username, selected: each.username === chosen }, each.username,
  ));
  $("user").replaceChildren(...people, el("option", { value: "" }, "new user…"));
}

function memberButton(member) {
  const status = statusOf(member);
  const activity = member.presence?.activities?.[0];
  return el(
    "button",
    { type: "button", title: "Roles, presence, apps", onclick: (event) => userMenu(member.user, event) },
    el("span", { class: "dot", data: { status }, role: "img", "aria-label": status }),
    el("span", {}, member.nick || nameOf(member.user), noteOf(member, activity)),
    member.user.bot ? el("span", { class: "tag" }, "APP") : "",
  );
}

function noteOf(member, activity) {
  if (Date.parse(member.timed_out_until ?? 0) > Date.now()) return el("small", {}, "timed out");
  return activity ? el("small", {}, activity.name) : "";
}

export const copy = (text) => attempt(async () => { await navigator.clipboard.writeText(text); });

export function userMenu(user, event) {
  contextMenu(event, nameOf(user), [
    !user.bot && [`Speak as ${user.username}`, () => speakAs(user.username)],
    ...commandEntries(user),
    ...(user.bot ? [] : STATUSES.map((status) => [`Set ${status}`, () => setPresence(user, status)])),
    ...(user.bot || state.guild === DIRECT ? [] : membershipEntries(user)),
    ["Copy ID", () => copy(user.id)],
  ]);
}

function commandEntries(user) {
  if (!state.channel) return [];
  const runOn = (command) => runInteraction("/interact", {
    channel: state.channel, user: speaker(), command: command.name, target: user.id,
  }, { label: command.name });
  return menuCommands(USER_COMMAND).map((each) => [`Apps: ${each.name}`, () => runOn(each)]);
}

function membershipEntries(user) {
  const guild = state.guild;
  return [
    ["Add a role", () => roleDialog(user, "/give_role", "Add")],
    ["Remove a role", () => roleDialog(user, "/take_role", "Remove")],
    ...moderationEntries(user),
    ["Leave the guild", () => attempt(() => call("POST", "/leave", { user: user.username, guild }))],
  ];
}

// As the guild's owner; the owner cannot be moderated.
function moderationEntries(user) {
  const guild = currentGuild();
  if (user.id === guild.owner_id) return [];
  const member = guild.members.find((each) => each.user.id === user.id);
  const isOut = Date.parse(member?.timed_out_until ?? 0) > Date.now();
  const act = (path, more) => attempt(() => call("POST", path, { user: user.username, guild: guild.id, ...more }));
  return [
    ["Kick", () => act("/kick")],
    ["Ban", () => act("/ban")],
    isOut ? ["End the time-out", () => act("/time_out", { seconds: 0 })] : ["Time out for 1 minute", () => act("/time_out", { seconds: 60 })],
  ];
}

const setPresence = (user, status) => attempt(() => call("POST", "/presence", { user: user.username, status }));

function roleDialog(user, path, verb) {
  const roles = currentGuild().roles.filter((each) => each.name !== "@everyone" && !each.managed);
  const options = roles.map((each) => ({ value: each.id, label: each.name }));
  formDialog(`${verb} a role: ${nameOf(user)}`, [{ name: "role", label: "Role", options }], verb, ({ role }) => {
    attempt(() => call("POST", path, { user: user.username, role, guild: state.guild }));
  });
}

function speakAs(username) {
  $("user").value = username;
  writeLocation();
  render("messages");
}

function newUser() {
  $("user").value = state.lastUser ?? DEFAULT_SPEAKER;
  const note = state.guild === DIRECT ? "Joins the first guild." : "Joins this guild.";
  formDialog("New user", [{ name: "user", label: "Name", note }], "Create", async ({ user }) => {
    const body = state.guild === DIRECT ? { user } : { user, guild: state.guild };
    if (!(await attempt(() => call("POST", "/join", body)))) return;
    await attempt(loadState);
    state.lastUser = user;
    speakAs(user);
  });
}

export function setUpSpeaker() {
  $("user").addEventListener("change", () => {
    if (!speaker()) { newUser(); return; }
    state.lastUser = speaker();
    writeLocation();
    render("messages");
  });
}

drawnBy("members", drawMembers);
