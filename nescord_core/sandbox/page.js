// The page's state and its two connections: the event feed (websocket) and the control API (fetch).
import { el, messageElement, nameOf, color } from "/page_render.js";

const $ = (id) => document.getElementById(id);
const DIRECT = "direct";
const TEXT = new Set([0, 1, 3, 5, 10, 11, 12]);
const SIGNS = { 2: "♪", 4: "▾", 10: "⌙", 11: "⌙", 12: "⌙", 13: "♪", 15: "☰" };

const state = {
  guilds: [], direct: [], users: [], bot: null, guild: null, channel: null,
  messages: new Map(), unread: new Set(), replyTo: null, editing: null, loading: 0, held: [],
};

async function call(method, path, body) {
  const answer = await fetch(`/sandbox${path}`, {
    method, headers: body ? { "Content-Type": "application/json" } : {}, body: body ? JSON.stringify(body) : undefined,
  });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.error || `${answer.status}`);
  return result;
}

async function attempt(action) {
  try { return await action(); } catch (error) { toast(error.message); return null; }
}

let toastTimer;
function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 6000);
}

// --- what there is -------------------------------------------------------------------------------

async function load() {
  // The feed is open by now: what it says meanwhile is held back and applied on top of the snapshot.
  state.loading += 1;
  try {
    const shown = await call("GET", "/state?tail=0");
    Object.assign(state, { guilds: shown.guilds, direct: shown.direct, users: shown.users, bot: shown.bot });
    status(shown);
    if (!currentGuild()) state.guild = state.guilds[0]?.id ?? DIRECT;
    if (!channel()) state.channel = channels().find((each) => TEXT.has(each.type))?.id ?? null;
    if (state.channel) {
      const found = await call("GET", `/messages?limit=100&channel=${state.channel}`);
      const gone = [...state.messages.values()].filter((each) => each.deleted && each.channel_id === state.channel);
      state.messages = new Map([...gone, ...found].sort((a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1)).map((each) => [each.id, each]));
    }
  } finally {
    state.loading -= 1;
  }
  if (!state.loading) state.held.splice(0).forEach(apply);
  drawPlaces();
  drawMessages(true);
}

const currentGuild = () => (state.guild === DIRECT ? { id: DIRECT, name: "Direct messages", members: [], roles: [] } : state.guilds.find((each) => each.id === state.guild));
const channels = () => (state.guild === DIRECT ? state.direct : currentGuild()?.channels ?? []);
const channel = () => channels().find((each) => each.id === state.channel);
const me = () => state.users.find((each) => each.username === $("user").value)?.id;

const names = {
  user: (id) => nameOf(state.users.find((each) => each.id === id)),
  channel: (id) => state.guilds.flatMap((each) => each.channels).find((each) => each.id === id)?.name ?? "unknown",
  role: (id) => state.guilds.flatMap((each) => each.roles).find((each) => each.id === id)?.name ?? "unknown",
};

function status(shown) {
  $("bot-dot").classList.toggle("on", shown.bot_online);
  $("bot-state").textContent = shown.bot_online ? "online" : "offline: no gateway session";
  if (state.bot) $("bot-name").textContent = nameOf(state.bot);
  const { gateway, rest } = shown.faults;
  const parts = Object.entries(gateway).map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}`);
  if (rest.length) parts.push(`REST: ${rest.map((each) => `${each.method} ${each.route} ${each.status || "late"} ×${each.count}`).join("; ")}`);
  $("faults").hidden = !parts.length;
  $("faults").textContent = `Faults are on. ${parts.join(" · ")}`;
  $("notice").hidden = !shown.notice;
  $("notice").textContent = shown.notice;
}

// --- drawing -------------------------------------------------------------------------------------

function drawPlaces() {
  const guild = currentGuild();
  const tabs = [...state.guilds, { id: DIRECT, name: "Direct messages" }];
  $("guilds").replaceChildren(...tabs.map((each) => el("button", {
    type: "button", title: each.name, "aria-label": each.name, "aria-current": String(each.id === state.guild), onclick: () => open(each.id, null),
  }, each.id === DIRECT ? "@" : each.name.split(/\s+/).map((word) => word[0]).join("").slice(0, 3))));
  $("guild-name").textContent = guild?.name ?? "No guild";
  $("channels").replaceChildren(...channels().map((each) => el("button", {
    type: "button", data: { sign: SIGNS[each.type] ?? (state.guild === DIRECT ? "@" : "#"), id: each.id }, disabled: !TEXT.has(each.type),
    class: state.unread.has(each.id) ? "unread" : "", "aria-current": String(each.id === state.channel), onclick: () => open(state.guild, each.id),
  }, each.name ?? (each.recipients ?? []).map(nameOf).join(", "))));
  if (state.guild === DIRECT && !state.direct.length) $("channels").append(el("p", { class: "marks" }, "Write below to send the bot a direct message."));
  const place = channel();
  $("channel-name").textContent = place ? `${state.guild === DIRECT ? "@" : "#"} ${place.name ?? (place.recipients ?? []).map(nameOf).join(", ")}` : guild?.name ?? "";
  $("topic").textContent = place?.topic ?? "";
  $("content").placeholder = place?.name ? `Message #${place.name}` : "Message the bot directly";
  drawPeople(guild);
}

