// Names as they are typed, and as Discord has them: @bob and <@id>, #random and <#id>, :tada: and the emoji.
import { nameOf } from "/elements.js";
import { channels, currentGuild, names, state, TEXT, titleOf } from "/state.js";
import { EMOJI } from "/vendor/emoji.js";

const MAX_NAME = 40;
const CODE = /(```[^]*?```|`[^`\n]*`)/;
const TYPED = /(?<!<)@(?!&|!?\d+>)|(?<!<)#(?!\d+>)/g;
const EMOJI_NAME = /(?<!<a?):([\w+-]+):/g;
const WORD = /\w/;

export const everyone = ["everyone", "here"];

// The people and roles that can be mentioned, [{name, note, mention}].
export function mentionables() {
  const guild = currentGuild();
  const members = guild?.members?.length ? guild.members : state.users.map((user) => ({ user }));
  const people = members.map(({ user, nick }) => ({
    name: user.username, note: nick || nameOf(user), mention: `<@${user.id}>`,
  }));
  const roles = (guild?.roles ?? []).filter((each) => each.name !== "@everyone" && each.id !== guild.id);
  return [...people, ...roles.map((each) => ({ name: each.name, note: "role", mention: `<@&${each.id}>` }))];
}

export const namedChannels = () => channels().filter((each) => each.name).map((each) => (
  { name: titleOf(each), note: TEXT.has(each.type) ? each.topic ?? "" : "", mention: `<#${each.id}>` }
));

// The emoji of the guild, then Unicode's, [{names, emoji?, text}].
export function emojiList() {
  const own = (currentGuild()?.emojis ?? []).map((each) => (
    { names: [each.name], id: each.id, text: `<${each.animated ? "a" : ""}:${each.name}:${each.id}>` }
  ));
  return [...own, ...EMOJI.map((each) => ({ ...each, text: each.emoji }))];
}

// Of equal names, the first one is meant: a person rather than a role.
const byName = (list) => new Map(list.map((each) => [each.name.toLowerCase(), each.mention]).reverse());

// Returns the text as it is sent; code is sent as it is typed.
export function toDiscord(text) {
  const people = byName(mentionables());
  const places = byName(namedChannels());
  const emoji = new Map(emojiList().flatMap((each) => each.names.map((name) => [name, each.text])));
  return text.split(CODE).map((part, at) => {
    if (at % 2) return part;
    const named = part.replace(EMOJI_NAME, (whole, name) => emoji.get(name) ?? whole);
    return withMentions(named, { "@": people, "#": places });
  }).join("");
}

function withMentions(text, known) {
  let out = "";
  let from = 0;
  for (const { index, 0: sign } of text.matchAll(TYPED)) {
    if (index < from || WORD.test(text[index - 1] ?? "")) continue;
    const found = longestName(text.slice(index + 1, index + 1 + MAX_NAME), known[sign]);
    if (!found) continue;
    out += text.slice(from, index) + known[sign].get(found);
    from = index + 1 + found.length;
  }
  return out + text.slice(from);
}

// Names may have spaces: the longest one that the text begins with, and that ends there.
function longestName(text, known) {
  for (let end = text.length; end > 0; end -= 1) {
    const name = text.slice(0, end).toLowerCase();
    if (known.has(name) && !WORD.test(text[end] ?? "")) return name;
  }
  return null;
}

// Returns sent text as it is typed, for an edit.
export function fromDiscord(text) {
  const known = (sign, name) => (name && name !== "unknown" && name !== "someone" ? `${sign}${name}` : null);
  const username = (id) => state.users.find((each) => each.id === id)?.username;
  return text.split(CODE).map((part, at) => (at % 2 ? part : part
    .replace(/<@!?(\d+)>/g, (whole, id) => known("@", username(id)) ?? whole)
    .replace(/<@&(\d+)>/g, (whole, id) => known("@", names.role(id)) ?? whole)
    .replace(/<#(\d+)>/g, (whole, id) => known("#", names.channel(id)) ?? whole)
    .replace(/<a?:(\w+):\d+>/g, ":$1:"))).join("");
}
