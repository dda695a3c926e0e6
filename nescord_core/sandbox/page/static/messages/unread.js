// The line above the first message that came while its channel was not open, or the window not in view.
import { isFollowing } from "/messages/following.js";
import { speakerId, state } from "/state.js";

const firstUnread = new Map();
let opened = null;
let line = null;

export function noteMessage({ id, channel_id: channel, author, edited_timestamp: edited }) {
  if (edited || author?.id === speakerId()) return;
  if (channel !== state.channel) { if (!firstUnread.has(channel)) firstUnread.set(channel, id); return; }
  if ((document.hidden || !isFollowing()) && !line) line = id;
}

// The open channel's line stays until another channel is opened, or the speaker writes something.
export function noteOpened() {
  if (opened === state.channel) return;
  opened = state.channel;
  line = firstUnread.get(opened) ?? null;
  firstUnread.delete(opened);
}

export const clearLine = () => { line = null; };
export const firstNew = () => line;
