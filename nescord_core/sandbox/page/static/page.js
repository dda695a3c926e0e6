// The page as a whole: the event feed, messages, and what a person does.
import { parse, suggestBox, uploads, valueOf } from "/composer/command_picker.js";
import * as inspector from "/inspector/inspector.js";
import { messageElement, visible } from "/messages/message.js";
import { ask, control, dialog, fieldsOf, labelled, menuOf, read } from "/dialogs.js";
import { drawPeople, drawPlaces, placesDo, start } from "/navigation/channel_list.js";
import { $, attempt, call, channel, channels, currentGuild, DIRECT, me, names, state, TEXT, titleOf, toast } from "/state.js";
import { el, nameOf } from "/markdown.js";

const KEPT = 400;

// --- what there is -------------------------------------------------------------------------------

const older = (a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1);

async function load() {
  // The feed is open by now: what it says meanwhile is held back and applied on top of the snapshot.
  state.loading += 1;
  try {
    const shown = await call("GET", "/state?tail=0");
    Object.assign(state, { guilds: shown.guilds, direct: shown.direct, users: shown.users, bot: shown.bot });
    if (!currentGuild()) state.guild = state.guilds[0]?.id ?? DIRECT;
    if (!channel()) state.channel = channels().find((each) => TEXT.has(each.type))?.id ?? null;
    status(shown);
    state.commands = await call("GET", state.guild === DIRECT ? "/commands" : `/commands?guild=${state.guild}`);
    if (state.channel && TEXT.has(channel()?.type)) {
      const found = await call("GET", `/messages?limit=100&channel=${state.channel}`);
      const gone = [...state.messages.values()].filter((each) => each.deleted && each.channel_id === state.channel);
      state.messages = new Map([...gone, ...found].sort(older).map((each) => [each.id, each]));
    }
  } finally {
    state.loading -= 1;
  }
  if (!state.loading) state.held.splice(0).forEach(apply);
  drawPlaces();
  drawMessages(true);
}

