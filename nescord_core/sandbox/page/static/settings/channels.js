// Creates, edits and deletes channels.
import { attempt, call } from "/api.js";
import { contextMenu, formDialog } from "/dialogs.js";
import { copy } from "/members.js";
import { openChannel } from "/navigation/open_channel.js";
import { channelPermissions } from "/settings/permissions.js";
import { CATEGORY, channels, DIRECT, state, THREADS } from "/state.js";

const KINDS = ["text", "voice", "forum", "announcement", "stage", "category"];

export function newChannel() {
  const categories = channels().filter((each) => each.type === CATEGORY);
  const none = { value: "", label: "none" };
  const fields = [
    { name: "name", label: "Name" },
    { name: "kind", label: "Kind", options: KINDS.map((each) => ({ value: each, label: each })) },
    {
      name: "parent", label: "Category", optional: true,
      options: [none, ...categories.map((each) => ({ value: each.id, label: each.name }))],
    },
  ];
  formDialog("New channel", fields, "Create", async ({ name, kind, parent }) => {
    const body = { name, kind, guild: state.guild, ...(parent ? { parent } : {}) };
    const made = await attempt(() => call("POST", "/channels", body));
    if (made && kind !== "category") await openChannel(state.guild, made.id);
  });
}

function editChannel(channel) {
  const fields = [
    { name: "name", label: "Name", value: channel.name },
    { name: "topic", label: "Topic", value: channel.topic ?? "", optional: true },
    {
      name: "slowmode", label: "Slow mode", note: "Seconds between two messages of a member.", type: "number",
      value: channel.rate_limit_per_user ?? 0,
    },
  ];
  formDialog(`Edit #${channel.name}`, fields, "Save", ({ name, topic, slowmode }) => attempt(() => call(
    "PATCH", `/channels/${channel.id}`, { name, topic: topic || null, rate_limit_per_user: Number(slowmode) },
  )));
}

export function channelMenu(channel, event) {
  event.preventDefault();
  const isOwn = state.guild !== DIRECT && !THREADS.has(channel.type);
  contextMenu(event, channel.name ?? "Direct message", [
    isOwn && ["Edit channel", () => editChannel(channel)],
    isOwn && ["Permissions", () => channelPermissions(channel)],
    state.guild !== DIRECT && ["Delete channel", () => attempt(() => call("DELETE", `/channels/${channel.id}`))],
    ["Copy ID", () => copy(channel.id)],
  ]);
}
