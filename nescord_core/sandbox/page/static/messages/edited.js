// Whether a message shows that it was edited: the first edit of a deferred response is the response itself.

const loading = new Set();
const responses = new Map();
const LOADING = 128;

export function noteLoading(message) {
  if (message.flags & LOADING) loading.add(message.id);
  else if (loading.delete(message.id)) responses.set(message.id, message.edited_timestamp);
}

export const isEdited = (message) => (
  Boolean(message.edited_timestamp) && responses.get(message.id) !== message.edited_timestamp
);