function drawPeople(guild) {
  const select = $("user");
  const chosen = select.value || "alice";
  const people = state.users.filter((each) => !each.bot);
  select.replaceChildren(...people.map((each) => el("option", { value: each.username, selected: each.username === chosen }, each.username)));
  const members = guild?.members ?? [];
  $("people").replaceChildren(el("h2", {}, `MEMBERS — ${members.length}`), ...members.slice(0, 200).map((each) => {
    const dot = el("span", { class: "dot" });
    dot.style.background = color(each.user.id);
    return el("p", {}, dot, each.nick || nameOf(each.user), each.user.bot ? el("span", { class: "tag" }, "BOT") : "");
  }));
}

const actions = {
  click: (message, customId) => interaction("/click", { channel: message.channel_id, message: message.id, user: $("user").value, custom_id: customId }),
  select: (message, customId, values) => interaction("/select", { channel: message.channel_id, message: message.id, user: $("user").value, custom_id: customId, values }),
  react: (message, emoji) => attempt(() => call("POST", "/react", { channel: message.channel_id, message: message.id, user: $("user").value, emoji })),
  remove: (message) => attempt(() => call("POST", "/delete", { channel: message.channel_id, message: message.id, user: $("user").value })),
  reply: (message) => note(message, null),
  edit: (message) => { note(null, message); $("content").value = message.content; },
  choices(kind) {
    const guild = currentGuild();
    const users = (guild?.members ?? []).map((each) => ({ value: each.user.id, label: nameOf(each.user) }));
    const roles = (guild?.roles ?? []).map((each) => ({ value: each.id, label: each.name }));
    if (kind === "user") return users;
    if (kind === "role") return roles;
    if (kind === "channel") return channels().map((each) => ({ value: each.id, label: `#${each.name}` }));
    return [...users, ...roles];
  },
};

function note(replyTo, editing) {
  Object.assign(state, { replyTo, editing });
  $("reply").hidden = !replyTo && !editing;
  $("reply").firstElementChild.textContent = editing ? "Editing your message" : replyTo ? `Replying to ${nameOf(replyTo.author)}` : "";
  $("content").focus();
}

let drawing = false;
function drawMessages(toEnd = false) {
  const list = $("messages");
  const atEnd = toEnd || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const context = { names, actions, me: me(), bot: state.bot?.id };
  let previous = null;
  const drawn = [];
  for (const message of state.messages.values()) {
    drawn.push(messageElement(message, previous, context));
    previous = message;
  }
  const begin = el("li", { class: "start" }, state.channel ? "This is the start of what the sandbox remembers here." : "Nothing was said yet.");
  list.replaceChildren(begin, ...drawn);
  if (atEnd) list.scrollTop = list.scrollHeight;
}

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
    state.messages.set(data.id, { ...old, ...data });
    if (state.messages.size > 400) state.messages.delete(state.messages.keys().next().value);
    redraw();
  } else {
    state.unread.add(data.channel_id);
    if (!data.guild_id && !state.direct.some((each) => each.id === data.channel_id)) reloadSoon();
    else drawPlaces();
  }
}

function onDelete(ids) {
  for (const id of ids) if (state.messages.has(id)) state.messages.get(id).deleted = true;
  redraw();
}