function status(shown) {
  state.online = shown.bot_online;
  $("bot-dot").dataset.status = shown.bot_online ? "online" : "offline";
  $("bot-state").textContent = shown.bot_online ? "online" : "offline: no gateway session";
  if (state.bot) $("bot-name").textContent = nameOf(state.bot);
  const { gateway, rest } = shown.faults;
  const parts = Object.entries(gateway).map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}`);
  if (rest.length) parts.push(`REST: ${rest.map((each) => `${each.method} ${each.route} ${each.status || "late"} ×${each.count}`).join("; ")}`);
  $("faults").hidden = !parts.length;
  $("faults").textContent = `Faults are on. ${parts.join(" · ")}`;
  $("notice-box").hidden = !shown.notice;
  $("notice").textContent = shown.notice;
  $("offline").hidden = shown.bot_online;
  $("offline").textContent = `The bot is not connected; it gets what you write when it resumes or comes back. Start it with "nescord dev", or point any client at ${location.origin}/api/v10.`;
  document.title = `${shown.bot_online ? "" : "○ "}${currentGuild()?.name ?? "nescord"} – nescord sandbox`;
}

// --- drawing messages ----------------------------------------------------------------------------

function drawMessages(toEnd = false) {
  const list = $("messages");
  const atEnd = toEnd || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const user = me();
  const context = { names, actions, me: user, bot: state.bot?.id };
  let previous = null;
  const rows = [];
  const drawn = new Map();
  for (const message of state.messages.values()) {
    if (!visible(message, user) || state.dismissed.has(message.id)) continue;
    // What has not changed keeps its element, and with it the focus, an open menu, a shown spoiler.
    const print = `${user} ${previous?.id} ${JSON.stringify(message)}`;
    const old = state.drawn.get(message.id);
    const row = old?.print === print ? old.row : messageElement(message, previous, context);
    drawn.set(message.id, { print, row });
    rows.push(row);
    previous = message;
  }
  state.drawn = drawn;
  sync(list, [start(channel()), ...rows]);
  if (atEnd) list.scrollTop = list.scrollHeight;
}

// Puts the rows in order, moving none that is in place already.
function sync(list, rows) {
  const wanted = new Set(rows);
  for (const row of [...list.children]) if (!wanted.has(row)) row.remove();
  rows.forEach((row, at) => { if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null); });
}

let drawing = false;
function redraw() {
  if (drawing) return;
  drawing = true;
  // Not an animation frame: a page in the background gets none, and is to be right when it comes to front.
  setTimeout(() => { drawing = false; drawMessages(); }, 16);
}

// --- events --------------------------------------------------------------------------------------

let reloadTimer;
function reloadSoon() {
  clearTimeout(reloadTimer);
  reloadTimer = setTimeout(() => attempt(load), 80);
}

function onMessage(data) {
  typing.delete(data.author?.id);
  drawTyping();
  if (data.channel_id === state.channel) {
    const old = state.messages.get(data.id);
    state.messages.set(data.id, { ...old, ...data, reactions: data.reactions?.map((each, at) => ({ ...old?.reactions?.[at], ...each })) });
    if (state.messages.size > KEPT) state.messages.delete(state.messages.keys().next().value);
    redraw();
  } else {
    state.unread.add(data.channel_id);
    if (!data.guild_id && !state.direct.some((each) => each.id === data.channel_id)) reloadSoon();
    else drawPlaces();
  }
}

function onDelete(ids) {
  for (const id of ids) if (state.messages.has(id)) state.messages.set(id, { ...state.messages.get(id), deleted: true });
  redraw();
}

const HIDDEN_CALLS = /^\/v\d+\/(interactions|webhooks|applications)\//;

function apply(event) {
  const { t, d } = event;
  inspector.note(event);
  if (t === "SANDBOX_STATUS") { status(d); drawPeople(currentGuild()); }
  // Answers that only one person sees, and commands that are set, are told to nobody: look for them.
  else if (t === "SANDBOX_REST") { if (d.method !== "GET" && d.status < 300 && HIDDEN_CALLS.test(d.path)) reloadSoon(); }
  else if (t === "MESSAGE_CREATE" || (t === "MESSAGE_UPDATE" && state.messages.has(d.id))) onMessage(d);
  else if (t === "MESSAGE_DELETE") onDelete([d.id]);
  else if (t === "MESSAGE_DELETE_BULK") onDelete(d.ids);
  else if (t === "TYPING_START") onTyping(d);
  else if (t.startsWith("MESSAGE_REACTION") || t.startsWith("MESSAGE_POLL")) { if (d.channel_id === state.channel) reloadSoon(); }
  else if (/^(GUILD|CHANNEL|THREAD|USER|PRESENCE|VOICE_STATE)_/.test(t)) reloadSoon();
}

const typing = new Map();
function onTyping(data) {
  if (data.channel_id !== state.channel) return;
  typing.set(data.user_id, Date.now() + 9000);
  drawTyping();
  setTimeout(drawTyping, 9100);
}

function drawTyping() {
  const now = Date.now();
  const who = [...typing].filter(([id, until]) => until > now && id !== me()).map(([id]) => names.user(id));
  $("typing").textContent = who.length ? `${who.join(", ")} ${who.length > 1 ? "are" : "is"} typing…` : "";
}

let wait = 250;
function connect() {
  const socket = new WebSocket(`ws://${location.host}/sandbox/events`);
  linkState("connecting");
  socket.addEventListener("open", () => { wait = 250; linkState("live"); attempt(load); });
  socket.addEventListener("message", ({ data }) => {
    const event = JSON.parse(data);
    if (state.loading && event.t !== "SANDBOX_REST") state.held.push(event);
    else apply(event);
  });
  socket.addEventListener("close", () => {
    linkState("reconnecting");
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 4000);
  });
}

function linkState(name) {
  $("link").textContent = name;
  $("link").dataset.state = name;
}

// --- what the person does ------------------------------------------------------------------------

const by = (message, more) => ({ channel: message.channel_id, message: message.id, user: $("user").value, ...more });

