// The list of messages of the open channel.
import { $ } from "/elements.js";
import { actions } from "/messages/actions.js";
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
  let previous = null;
  const rows = [];
  const redrawn = new Map();
  for (const message of state.messages.values()) {
    if (!isVisible(message, userId) || state.dismissed.has(message.id)) continue;
    // An unchanged message keeps its element, and so the focus, an open menu, a shown spoiler.
    const source = `${userId} ${previous?.id} ${JSON.stringify([message, tracesOf(message).map(shownOf)])}`;
    const old = drawn.get(message.id);
    const row = old?.source === source ? old.row : messageElement(message, previous, context);
    redrawn.set(message.id, { source, row });
    rows.push(row);
    previous = message;
  }
  drawn = redrawn;
  replaceRows($("messages"), [channelStart(currentChannel()), ...rows]);
  shown([...drawn.keys()], drawnChannel !== state.channel);
  drawnChannel = state.channel;
}

// Puts the rows in order without moving those that are in place.
function replaceRows(list, rows) {
  const wanted = new Set(rows);
  for (const row of [...list.children]) if (!wanted.has(row)) row.remove();
  rows.forEach((row, at) => { if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null); });
}

drawnBy("messages", drawMessages);
