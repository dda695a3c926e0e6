// Keeps the end of the messages in view while the reader is there, whatever grows or shrinks: pictures that load,
// the box, the window. Whoever reads history stays where they are, and sees how many messages have come since.
import { $, byId, plural } from "/elements.js";

const NEAR_END_PX = 40;

let following = true;
let lastTop = 0;
let ids = [];
let seen = null;

const isAtEnd = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX;

// Shows the end, and stays there.
export function follow() {
  following = true;
  keepEnd();
}

// Keeps the place from here on, as after a jump to an old message.
export function stopFollowing() {
  following = false;
}

// Tells which messages are shown now, oldest first; a new start, such as another channel, is read from its end.
export function shown(messageIds, isStart) {
  ids = messageIds;
  if (isStart) following = true;
  keepEnd();
}

export const isFollowing = () => following;

function keepEnd() {
  const list = $("scroller");
  if (following) {
    list.scrollTop = list.scrollHeight;
    seen = ids.at(-1) ?? null;
  }
  lastTop = list.scrollTop;
  showCount();
}

function showCount() {
  const count = following ? 0 : ids.filter((id) => !seen || byId(id, seen) > 0).length;
  $("newer").hidden = following || (!count && isAtEnd($("scroller")));
  $("newer").textContent = count ? `${count} new ${plural(count, "message")} ↓` : "Jump to present ↓";
  $("newer").classList.toggle("some", count > 0);
}

// Only a move upwards leaves the end: content that grew below is no move of the reader.
function onScroll() {
  const list = $("scroller");
  if (isAtEnd(list)) following = true;
  else if (list.scrollTop < lastTop) following = false;
  lastTop = list.scrollTop;
  if (following) seen = ids.at(-1) ?? null;
  showCount();
}

export function setUpFollowing() {
  $("scroller").addEventListener("scroll", onScroll, { passive: true });
  $("newer").addEventListener("click", follow);
  const resized = new ResizeObserver(keepEnd);
  resized.observe($("scroller"));
  resized.observe($("messages"));
}