const actions = {
  click: (message, customId) => interaction("/click", by(message, { custom_id: customId })),
  select: (message, customId, values) => interaction("/select", by(message, { custom_id: customId, values })),
  react: (message, emoji, mine) => attempt(() => call("POST", mine ? "/unreact" : "/react", by(message, { emoji }))),
  reactWith: (message) => ask("React", [{ name: "emoji", label: "Emoji", note: "An emoji, or name:id of the guild's own." }], ({ emoji }) => actions.react(message, emoji)),
  vote: (message, answer) => attempt(() => call("POST", "/vote", by(message, { answers: [answer] }))),
  remove: (message) => attempt(() => call("POST", "/delete", by(message))),
  reply: (message) => note(message, null),
  edit: (message) => { note(null, message); $("content").value = message.content; grow(); },
  dismiss: (message) => { state.dismissed.add(message.id); drawMessages(); },
  open: (id) => open(state.guild, id),
  user: (user, event) => userMenu(user, event),
  more: (message, event) => messageMenu(message, event),
  jump(id) {
    const row = state.drawn.get(id)?.row;
    if (!row) { toast("That message is further back than the page goes."); return; }
    row.scrollIntoView({ block: "center" });
    row.classList.remove("flash");
    setTimeout(() => row.classList.add("flash"));
  },
  choices(kind) {
    const guild = currentGuild();
    const users = (guild?.members ?? []).map((each) => ({ value: each.user.id, label: nameOf(each.user) }));
    const roles = (guild?.roles ?? []).map((each) => ({ value: each.id, label: each.name }));
    if (kind === "user") return users;
    if (kind === "role") return roles;
    if (kind === "channel") return channels().map((each) => ({ value: each.id, label: `#${titleOf(each)}` }));
    return [...users, ...roles];
  },
};

const appsFor = (kind) => state.commands.filter((each) => each.type === kind);

function messageMenu(message, event) {
  menuOf(event, `Message of ${nameOf(message.author)}`, [
    ...appsFor(3).map((each) => [`Apps: ${each.name}`, () => interaction("/interact", { channel: message.channel_id, user: $("user").value, command: each.name, target: message.id })]),
    channel()?.type === 0 && !message.thread && ["Start a thread", () => ask("Start a thread", [{ name: "name", label: "Name" }], ({ name }) => startThread({ name, message: message.id }))],
    [message.pinned ? "Unpin" : "Pin", () => attempt(() => call("POST", "/pin", by(message, { pinned: !message.pinned }))).then(reloadSoon)],
    message.author.id !== me() && ["Delete as a moderator", () => actions.remove(message)],
    ["Copy text", () => copy(message.content)],
    ["Copy id", () => copy(message.id)],
  ]);
}

function userMenu(user, event) {
  const guild = state.guild === DIRECT ? undefined : state.guild;
  const here = { channel: state.channel, user: $("user").value };
  menuOf(event, nameOf(user), [
    !user.bot && [`Speak as ${user.username}`, () => { $("user").value = user.username; drawMessages(); }],
    ...(state.channel ? appsFor(2).map((each) => [`Apps: ${each.name}`, () => interaction("/interact", { ...here, command: each.name, target: user.id })]) : []),
    ...(user.bot ? [] : ["online", "idle", "dnd", "offline"].map((each) => [`Set ${each}`, () => attempt(() => call("POST", "/presence", { user: user.username, status: each }))])),
    !user.bot && guild && ["Give a role", () => roleForm(user, "/give_role", "Give")],
    !user.bot && guild && ["Take a role", () => roleForm(user, "/take_role", "Take")],
    !user.bot && guild && ["Leave the guild", () => attempt(() => call("POST", "/leave", { user: user.username, guild }))],
    ["Copy id", () => copy(user.id)],
  ]);
}

async function startThread(given) {
  const made = await attempt(() => call("POST", "/thread", { channel: state.channel, user: $("user").value, ...given }));
  if (made) await open(state.guild, made.id);
}

const newPost = () => ask("New post", [{ name: "name", label: "Title" }, { name: "content", label: "What it says" }], startThread);

const copy = (text) => attempt(async () => { await navigator.clipboard.writeText(text); });