function apply(event) {
  const { t, d } = event;
  if (t === "SANDBOX_STATUS") status(d);
  else if (t === "MESSAGE_CREATE" || (t === "MESSAGE_UPDATE" && state.messages.has(d.id))) onMessage(d);
  else if (t === "MESSAGE_DELETE") onDelete([d.id]);
  else if (t === "MESSAGE_DELETE_BULK") onDelete(d.ids);
  else if (t === "TYPING_START") onTyping(d);
  else if (t.startsWith("MESSAGE_REACTION") || t.startsWith("MESSAGE_POLL")) { if (d.channel_id === state.channel) reloadSoon(); }
  else if (/^(GUILD|CHANNEL|THREAD|USER)_/.test(t)) reloadSoon();
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
  const who = [...typing].filter(([, until]) => until > now).map(([id]) => names.user(id));
  $("typing").textContent = who.length ? `${who.join(", ")} ${who.length > 1 ? "are" : "is"} typing…` : "";
}

let wait = 250;
function connect() {
  const socket = new WebSocket(`ws://${location.host}/sandbox/events`);
  linkState("connecting");
  socket.addEventListener("open", () => { wait = 250; linkState("live"); attempt(load); });
  socket.addEventListener("message", ({ data }) => {
    const event = JSON.parse(data);
    if (state.loading) state.held.push(event);
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

async function open(guild, id) {
  note(null, null);
  state.guild = guild;
  state.channel = id ?? channels().find((each) => TEXT.has(each.type))?.id ?? null;
  state.messages = new Map();
  state.unread.delete(state.channel);
  typing.clear();
  drawTyping();
  await attempt(load);
  // A direct channel is its person's: whoever was chosen before cannot speak there.
  const person = state.guild === DIRECT && channel()?.recipients?.find((each) => !each.bot);
  if (person) $("user").value = person.username;
}

function commandOf(text) {
  // "/roll sides:6 why:for fun" -> the words before the first option are the command and its subcommands.
  const found = [...text.matchAll(/(\w[\w-]*):/g)];
  const command = text.slice(1, found[0]?.index ?? undefined).trim();
  const options = {};
  found.forEach((match, at) => {
    const raw = text.slice(match.index + match[0].length, found[at + 1]?.index).trim();
    options[match[1]] = /^-?\d{1,15}(\.\d+)?$/.test(raw) ? Number(raw) : raw === "true" ? true : raw === "false" ? false : raw;
  });
  return { command, options };
}

async function interaction(path, body) {
  const result = await attempt(() => call("POST", path, { ...body, wait: 3 }));
  if (!result) return;
  if (result.modal) modal(result);
  else if (!result.responded) toast("The bot did not answer the interaction within 3 seconds.");
  await attempt(load);
}

async function submit() {
  const content = $("content").value;
  const user = $("user").value;
  if (!content.trim()) return;
  $("content").value = "";
  grow();
  const { replyTo, editing } = state;
  note(null, null);
  if (editing) await attempt(() => call("POST", "/edit", { channel: editing.channel_id, message: editing.id, content, user }));
  else if (/^\/\w/.test(content) && state.channel) await interaction("/interact", { channel: state.channel, user, ...commandOf(content) });
  else if (state.guild === DIRECT) await attempt(() => call("POST", "/dm", { user, content }));
  else {
    const body = { channel: state.channel, user, content };
    if (replyTo) body.reply_to = replyTo.id;
    if (!(await attempt(() => call("POST", "/say", body)))) $("content").value ||= content;
  }
}

function inputs(components) {
  return components.flatMap((each) => {
    if (each.type === 4) return [each];
    const inner = [...(each.components ?? []), ...(each.component ? [{ ...each.component, label: each.label }] : [])];
    return inputs(inner);
  });
}

function modal(started) {
  const dialog = $("modal");
  const fields = inputs(started.modal.components ?? []).map((each) => [each, el(each.style === 2 ? "textarea" : "input", { value: each.value, required: each.required ?? true, maxlength: each.max_length, placeholder: each.placeholder })]);
  const form = el("form", { method: "dialog" }, el("h2", {}, started.modal.title ?? "Form"), ...fields.map(([each, input]) => el("label", {}, el("span", {}, each.label ?? each.custom_id), input)),
    el("div", { class: "row" }, el("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), el("button", { class: "s1" }, "Submit")));
  form.addEventListener("submit", () => {
    const values = Object.fromEntries(fields.map(([each, input]) => [each.custom_id, input.value]));
    interaction("/modal", { interaction: started.id, user: $("user").value, values });
  });
  dialog.replaceChildren(form);
  dialog.showModal();
}

function grow() {
  const box = $("content");
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

$("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
$("content").addEventListener("input", grow);
$("content").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
  if (event.key === "Escape") { $("content").value = ""; note(null, null); }
});
$("user").addEventListener("change", () => drawMessages());
$("reply").querySelector("button").addEventListener("click", () => note(null, null));
connect();
