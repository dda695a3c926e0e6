// The websocket with the events of the world: loads the state when it opens, then keeps it up to date.
import { attempt, call } from "/api.js";
import { forgetTyping, showTyping } from "/composer/typing.js";
import * as inspector from "/inspector/inspector.js";
import { byId } from "/elements.js";
import { onCallback, onInteraction } from "/interactions/pending.js";
import { noteLoading } from "/messages/edited.js";
import { noteMessage, noteOpened } from "/messages/unread.js";
import { applyLocation, writeLocation } from "/navigation/location.js";
import { render } from "/render.js";
import { channels, currentChannel, currentGuild, DIRECT, state, TEXT } from "/state.js";
import { showBuild, showConnection, showStatus } from "/status.js";
import { addBuild, addRecord, addRequest, onTrace } from "/trace/store.js";

const MAX_MESSAGES = 400;
const HISTORY = 100;
const RELOAD_MS = 80;
const REDRAW_MS = 16;
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 4000;

// --- the state as a whole ------------------------------------------------------------------------

let loading = 0;
let queued = [];

export async function loadState() {
  // The feed is open by now: events that arrive during the load are queued and applied afterwards.
  loading += 1;
  try {
    const shown = await call("GET", "/state?tail=0");
    Object.assign(state, { guilds: shown.guilds, direct: shown.direct, users: shown.users, bot: shown.bot });
    state.botSpeaksIn = shown.bot_speaks_in;
    applyLocation();
    if (!currentGuild()) state.guild = state.guilds[0]?.id ?? DIRECT;
    if (!currentChannel()) state.channel = channels().find((each) => TEXT.has(each.type))?.id ?? null;
    showStatus(shown);
    state.commands = await call("GET", state.guild === DIRECT ? "/commands" : `/commands?guild=${state.guild}`);
    state.unread.delete(state.channel);
    noteOpened();
    if (state.channel && TEXT.has(currentChannel()?.type)) await loadMessages();
  } finally {
    loading -= 1;
  }
  if (!loading) queued.splice(0).forEach(apply);
  render("navigation");
  render("messages");
  writeLocation();
}

async function loadMessages() {
  const found = await call("GET", `/messages?limit=${HISTORY}&channel=${state.channel}`);
  const deleted = [...state.messages.values()].filter((each) => each.deleted && each.channel_id === state.channel);
  found.forEach(noteLoading);
  state.messages = new Map([...deleted, ...found].sort((a, b) => byId(a.id, b.id)).map((each) => [each.id, each]));
}

let reloadTimer;
export function reloadSoon() {
  clearTimeout(reloadTimer);
  reloadTimer = setTimeout(() => attempt(loadState), RELOAD_MS);
}

let redrawing = false;
function redrawSoon() {
  if (redrawing) return;
  redrawing = true;
  // A timer, not an animation frame: a page in the background gets none, and must be right once it is shown.
  setTimeout(() => { redrawing = false; render("messages"); }, REDRAW_MS);
}

// --- single events -------------------------------------------------------------------------------

const UNANNOUNCED_CALLS = /^\/v\d+\/(interactions|webhooks|applications)\//;
const RELOADING_EVENTS = /^(GUILD|CHANNEL|THREAD|USER|PRESENCE|VOICE_STATE)_/;
const MESSAGE_DETAILS = /^MESSAGE_(REACTION|POLL)/;

function apply(event) {
  const { t, d } = event;
  if (t === "SANDBOX_STATUS") { showStatus(d); render("members"); }
  else if (t === "SANDBOX_REST") onRestCall(d);
  else if (t === "MESSAGE_CREATE" || (t === "MESSAGE_UPDATE" && state.messages.has(d.id))) onMessage(d);
  else if (t === "MESSAGE_DELETE") onDelete([d.id]);
  else if (t === "MESSAGE_DELETE_BULK") onDelete(d.ids);
  else if (t === "TYPING_START") showTyping(d);
  else if (t === "INTERACTION_CREATE") onInteraction(d);
  else if (t === "SANDBOX_SPEAKING") reloadSoon();
  else if (MESSAGE_DETAILS.test(t)) { if (d.channel_id === state.channel) reloadSoon(); }
  else if (RELOADING_EVENTS.test(t)) reloadSoon();
}

// No event announces ephemeral messages and changed commands; the bot's requests show that there are some.
function onRestCall(request) {
  if (request.status < 300) onCallback(request.path);
  if (request.method !== "GET" && request.status < 300 && UNANNOUNCED_CALLS.test(request.path)) reloadSoon();
}

function onMessage(data) {
  forgetTyping(data.author?.id);
  noteLoading(data);
  noteMessage(data);
  if (data.channel_id !== state.channel) {
    state.unread.add(data.channel_id);
    if (!data.guild_id && !state.direct.some((each) => each.id === data.channel_id)) reloadSoon();
    else render("navigation");
    return;
  }
  const old = state.messages.get(data.id);
  const reactions = data.reactions?.map((each, at) => ({ ...old?.reactions?.[at], ...each }));
  state.messages.set(data.id, { ...old, ...data, reactions });
  if (state.messages.size > MAX_MESSAGES) state.messages.delete(state.messages.keys().next().value);
  redrawSoon();
}

// Deleted messages stay, struck through.
function onDelete(ids) {
  for (const id of ids.filter((each) => state.messages.has(each))) {
    state.messages.set(id, { ...state.messages.get(id), deleted: true });
  }
  redrawSoon();
}

onTrace((trace) => { if (!trace || trace.messages.length) redrawSoon(); });

// --- the connection ------------------------------------------------------------------------------

let retryAfter = FIRST_RETRY_MS;
export function connect() {
  const socket = new WebSocket(`ws://${location.host}/sandbox/events`);
  showConnection("connecting");
  socket.addEventListener("open", () => {
    retryAfter = FIRST_RETRY_MS;
    showConnection("live");
    attempt(loadState);
  });
  socket.addEventListener("message", ({ data }) => {
    const event = JSON.parse(data);
    if (event.t === "SANDBOX_CONNECTED") { attempt(() => loadHistory(event.d.feed)); return; }
    record(event);
    if (loading && event.t !== "SANDBOX_REST") queued.push(event);
    else apply(event);
  });
  socket.addEventListener("close", () => {
    showConnection("reconnecting");
    setTimeout(connect, retryAfter);
    retryAfter = Math.min(retryAfter * 2, MAX_RETRY_MS);
  });
}

// --- what the inspector and the trace show ---------------------------------------------------------

// Frames are numbered, so that the history and the feed can overlap.
let feed = null;
let recorded = 0;
let early = null;

async function loadHistory(id) {
  if (feed !== id) recorded = 0;
  feed = id;
  early = [];
  try {
    (await call("GET", "/history")).forEach(recordOnce);
  } finally {
    const waiting = early;
    early = null;
    waiting.forEach(recordOnce);
  }
}

function record(event) {
  if (early) early.push(event);
  else recordOnce(event);
}

function recordOnce(event) {
  if (event.n <= recorded) return;
  recorded = event.n;
  if (event.t === "SANDBOX_TRACE") addRecord(event.d, event.at);
  else if (event.t === "SANDBOX_BUILD") { addBuild(event.d, event.at); showBuild(event.d, event.at); }
  else {
    if (event.t === "SANDBOX_REST") addRequest(event.d);
    inspector.record(event);
  }
}