function roleForm(user, path, verb) {
  const roles = currentGuild().roles.filter((each) => each.name !== "@everyone" && !each.managed);
  ask(`${verb} a role: ${nameOf(user)}`, [{ name: "role", label: "Role", options: roles.map((each) => ({ value: each.id, label: each.name })) }], ({ role }) => attempt(() => call("POST", path, { user: user.username, role, guild: state.guild })));
}

const newGuild = () => ask("New guild", [{ name: "name", label: "Name", note: "The bot, alice and bob are in it from the start." }], async ({ name }) => {
  const made = await attempt(() => call("POST", "/guilds", { name }));
  if (made) await open(made.id, null);
});

function newUser() {
  $("user").value = state.lastUser ?? "alice";
  ask("New user", [{ name: "user", label: "Name", note: state.guild === DIRECT ? "Joins the first guild." : "Joins this guild." }], async ({ user }) => {
    const body = state.guild === DIRECT ? { user } : { user, guild: state.guild };
    if (!(await attempt(() => call("POST", "/join", body)))) return;
    await attempt(load);
    $("user").value = user;
    state.lastUser = user;
    drawMessages();
  });
}

function note(replyTo, editing) {
  Object.assign(state, { replyTo, editing });
  $("reply").hidden = !replyTo && !editing;
  $("reply").firstElementChild.textContent = editing ? "Editing your message. Escape leaves it as it was." : replyTo ? `Replying to ${nameOf(replyTo.author)}` : "";
  if (replyTo || editing) $("content").focus();
}

async function open(guild, id) {
  note(null, null);
  $("places").classList.remove("open");
  $("menu").setAttribute("aria-expanded", "false");
  state.guild = guild;
  state.channel = id ?? channels().find((each) => TEXT.has(each.type))?.id ?? null;
  state.messages = new Map();
  state.unread.delete(state.channel);
  typing.clear();
  drawTyping();
  await attempt(load);
  // A direct channel is its person's: whoever was chosen before cannot speak there.
  const person = state.guild === DIRECT && channel()?.recipients?.find((each) => !each.bot);
  if (person) { $("user").value = person.username; drawMessages(true); }
}

async function interaction(path, body) {
  const result = await attempt(() => call("POST", path, { ...body, wait: 3 }));
  if (!result) return false;
  if (result.modal) modal(result);
  else if (!result.responded) toast(state.online ? "The bot did not answer within 3 seconds: for Discord, this interaction has failed." : "The bot is offline: nobody answers.");
  await attempt(load);
  return true;
}

async function runCommand(text, user) {
  const { leaf, typed, given, loose } = parse(text, state.commands);
  const command = leaf?.path ?? typed.trim();
  if (loose) { toast(`/${command} takes its options by name, for example ${leaf.options[0] ? `${leaf.options[0].name}:${loose}` : `/${command}`}.`); return false; }
  const options = Object.fromEntries((given ?? []).map((each) => [each.option.name, valueOf(each.option, each.raw)]));
  return interaction("/interact", { channel: state.channel, user, command, options });
}

async function submit() {
  const box = $("content");
  const content = box.value;
  const user = $("user").value;
  if (!content.trim() && !files.some()) return;
  box.value = "";
  suggest.close();
  grow();
  const { replyTo, editing } = state;
  note(null, null);
  let done;
  if (editing) done = await attempt(() => call("POST", "/edit", { channel: editing.channel_id, message: editing.id, content, user }));
  else if (/^\/\w/.test(content) && state.channel) done = await runCommand(content, user);
  else done = await attempt(async () => {
    const sent = await files.taken();
    const body = { user, content, ...(sent.length ? { files: sent } : {}) };
    if (state.guild === DIRECT) return call("POST", "/dm", body);
    return call("POST", "/say", { ...body, channel: state.channel, ...(replyTo ? { reply_to: replyTo.id } : {}) });
  });
  if (!done && !box.value) { box.value = content; grow(); }
}

// --- forms ---------------------------------------------------------------------------------------

