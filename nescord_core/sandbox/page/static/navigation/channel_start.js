// What stands above a channel's first message, or in place of messages: a forum's posts, a voice channel's users.
import { attempt, call } from "/api.js";
import { el } from "/elements.js";
import { threadsOf } from "/navigation/channel_list.js";
import { newGuild, newPost } from "/navigation/creation.js";
import { openChannel } from "/navigation/open_channel.js";
import { currentGuild, DIRECT, FORUM, names, speaker, speakerId, state, titleOf, VOICE } from "/state.js";

const start = (title, ...children) => el("li", { class: "start" }, el("h2", {}, title), ...children);
const button = (label, onclick) => el("button", { type: "button", onclick }, label);

export function channelStart(channel) {
  if (!state.guilds.length && (state.guild !== DIRECT || !channel)) {
    const text = "Make one, and the bot is invited to it.";
    return start("The bot is in no guild", el("p", {}, text), button("New guild", newGuild));
  }
  if (!channel && state.guild === DIRECT) {
    return start("Direct messages", el("p", {}, "What you write below goes to the bot alone."));
  }
  if (!channel) return start(currentGuild().name, el("p", {}, "There is no channel to write in."));
  if (VOICE.has(channel.type)) return voiceStart(channel);
  if (FORUM.has(channel.type)) return forumStart(channel);
  const text = state.messages.size
    ? "This is the start of what the sandbox remembers here."
    : "Nothing was said here yet. Say !ping, or type / for the bot's commands.";
  return start(`${state.guild === DIRECT ? "@" : "#"}${titleOf(channel)}`, el("p", {}, text));
}

function forumStart(channel) {
  const posts = threadsOf(channel).map((each) => el("button", {
    type: "button", class: "thread-link", onclick: () => openChannel(state.guild, each.id),
  }, each.name));
  return start(
    titleOf(channel),
    el("p", {}, "Posts of this forum:"),
    ...(posts.length ? posts : [el("p", {}, "None yet.")]),
    el("p", {}, button(`New post as ${speaker()}`, newPost)),
  );
}

function voiceStart(channel) {
  const states = (currentGuild().voice_states ?? []).filter((each) => each.channel_id === channel.id);
  const connected = states.some((each) => each.user_id === speakerId());
  const listed = states.map((each) => names.user(each.user_id)).join(", ");
  const text = states.length
    ? `Connected: ${listed}. There is no sound, only who is where.`
    : "Nobody is connected. There is no sound here, only who is where.";
  const move = () => attempt(() => call("POST", "/voice", {
    user: speaker(), channel: connected ? null : channel.id, guild: state.guild,
  }));
  const verb = connected ? "Leave" : `Join as ${speaker()}`;
  return start(`♪ ${titleOf(channel)}`, el("p", {}, text), button(verb, move));
}
