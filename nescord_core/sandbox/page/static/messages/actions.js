// Actions on a message: react, vote, reply, edit, delete, use its components, open its menu.
import { attempt, call } from "/api.js";
import { editMessage, replyTo } from "/composer/composer.js";
import { contextMenu, formDialog, toast } from "/dialogs.js";
import { $, nameOf } from "/elements.js";
import { reloadSoon } from "/event_feed.js";
import { menuCommands, runInteraction } from "/interactions/run.js";
import { copy, userMenu } from "/members.js";
import { pickEmoji } from "/messages/emoji_picker.js";
import { stopFollowing } from "/messages/following.js";
import { openChannel } from "/navigation/open_channel.js";
import { startThread } from "/settings/creation.js";
import { render } from "/render.js";
import { currentChannel, speaker, speakerId, state } from "/state.js";

const MESSAGE_COMMAND = 3;
const TEXT_CHANNEL = 0;

// The arguments of every call about a message.
const about = (message, more) => ({ channel: message.channel_id, message: message.id, user: speaker(), ...more });

const post = (path, message, more) => attempt(() => call("POST", path, about(message, more)));

export const actions = {
  click: (message, customId) => runInteraction(
    "/click", about(message, { custom_id: customId }), { message: message.id, customId },
  ),
  select: (message, customId, values) => runInteraction(
    "/select", about(message, { custom_id: customId, values }), { message: message.id, customId },
  ),
  react: (message, emoji, mine) => post(mine ? "/unreact" : "/react", message, { emoji }),
  reactWith: (message) => pickEmoji((emoji) => actions.react(message, emoji)),
  vote: (message, answers) => post("/vote", message, { answers }),
  remove: (message) => post("/delete", message),
  reply: replyTo,
  edit: editMessage,
  dismiss(message) {
    state.dismissed.add(message.id);
    render("messages");
  },
  open: (channelId) => openChannel(state.guild, channelId),
  user: userMenu,
  more: messageMenu,
  jump(messageId) {
    const row = $("messages").querySelector(`[data-id="${messageId}"]`);
    if (!row) { toast("That message is older than the page shows."); return; }
    stopFollowing();
    row.scrollIntoView({ block: "center" });
    row.classList.remove("flash");
    setTimeout(() => row.classList.add("flash"));
  },
};

function messageMenu(message, event) {
  const runOn = (command) => runInteraction("/interact", {
    channel: message.channel_id, user: speaker(), command: command.name, target: message.id,
  }, { label: command.name });
  const threadName = () => formDialog("Start a thread", [{ name: "name", label: "Name" }], "Start", ({ name }) => {
    startThread({ name, message: message.id });
  });
  const canHaveThread = currentChannel()?.type === TEXT_CHANNEL && !message.thread;
  contextMenu(event, `Message by ${nameOf(message.author)}`, [
    ...menuCommands(MESSAGE_COMMAND).map((each) => [`Apps: ${each.name}`, () => runOn(each)]),
    canHaveThread && ["Start a thread", threadName],
    [message.pinned ? "Unpin" : "Pin", () => post("/pin", message, { pinned: !message.pinned }).then(reloadSoon)],
    message.author.id !== speakerId() && ["Delete as a moderator", () => actions.remove(message)],
    ["Copy text", () => copy(message.content)],
    ["Copy ID", () => copy(message.id)],
  ]);
}