function modal(started) {
  const fields = fieldsOf(started.modal.components ?? []).map((each) => [each, control(each, actions.choices)]);
  const texts = (started.modal.components ?? []).filter((each) => each.type === 10).map((each) => el("p", {}, each.content));
  dialog(started.modal.title ?? "Form", [...texts, ...fields.map(([each, made]) => labelled(each.label ?? each.custom_id, each.description, made))], "Submit", () => {
    const values = Object.fromEntries(fields.map(([each, made]) => [each.custom_id, read(each, made)]));
    interaction("/modal", { interaction: started.id, user: $("user").value, values });
  });
}

// --- setting up ----------------------------------------------------------------------------------

function grow() {
  const box = $("content");
  box.style.height = "auto";
  box.style.height = `${Math.max(box.value ? box.scrollHeight : 0, 34)}px`;
  box.style.overflowY = box.scrollHeight > 160 ? "auto" : "hidden";
}

const files = uploads();
const suggest = suggestBox({
  get commands() { return state.commands; },
  users: () => (currentGuild()?.members ?? []).map((each) => ({ label: nameOf(each.user), text: each.user.username })),
  channels: () => channels().map((each) => ({ label: `#${titleOf(each)}`, text: titleOf(each) })),
  roles: () => (currentGuild()?.roles ?? []).map((each) => ({ label: each.name, text: each.name })),
  complete: async (command, option, value, options) => {
    const body = { channel: state.channel, user: $("user").value, command, option, value, options, wait: 3 };
    return (await call("POST", "/autocomplete", body).catch(() => null))?.choices ?? null;
  },
});

let saidTyping = 0;
function tellTyping() {
  if (!$("content").value || $("content").value.startsWith("/") || !state.channel || Date.now() - saidTyping < 8000) return;
  saidTyping = Date.now();
  call("POST", "/typing", { channel: state.channel, user: $("user").value }).catch(() => null);
}

$("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
$("content").addEventListener("input", () => { grow(); suggest.update(); tellTyping(); });
$("content").addEventListener("blur", () => suggest.close());
$("content").addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (suggest.key(event)) { event.preventDefault(); return; }
  if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); submit(); }
  if (event.key === "Escape") { if (state.editing) $("content").value = ""; note(null, null); grow(); }
  if (event.key === "ArrowUp" && !$("content").value) {
    const mine = [...state.messages.values()].filter((each) => each.author.id === me() && !each.deleted).at(-1);
    if (mine) { event.preventDefault(); actions.edit(mine); }
  }
});
$("user").addEventListener("change", () => {
  if (!$("user").value) { newUser(); return; }
  state.lastUser = $("user").value;
  drawMessages();
});
$("reply").querySelector("button").addEventListener("click", () => { if (state.editing) $("content").value = ""; note(null, null); grow(); });

function toggle(id, show) {
  const button = $(id);
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  show(on);
}
const showPeople = (on) => { $("people").hidden = !on; };
$("show-people").addEventListener("click", () => toggle("show-people", showPeople));
$("show-inspector").addEventListener("click", () => toggle("show-inspector", inspector.show));
$("menu").addEventListener("click", () => $("menu").setAttribute("aria-expanded", String($("places").classList.toggle("open"))));
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && $("places").classList.contains("open")) { $("places").classList.remove("open"); $("menu").setAttribute("aria-expanded", "false"); $("menu").focus(); } });
// Where there is no room beside the messages, the members come on request only.
const tight = matchMedia("(max-width: 1000px)");
const fit = () => { $("show-people").setAttribute("aria-pressed", String(!tight.matches)); showPeople(!tight.matches); };
tight.addEventListener("change", fit);
fit();

function theme(name) {
  document.documentElement.dataset.theme = name;
  try { localStorage.setItem("theme", name); } catch { /* private windows may have no storage */ }
}
function startTheme() {
  let kept = null;
  try { kept = localStorage.getItem("theme"); } catch { /* see theme() */ }
  document.documentElement.dataset.theme = kept ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
}
$("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme === "light" ? "dark" : "light"));

placesDo({
  open, newGuild, newPost, userMenu,
  move: (target) => attempt(() => call("POST", "/voice", { user: $("user").value, channel: target, guild: state.guild })),
});
startTheme();
inspector.setUp(call);
connect();

