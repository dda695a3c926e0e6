// The start of a channel, above its first message; for forums the posts, for voice channels the connected users.
import { attempt, call } from "/api.js";
import { byId, el, plural } from "/elements.js";
import { relative } from "/markdown/timestamps.js";
import { signOf, threadsOf } from "/navigation/channel_list.js";
import { newGuild, newPost } from "/settings/creation.js";
import { openChannel } from "/navigation/open_channel.js";
import { currentGuild, DIRECT, FORUM, headingOf, names, speaker, speakerId, state, titleOf, VOICE } from "/state.js";

const start = (title, ...children) => el("li", { class: "start" }, el("h2", {}, title), ...children);
const button = (label, onclick) => el("button", { type: "button", onclick }, label);

export function channelStart(channel) {
  if (!state.guilds.length && (state.guild !== DIRECT || !channel)) {
    const text = "Create one; the bot is added to it.";
    return start("The bot is in no guild", el("p", {}, text), button("New guild", newGuild));
  }
  if (!channel && state.guild === DIRECT) {
    return start("Direct messages", el("p", {}, "Messages here go only to the bot."));
  }
  if (!channel) return start(currentGuild().name, el("p", {}, "No text channels"));
  if (VOICE.has(channel.type)) return voiceStart(channel);
  if (FORUM.has(channel.type)) return forumStart(channel);
  const text = state.messages.size
    ? "The page shows the newest messages of this channel."
    : "No messages yet. Send !ping, or type / for the bot's commands.";
  return start(`${signOf(channel)} ${headingOf(channel)}`, el("p", {}, text));
}

function forumStart(channel) {
  const posts = threadsOf(channel).sort((a, b) => byId(b.id, a.id)).map((each) => postRow(each, channel));
  return start(
    titleOf(channel),
    el("p", {}, el("button", { type: "button", class: "s1", onclick: newPost }, `New post as ${speaker()}`)),
    ...(posts.length ? posts : [el("p", {}, "No posts yet.")]),
  );
}

// A post: its title and tags, who wrote it when, and the number of messages.
function postRow(post, forum) {
  const tags = (post.applied_tags ?? []).map((id) => forum.available_tags?.find((each) => each.id === id)?.name);
  const at = Number((BigInt(post.id) >> 22n) + 1_420_070_400_000n) / 1000;
  const count = post.message_count ?? 0;
  const facts = [names.user(post.owner_id), relative(at), `${count} ${plural(count, "message")}`];
  return el(
    "button", { type: "button", class: "post", onclick: () => openChannel(state.guild, post.id) },
    el("span", {}, el("strong", {}, post.name), ...tags.filter(Boolean).map((each) => el("span", { class: "topic" }, each))),
    el("small", {}, facts.join(" · ")),
  );
}

function voiceStart(channel) {
  const states = (currentGuild().voice_states ?? []).filter((each) => each.channel_id === channel.id);
  const connected = states.some((each) => each.user_id === speakerId());
  const listed = states.map((each) => names.user(each.user_id)).join(", ");
  const text = states.length
    ? `Connected: ${listed}. The sandbox has no sound.`
    : "Nobody is connected. The sandbox has no sound.";
  const move = () => attempt(() => call("POST", "/voice", {
    user: speaker(), channel: connected ? null : channel.id, guild: state.guild,
  }));
  const verb = connected ? "Leave" : `Join as ${speaker()}`;
  return start(`♪ ${titleOf(channel)}`, el("p", {}, text), button(verb, move));
}
