// Creates guilds, threads and forum posts.
import { attempt, call } from "/api.js";
import { formDialog } from "/dialogs.js";
import { openChannel } from "/navigation/open_channel.js";
import { speaker, state } from "/state.js";

export function newGuild() {
  const field = { name: "name", label: "Name", note: "With the bot, olivia (the owner), alice and bob as members." };
  formDialog("New guild", [field], "Create", async ({ name }) => {
    const made = await attempt(() => call("POST", "/guilds", { name }));
    if (made) await openChannel(made.id, null);
  });
}

export async function startThread(given) {
  const body = { channel: state.channel, user: speaker(), ...given };
  const made = await attempt(() => call("POST", "/thread", body));
  if (made) await openChannel(state.guild, made.id);
}

export function newPost() {
  const fields = [{ name: "name", label: "Title" }, { name: "content", label: "Message" }];
  formDialog("New post", fields, "Post", startThread);
}
