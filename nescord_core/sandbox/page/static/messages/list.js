// The list of messages of the open channel.
import { $, byId, el } from "/elements.js";
import { ofCommand, ofMessage } from "/interactions/pending.js";
import { commandRow } from "/interactions/rows.js";
import { prepareRow } from "/keyboard/message_list.js";
import { dayOf } from "/markdown/timestamps.js";
import { actions } from "/messages/actions.js";
import { isOpenIn } from "/messages/select_menu.js";
import { firstNew } from "/messages/unread.js";
import { shown } from "/messages/following.js";
import { isVisible, messageElement } from "/messages/message.js";
import { channelStart } from "/navigation/channel_start.js";
import { drawnBy } from "/render.js";
import { tracesOf } from "/trace/store.js";
import { currentChannel, names, speakerId, state } from "/state.js";

// The rows by message id, with the source they were drawn from.
let drawn = new Map();

const shownOf = ({ record, calls, handlers, ended }) => [record.again, calls, handlers, ended];

// The channel that was drawn last: another one is shown from its end.
let drawnChannel;

function drawMessages() {
  const userId = speakerId();
  const context = { names, actions, userId, tracesOf };
  const redrawn = new Map();
  // An unchanged row keeps its element, and so the focus, an open menu, a shown spoiler.
  const rowFor = (key, source, make) => {
    const old = drawn.get(key);
    // So does one with an open menu, until the menu is closed.
    const isKept = old && (old.source === source || isOpenIn(old.row));
    const row = isKept ? old.row : make();
    if (!isKept) prepareRow(row);
    redrawn.set(key, { source: isKept ? old.source : source, row });
  };
  const waiting = ofCommand();
  const commandFor = (entry) => rowFor(
    entry.id, sourceOf({ id: entry.interaction }, entry), () => commandRow(entry, userId, tracesOf),
  );
  const ids = [];
  let previous = null;
  for (const message of state.messages.values()) {
    if (!isVisible(message, userId) || state.dismissed.has(message.id)) continue;
    while (waiting.length && byId(waiting[0].id, message.id) < 0) commandFor(waiting.shift());
    const lines = linesAbove(message, previous);
    for (const [kind, text] of lines) rowFor(`${kind} ${text}`, "", () => divider(kind, text));
    if (lines.length) previous = null;
    const source = `${userId} ${previous?.id} ${sourceOf(message, ofMessage(message.id))}`;
    const above = previous;
    rowFor(message.id, source, () => messageElement(message, above, context));
    ids.push(message.id);
    previous = message;
  }
  waiting.forEach(commandFor);
  drawn = redrawn;
  replaceRows($("messages"), [channelStart(currentChannel()), ...[...drawn.values()].map((each) => each.row)]);
  shown(ids, drawnChannel !== state.channel);
  drawnChannel = state.channel;
}

const sourceOf = (message, pending) => (
  JSON.stringify([message, tracesOf(message).map(shownOf), pending?.id, pending?.failure])
);

// The day, where it changes, and the line above what is new: [[kind, text]].
function linesAbove(message, previous) {
  const day = dayOf(new Date(message.timestamp));
  const lines = [];
  if (!previous || dayOf(new Date(previous.timestamp)) !== day) lines.push(["day", day]);
  if (message.id === firstNew()) lines.push(["new", "New"]);
  return lines;
}

const divider = (kind, text) => el("li", { class: `divider ${kind}` }, el("span", {}, text));

// Puts the rows in order without moving those that are in place.
function replaceRows(list, rows) {
  const wanted = new Set(rows);
  for (const row of [...list.children]) if (!wanted.has(row)) row.remove();
  rows.forEach((row, at) => { if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null); });
}

drawnBy("messages", drawMessages);
